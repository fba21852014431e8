"""Ends a stream when the cell that started it is run again, because its output is gone by then and nobody sees it."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Rerun"]


class Rerun:
    """Notices that the cell that runs now is run again. While it blocks the kernel, only its page can notice that."""

    def __init__(self) -> None:
        self._events: Any = None
        self._cell: str | None = None
        self._stop: Callable[[], None] | None = None

    def watch(self, stop: Callable[[], None]) -> None:
        """Call `stop` before the cell runs again. Only the thread that runs cells knows which one that is."""
        if threading.current_thread() is not threading.main_thread():
            return
        shell = running_shell()
        kernel, self._events = getattr(shell, "kernel", None), getattr(shell, "events", None)
        if kernel is None or self._events is None or not hasattr(kernel, "get_parent"):
            return
        self._cell, self._stop = (kernel.get_parent("shell") or {}).get("metadata", {}).get("cellId"), stop
        if self._cell:
            self._events.register("pre_run_cell", self._runs)

    def forget(self) -> None:
        """Watch no longer."""
        if self._cell:
            self._cell = None
            with contextlib.suppress(ValueError):  # somebody has taken all hooks away
                self._events.unregister("pre_run_cell", self._runs)

    def _runs(self, info: Any) -> None:
        if self._stop is not None and self._cell and getattr(info, "cell_id", None) == self._cell:
            self._stop()
