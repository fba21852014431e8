"""While one answer is drawn, the loop that reads the others gets its turn.

Python hands the GIL over every 5 ms, but not within a call in C, such as a search by a regular expression. So the
longest of these is what another thread waits for.
"""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from tests.benchmarks.bounds import hold
from tests.markdown.families import FAMILIES
from tests.markdown.measure import updates, warm_up, ways_of

if TYPE_CHECKING:
    from types import FrameType

SIZE = 40_000
EVERY = 12
TRIES = 3
ENOUGH = 0.002
SHOWN = 5


class LongestCall:
    """Remembers the longest call in C that runs no Python, in seconds of processor time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.name = ""
        self._begun: list[float | None] = []

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call":
            self._begun.append(time.thread_time())
        elif event == "call":
            self._begun = [None] * len(self._begun)  # they have called back into Python
        elif event in {"c_return", "c_exception"} and self._begun:
            begun = self._begun.pop()
            if begun is not None and (took := time.thread_time() - begun) > self.seconds:
                self.seconds, self.name = took, f"{function.__qualname__} in {frame.f_code.co_qualname}"


def longest(way: str, text: str) -> LongestCall:
    """The longest call in the best of some tries: a machine is slow now and then."""
    tries = []
    for _ in range(TRIES):
        with LongestCall() as call:
            for _ in updates(way, text):
                pass
        tries.append(call)
        if call.seconds < ENOUGH:
            break
    return min(tries, key=lambda call: call.seconds)


def test_no_call_keeps_other_threads_waiting() -> None:
    warm_up()
    gc.collect()
    gc.disable()  # collecting is no call of ours
    try:
        found = {
            f"{family.name}, {way}": longest(way, family.make(SIZE))
            for family in FAMILIES[::EVERY]
            for way in ("incremental", "inert")
            if way in ways_of(family)
        }
    finally:
        gc.enable()
    print(f"\nlongest call in C, {len(found)} texts of {SIZE:,} characters")
    for name, call in sorted(found.items(), key=lambda pair: -pair[1].seconds)[:SHOWN]:
        print(f"  {name:50} {1000 * call.seconds:6.2f} ms  {call.name}")
    worst = max(call.seconds for call in found.values())
    hold("while a text is drawn: longest call in C", 1000 * worst, 5, "ms")
