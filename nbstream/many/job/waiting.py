"""Waits for a map on the caller's thread: an interrupt stops the map, which keeps what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.streaming.interrupts import HeldInterrupts

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.many.job.map_show import MapShow
    from nbstream.many.rows.row_states import RowStates

__all__ = ["waited"]

_STEP_SECONDS = 0.05
# An interrupt waits this long for rows in flight to be ended and written, unless it is repeated.
_FINISH_SECONDS = 10.0


def waited(
    states: RowStates,
    until: Callable[[], bool],
    stop: Callable[[], object],
    runs: Callable[[], bool],
    timeout: float | None,
    show: MapShow,
) -> bool:
    """Wait for something; whether it has come.

    Args:
        states: Tell of changes.
        until: Says whether it has come.
        stop: Stops the map; called when there is an interrupt.
        runs: Whether the map still runs.
        timeout: Seconds to wait at most; `None` waits forever.
        show: What shows the map; its Stop is no interrupt of the caller.

    Raises:
        KeyboardInterrupt: The kernel was interrupted; the map has been stopped.
    """
    if until():
        return True
    with HeldInterrupts() as held:
        held.stop_with(stop)
        with show.waited_for():
            come = _has_come(states, until, runs, timeout, held)
        if held.seconds and show.has_interrupted():
            held.forget()
        return come


def _has_come(
    states: RowStates,
    until: Callable[[], bool],
    runs: Callable[[], bool],
    timeout: float | None,
    held: HeldInterrupts,
) -> bool:
    def has_come() -> bool:
        return until() and not (held.seconds and runs())  # a map that was interrupted is waited for until it has ended

    left = timeout
    while not states.wait(has_come, _STEP_SECONDS if left is None else min(left, _STEP_SECONDS)):
        left = None if left is None else left - _STEP_SECONDS
        if (left is not None and left <= 0) or held.seconds > _FINISH_SECONDS:
            return False
        if held.seconds and not runs():
            return False
    return True
