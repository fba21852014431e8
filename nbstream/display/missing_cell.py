"""Ends an answer whose cell has been deleted, as a page tells; another page may still have the cell."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MissingCell"]

_SECONDS = 2.0  # in which a page that has the cell says so


class MissingCell:
    """The cell of one answer.

    Args:
        ask: Asks all pages whether they have it.
        stop: Ends the answer.
        later: Calls something after so many seconds.
    """

    def __init__(
        self,
        ask: Callable[[], object],
        stop: Callable[[], object],
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self._ask, self._stop = ask, stop
        self._later = later
        self._asked = threading.Event()

    def report(self) -> None:
        """Note that a page has it no longer."""
        if not self._asked.is_set():
            self._asked.set()
            self._ask()
            (self._later or _later)(_SECONDS, self._give_up)

    def found(self) -> None:
        """Note that a page has it."""
        self._asked.clear()

    def _give_up(self) -> None:
        if self._asked.is_set():
            self._stop()


def _later(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
