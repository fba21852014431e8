"""What is to happen when the cell that runs now ends, where a program keeps only what a cell has shown by then."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, ClassVar

from nbstream.display.drawn import Drawn
from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CellEnd"]

# Long enough for most answers, which are then kept as a whole. More would hold up later cells, which may be there to
# end it.
_SECONDS = 10.0


class CellEnd:
    """Holds up the end of the cell that runs now until it is released; all of a cell together for ten seconds at most.

    Args:
        stop: Called on an interrupt meanwhile.
        overdue: Called if it was not released in time.
    """

    _waiting: ClassVar[tuple[object, float]] = (None, 0.0)  # for which cell, and until when

    def __init__(self, stop: Callable[[], None], overdue: Callable[[], None]) -> None:
        self._stop, self._overdue = stop, overdue
        self._released = threading.Event()
        self._shell = running_shell()
        self._cell = id(self._shell), Drawn.cell()
        if self._shell is not None:
            self._shell.events.register("post_run_cell", self._wait)

    def release(self) -> None:
        """Hold up nothing any more; from any thread."""
        self._released.set()

    def _wait(self, _: object) -> None:
        if self._shell is not None:
            self._shell.events.unregister("post_run_cell", self._wait)
        now = time.monotonic()
        if CellEnd._waiting[0] != self._cell:
            CellEnd._waiting = self._cell, now + _SECONDS
        try:
            released = self._released.wait(max(0.0, CellEnd._waiting[1] - now))
        except KeyboardInterrupt:
            self._stop()
            released = self._released.wait(1.0)
        if not released:
            self._overdue()
