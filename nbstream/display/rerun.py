"""Ends a stream when the cell that started it is run again, because its output is gone by then and nobody sees it."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Rerun", "running_cell"]


def running_cell() -> str:
    """The id of the cell that runs now, as its page calls it; empty where that is not known."""
    kernel: Any = getattr(running_shell(), "kernel", None)
    if not hasattr(kernel, "get_parent"):
        return ""
    with contextlib.suppress(Exception):  # xeus-python has a `get_parent` of its own, and others may
        return str((kernel.get_parent("shell") or {}).get("metadata", {}).get("cellId") or "")
    return ""


class Rerun:
    """Notices that the cell that runs now is run again. While it blocks the kernel, only its page can notice that."""

    def __init__(self) -> None:
        self._events: Any = None
        self._cell = ""
        self._stop: Callable[[], None] | None = None

    def watch(self, stop: Callable[[], None]) -> None:
        """Call `stop` before the cell runs again. Only the thread that runs cells knows which one that is."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._events, self._cell = getattr(running_shell(), "events", None), running_cell()
        self._stop = stop
        if self._cell:
            self._events.register("pre_run_cell", self._runs)

    def forget(self) -> None:
        """Watch no longer."""
        if self._cell:
            self._cell = ""
            with contextlib.suppress(ValueError):  # somebody has taken all hooks away
                self._events.unregister("pre_run_cell", self._runs)

    def _runs(self, info: Any) -> None:
        if self._stop is not None and self._cell and getattr(info, "cell_id", None) == self._cell:
            self._stop()
