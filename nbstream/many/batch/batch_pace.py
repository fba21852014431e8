"""How often to ask for the state of batches: soon at first, then as seldom as they are slow. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbstream.errors import StreamError

__all__ = ["BatchPace"]

_SHORTEST, _LONGEST = 0.5, 60.0
_PART = 0.1  # of the time that it has taken so far
_LONGEST_ASKED = 3600.0


class BatchPace:
    """The pause before the next look.

    Args:
        now: When it begins, in seconds of the caller's clock.

    Example:
        >>> pace = BatchPace(0.0)
        >>> pace.pause(1.0), pace.pause(100.0), pace.pause(5000.0)
        (0.5, 10.0, 60.0)
    """

    def __init__(self, now: float) -> None:
        self._began_at = now
        self._failures = 0

    def pause(self, now: float) -> float:
        """Seconds to wait after a look that told something.

        Args:
            now: When that was.
        """
        self._failures = 0
        return min(_LONGEST, max(_SHORTEST, _PART * (now - self._began_at)))

    def pause_after(self, error: StreamError) -> float:
        """Seconds to wait after a look that was refused; what the provider asks for, if it says so.

        Args:
            error: The refusal.
        """
        self._failures += 1
        if error.retry_after:
            return min(error.retry_after, _LONGEST_ASKED)
        return min(_LONGEST, 2.0 ** min(self._failures, 10) / 2)
