"""When a stream is left alone for a moment: by value, on a loop whose turns and time are told to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nbstream.transport.gathering import Gathering

if TYPE_CHECKING:
    from collections.abc import Callable


class Loop:
    """As much of an event loop as is needed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.soon: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)


def pauses(*reads: tuple[float | None, int]) -> list[bool]:
    """Whether there is a pause after each piece: the seconds waited for it (`None`: it had been read), and its size."""
    loop: Any = Loop()
    gathering = Gathering(loop)
    paused = []
    for waited, size in reads:
        gathering.watch()
        if waited is not None:
            loop.now += waited
            while loop.soon:
                loop.soon.pop()()
        pause = gathering.pause(size, loop.now)
        loop.now += pause
        paused.append(pause > 0)
    assert len(loop.soon) <= 1, "one watcher is enough"
    return paused


@pytest.mark.parametrize(
    ("reads", "paused"),
    [
        pytest.param([(0.002, 100)] * 5, [False, True, True, True, True], id="one after the other"),
        pytest.param([(0.1, 100)] * 3, [False] * 3, id="slowly"),
        pytest.param([(0.0001, 65_536), *[(None, 300)] * 200] * 3, [False] * 603, id="a burst"),
        pytest.param([(0.0001, 300), *[(None, 300)] * 200] * 2, [False] * 402, id="many pieces in each read"),
        pytest.param(
            [(0.002, 100), (0.002, 100), (0.0001, 100), (None, 100), (None, 100), (0.002, 100)],
            [False, True, True, False, False, True],
            id="what has been read already is taken without a pause",
        ),
    ],
)
def test_only_quick_small_reads_are_left_to_gather(reads: list[tuple[float | None, int]], paused: list[bool]) -> None:
    assert pauses(*reads) == paused


def longest(patience: float | None, seconds: float) -> float:
    """The pause after a piece that comes so long after the first, every 20 ms."""
    loop: Any = Loop()
    gathering, pause = Gathering(loop, None if patience is None else lambda: patience), 0.0
    while loop.now < seconds:
        gathering.watch()
        loop.now += max(0.0, 0.02 - pause)
        while loop.soon:
            loop.soon.pop()()
        pause = gathering.pause(300, loop.now)
        loop.now += pause
    return pause


def test_pieces_gather_longer_the_longer_the_answer_is() -> None:
    assert longest(None, 0.5) == pytest.approx(0.04)
    assert longest(None, 1.5) == pytest.approx(0.07, abs=0.01)
    assert longest(None, 30.0) == pytest.approx(0.1)


def test_they_gather_no_longer_than_somebody_is_patient() -> None:
    assert longest(0.06, 30.0) == pytest.approx(0.06)
    assert longest(0.01, 30.0) == 0
    assert longest(0.0, 30.0) == 0


def test_a_slow_reader_is_not_made_slower() -> None:
    # Each piece takes 5 ms to handle, and all have been read already.
    loop: Any = Loop()
    gathering = Gathering(loop)
    for _ in range(100):
        gathering.watch()
        loop.now += 0.005
        assert gathering.pause(300, loop.now) == 0
