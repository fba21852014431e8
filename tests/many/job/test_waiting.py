"""How the thread that wants values waits for a map."""

import os
import signal

import pytest

from nbstream.many.job.map_show import MapShow
from nbstream.many.job.waiting import waited
from nbstream.many.rows.row_states import RowStates


def test_an_interrupt_is_raised_once_the_map_has_ended_so_that_it_can_go_on_at_once():
    asked, stops, running = [], [], iter([True, True])

    def is_settled():
        asked.append(True)
        if len(asked) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return len(asked) >= 2  # the row that was waited for is cancelled before the map has ended

    with pytest.raises(KeyboardInterrupt):
        waited(
            RowStates(),
            is_settled,
            lambda: stops.append(True),
            lambda: next(running, False),
            None,
            MapShow(shows=False),
        )
    assert (stops, next(running, None)) == ([True], None)
