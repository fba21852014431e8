"""Thousands of streams with faults and cancels in one kernel leave nothing behind and never mix."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks.soak import MEGABYTE, run


@pytest.mark.skipif(sys.platform != "linux", reason="reads what the kernel holds from /proc")
def test_nothing_is_left_behind_and_nothing_is_mixed_up() -> None:
    report = run()
    print(f"\n{report}")
    assert not report.wrong
    assert not report.unnoticed
    for name in ("threads", "descriptors", "tasks"):
        assert getattr(report.after, name) <= getattr(report.before, name), f"{name} are left behind"
    assert report.after.memory - report.before.memory <= 10 * MEGABYTE
