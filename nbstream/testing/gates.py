"""Lets an event loop wait for `threading.Event`s, any number of times and without a thread for each wait."""

from __future__ import annotations

import asyncio
import contextlib
import threading

__all__ = ["Gates"]

# How long a watcher of an event that is never set may outlive `close`; an event that is set is seen at once.
_LONGEST_LOOK = 0.02


class Gates:
    """One watching thread for each event that somebody waits for. All but `close` belongs to one loop."""

    def __init__(self) -> None:
        self._waiting: dict[threading.Event, asyncio.Event] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def passed(self, event: threading.Event) -> None:
        """Return once `event` is set."""
        if event.is_set():
            return
        passed = self._waiting.get(event)
        if passed is None:
            passed = self._waiting[event] = asyncio.Event()
            loop = asyncio.get_running_loop()
            thread = threading.Thread(target=self._watch, args=(event, loop), name="fault-server-gate", daemon=True)
            self._threads.append(thread)
            thread.start()
        await passed.wait()

    def close(self) -> None:
        """End all watching; remaining waiters wait forever."""
        self._closed = True
        for thread in self._threads:
            thread.join()

    def _watch(self, event: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        while not event.wait(_LONGEST_LOOK):
            if self._closed:
                return
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(lambda: self._waiting.pop(event).set())
