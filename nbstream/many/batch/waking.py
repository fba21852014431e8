"""Waits, until the time has passed or somebody has something else to do; knows when a provider has asked to wait."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nbstream.errors import RateLimitError, ServerError, TimeLimitError

if TYPE_CHECKING:
    from nbstream.errors import StreamError

__all__ = ["Waking"]

_PASSING = RateLimitError | ServerError | TimeLimitError


class Waking:
    """The pauses of one job, on one loop.

    Attributes:
        rate_limits: How often the provider has asked to wait.
        ends: Whether nothing more is to be begun.
    """

    def __init__(self) -> None:
        self.ends = False
        self.rate_limits = 0
        self._until = 0.0
        self._woken: asyncio.Event | None = None

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    @property
    def rate_limited_until(self) -> float | None:
        """When the provider is asked again, if it has asked to wait; in seconds of the monotonic clock."""
        return self._until if self._until > self.now() else None

    def is_passing(self, error: StreamError) -> bool:
        """Whether a refusal says nothing about the next time."""
        return isinstance(error, _PASSING) and error.kind != "quota"

    def note_refusal(self, error: StreamError, seconds: float) -> float:
        """A look was refused, and the next one comes after so many seconds; returns them."""
        if isinstance(error, RateLimitError):
            self.rate_limits += 1
            self._until = self.now() + seconds
        return seconds

    async def wait(self, seconds: float) -> None:
        """Return after so many seconds, or when somebody has called `wake`."""
        woken = self._woken = asyncio.Event()
        try:
            async with asyncio.timeout(seconds):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            self._woken = None

    def wake(self) -> None:
        """End the pause, on the loop."""
        if self._woken is not None:
            self._woken.set()
