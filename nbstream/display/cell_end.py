"""What is to happen when the cell that runs now ends, where a program keeps only what a cell has shown by then."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CellEnd"]

# An answer that is nearly there is kept as a whole. More would hold up later cells, which may be there to end it.
_UNTIL_IT_BEGINS_SECONDS, _THEN_SECONDS = 10.0, 1.0


class CellEnd:
    """Holds up the end of the cell that runs now until it is released, or a second after something has begun.

    Args:
        stop: Called on an interrupt meanwhile.
        overdue: Called if it was not released in time.
    """

    def __init__(self, stop: Callable[[], None], overdue: Callable[[], None]) -> None:
        self._stop, self._overdue = stop, overdue
        self._begun, self._released = threading.Event(), threading.Event()
        self._shell = running_shell()
        if self._shell is not None:
            self._shell.events.register("post_execute", self._wait)

    def begin(self) -> None:
        """Hold up for another second at most; from any thread."""
        self._begun.set()

    def release(self) -> None:
        """Hold up nothing any more; from any thread."""
        self._released.set()
        self._begun.set()

    def _wait(self) -> None:
        if self._shell is not None:
            self._shell.events.unregister("post_execute", self._wait)
        try:
            self._begun.wait(_UNTIL_IT_BEGINS_SECONDS)
            released = self._released.wait(_THEN_SECONDS)
        except KeyboardInterrupt:
            self._stop()
            released = self._released.wait(1.0)
        if not released:
            self._overdue()
