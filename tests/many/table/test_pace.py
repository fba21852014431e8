"""When a table draws: never too often, and never not at all."""

from __future__ import annotations

from typing import Any

from nbstream.many.table.pace import Pace


def test_frames_have_a_distance_and_the_last_one_comes() -> None:
    now, drawn, later = [0.0], [], []
    pace = Pace(lambda: drawn.append(now[0]), now=lambda: now[0], later=lambda *due: later.append(due))
    for moment in (0.0, 0.05, 0.1, 0.19):
        now[0] = moment
        pace.ask()
    assert drawn == [0.0]
    [(delay, call)] = later
    now[0] = 0.05 + delay  # because that was when it was asked
    assert round(now[0], 6) == 0.2
    call()
    assert drawn[1:] == [now[0]]
    pace.ask()
    assert len(later) == 2, "also after a frame that waited"


def test_a_frame_may_ask_for_the_next() -> None:
    asked: list[Any] = []
    pace = Pace(lambda: asked.append(None) or pace.ask(), now=lambda: 0.0, later=lambda *due: asked.append(due))  # type: ignore[func-returns-value]
    pace.ask()
    assert [each and each[0] for each in asked] == [None, 0.2]
