"""Thousands of streams with faults and cancels in one kernel leave nothing behind and never mix."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks.bounds import hold
from tests.benchmarks.soak import MEGABYTE, run


@pytest.mark.skipif(sys.platform != "linux", reason="reads what the kernel holds from /proc")
def test_nothing_is_left_behind_and_nothing_is_mixed_up() -> None:
    report = run()
    print(f"\n{report}")
    assert not report.wrong
    assert not report.unnoticed
    for name in ("threads", "descriptors", "tasks"):
        hold(f"2,000 streams: {name} left behind", getattr(report.after, name) - getattr(report.before, name), 0)
    hold("2,000 streams: memory left behind", (report.after.memory - report.before.memory) / MEGABYTE, 10, "MB")
