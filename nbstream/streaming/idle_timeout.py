"""An idle timeout: like `asyncio.timeout`, but restarting it is nearly free, because every token does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["IdleTimeout"]

_LATE_SECONDS = 0.02
_PAUSE_SECONDS = 1e9


class IdleTimeout:
    """Ends its block with `TimeoutError` if it is not restarted in time.

    A restart only notes the new deadline. A timer that fires before the deadline is rescheduled. One that fires late,
    because the loop was busy, waits once more for as long: what has come meanwhile has not been read yet.

    Args:
        seconds: The timeout until the first restart.

    Example:
        ```python
        async with IdleTimeout(120) as idle:
            async for token in tokens:
                idle.restart(60)
        ```
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = self._allowed = seconds
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self._deadline = self._put_off = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False

    @property
    def expired(self) -> bool:
        """Whether this timeout ended the block."""
        return self._timeout.expired()

    def restart(self, seconds: float) -> None:
        """Allow `seconds` of silence from now on, or, while it is paused, once it is resumed."""
        self._allowed = seconds
        if self._paused:
            return
        earlier = self._deadline
        self._deadline = self._loop.time() + seconds
        if self._deadline < earlier:
            self._look()

    def pause(self) -> None:
        """Allow any silence, until it is resumed: nobody listens meanwhile."""
        self._paused, self._deadline = True, self._loop.time() + _PAUSE_SECONDS

    def resume(self) -> None:
        """Allow as much silence as was allowed last, from now on."""
        self._paused, self._deadline = False, self._loop.time() + self._allowed
        if self._timer is None or self._timer.when() > self._deadline:
            self._look()

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._deadline = self._loop.time() + self._seconds
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, traceback)  # turns its own cancellation into `TimeoutError`

    def _look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._loop.time()
        late = now - self._deadline
        if late > _LATE_SECONDS and self._put_off != self._deadline:
            self._deadline = self._put_off = now + min(late, self._allowed)
        if now >= self._deadline:
            self._timeout.reschedule(now)
        else:
            self._timer = self._loop.call_at(self._deadline, self._look)
