"""A kernel under fire: 200 streams at once with faults and cancels, and storms of interrupts, leave all in order."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks import soak, storm
from tests.benchmarks.bounds import hold

STREAMS, AT_ONCE = 1_000, 200


@pytest.mark.skipif(sys.platform != "linux", reason="reads what the kernel holds from /proc")
def test_two_hundred_streams_at_once_leave_nothing_behind() -> None:
    report = soak.run(STREAMS, AT_ONCE)
    print(f"\n{report}")
    assert not report.wrong
    assert not report.unnoticed
    for name in ("threads", "descriptors", "tasks"):
        left = getattr(report.after, name) - getattr(report.before, name)
        hold(f"{AT_ONCE} streams at once: {name} left behind", left, 0)


def test_storms_of_interrupts_leave_a_usable_kernel_and_names_that_agree() -> None:
    report = storm.run()
    print(f"\n{report}")
    assert not report.wrong
    assert report.ended["error"] > storm.ROUNDS // 4
