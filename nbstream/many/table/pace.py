"""When to draw, for a thing that is asked to from several threads: at once, or as soon as the next frame is due."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace"]


class _Later(Protocol):
    def __call__(self, seconds: float, call: Callable[[], None], /) -> object: ...


class Pace:
    """Coalesces what asks for a frame: never two frames within the interval, and none is lost.

    There is no thread while nothing is asked for.

    Args:
        draw: Draws a frame; called on the thread that asks, or on one that waited.
        interval: Seconds between two frames at least.
        now: Monotonic time.
        later: Calls something after so many seconds.

    Example:
        >>> pace = Pace(lambda: print("frame"), now=lambda: 0.0, later=lambda seconds, call: print(f"in {seconds} s"))
        >>> pace.ask(), pace.ask(), pace.ask()
        frame
        in 0.2 s
        (None, None, None)
    """

    def __init__(
        self,
        draw: Callable[[], None],
        interval: float = 0.2,
        *,
        now: Callable[[], float] = time.monotonic,
        later: _Later | None = None,
    ) -> None:
        self._draw, self._interval, self._now = draw, interval, now
        self._later = later or _by_timer
        self._next = float("-inf")
        self._waiting = False
        self._lock = threading.Lock()

    def ask(self) -> None:
        """Draw a frame, now or when it is due."""
        with self._lock:
            if self._waiting:
                return
            delay = self._next - self._now()
            if delay > 0:
                self._waiting = True
            else:
                self._next = self._now() + self._interval
        if delay > 0:
            self._later(delay, self._is_due)
        else:
            self._draw()

    def _is_due(self) -> None:
        with self._lock:
            self._waiting = False
            self._next = self._now() + self._interval
        self._draw()


def _by_timer(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.name = "nbstream-table"
    timer.start()
