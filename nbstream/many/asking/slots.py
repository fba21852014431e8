"""Lets requests through: as many at once as the level allows, none while a server has asked to wait."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbstream.many.asking.concurrency import Concurrency

__all__ = ["Slots"]


class Slots:
    """What the requests of one job pass, on one loop; first come, first served.

    Args:
        level: How many may be in flight.
    """

    def __init__(self, level: Concurrency) -> None:
        self.level = level
        self.taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._opened = False

    async def enter(self) -> None:
        """Wait for a slot, and take it; `leave` gives it back."""
        loop = asyncio.get_running_loop()
        if not self._waiting and self._is_open(loop.time()):
            self.taken += 1
            return
        waiting: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiting)
        self.admit()
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give a slot back."""
        self.taken -= 1
        self.admit()

    def admit(self) -> None:
        """Let in those who may enter now; to be called when the level has changed."""
        loop = asyncio.get_running_loop()
        while self._waiting and self._is_open(loop.time()):
            waiting = self._waiting.popleft()
            if not waiting.done():
                self.taken += 1
                waiting.set_result(None)
        if self._waiting and self.level.is_paused(loop.time()) and self._timer is None:
            self._timer = loop.call_at(self.level.paused_until, self._resume)

    def open(self) -> None:
        """Let everybody in, from now on: nothing is sent any more."""
        self._opened = True
        self.admit()

    def _resume(self) -> None:
        self._timer = None
        self.admit()

    def _is_open(self, now: float) -> bool:
        return self._opened or (self.taken < self.level.limit and not self.level.is_paused(now))
