"""When to draw: the first frame at once, later ones at a limited rate, slower if frames are dear. Pure: time comes in.

Coalescing, not debouncing: a frame is due at a fixed time after the last one however much arrives meanwhile, so a
steady stream can never starve the display. What is drawn, and the last frame, are the caller's.
"""

from __future__ import annotations

__all__ = ["Throttle"]


class Throttle:
    """Paces frames.

    Args:
        max_rate: Maximum frames a second. What is a tenth of a second late still looks immediate, and in a notebook
            each frame costs some 500 bytes and 4 ms of the page's time before it says anything.
        max_duty: The share of time that making frames may take; an expensive frame delays the next accordingly.

    Attributes:
        interval: Seconds between the last frame and the next.

    Example:
        >>> throttle = Throttle(max_rate=10)
        >>> throttle.delay(now=0.0)
        0.0
        >>> throttle.drawn(started=0.0, ended=0.001)
        >>> round(throttle.delay(now=0.04), 3)
        0.06
    """

    def __init__(self, max_rate: float = 9.0, max_duty: float = 0.2) -> None:
        self.interval = self._shortest = 1.0 / max_rate
        self._max_duty = max_duty
        self._next = float("-inf")

    def delay(self, now: float) -> float:
        """Seconds to wait until the next frame may be drawn; 0 if it may be drawn now."""
        return max(0.0, self._next - now)

    def drawn(self, started: float, ended: float) -> None:
        """Note that a frame was made between these two moments."""
        self.interval = max(self._shortest, (ended - started) / self._max_duty)
        self._next = started + self.interval
