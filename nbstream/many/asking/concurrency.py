"""How many requests may be in flight, found out by asking: more while all goes well, fewer after a refusal. Pure.

Additive increase and multiplicative decrease, as TCP does it: one more for each answer at first, and after the first
refusal one more for as many answers as are in flight. All that was sent before the level fell is one episode, however
many of it is refused.
"""

from __future__ import annotations

import math

from nbstream.failures import UsageError

__all__ = ["FIRST", "MOST", "Concurrency"]

FIRST, MOST = 20, 100
_FALL = 0.8
# Without a `Retry-After`, so many seconds after the first episode, and twice as many after each one that follows.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Concurrency:
    """The level of one job; it is shared by all that ask for it. Times are seconds of one clock, given by the caller.

    Args:
        first: How many may be in flight at the beginning.
        most: How many at most.

    Example:
        >>> level = Concurrency(first=20, most=100)
        >>> level.succeeded()
        >>> level.limit
        21
        >>> level.refused(sent_at=5.0, now=6.0, retry_after=2.0)
        >>> level.limit, level.paused_until
        (16, 8.0)
    """

    def __init__(self, first: int = FIRST, most: int = MOST) -> None:
        self._most = max(1, most)
        self._level = float(min(max(1, first), self._most))
        self._fell_at = -math.inf
        self._episodes = 0  # without an answer in between
        self._has_fallen = False
        self.paused_until = -math.inf
        """When requests may be sent again."""
        self.pauses = 0
        """How many episodes of refusals there have been."""

    @classmethod
    def of(cls, wanted: object) -> Concurrency:
        """As an option says it.

        Args:
            wanted: `"auto"`, or how many may be in flight at most.

        Raises:
            UsageError: It is something else.
        """
        if wanted == "auto":
            return cls()
        number = checked(wanted)
        return cls(number, number)

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return max(1, int(self._level))

    @limit.setter
    def limit(self, wanted: int) -> None:
        self._most = max(1, wanted)
        self._level = float(self._most)

    def let_find(self) -> None:
        """Find the level again, from where it is."""
        self._most = MOST
        self._level = min(self._level, float(MOST))

    def is_paused(self, now: float) -> bool:
        """Whether nothing may be sent now, because a server has asked to wait."""
        return now < self.paused_until

    def succeeded(self) -> None:
        """A request was answered."""
        self._episodes = 0
        self._level = min(float(self._most), self._level + (1.0 / self._level if self._has_fallen else 1.0))

    def refused(self, sent_at: float, now: float, retry_after: float | None = None) -> None:
        """A request was refused because there were too many.

        Args:
            sent_at: When it was sent.
            now: When it was refused.
            retry_after: Seconds that the server asks to wait.
        """
        is_new = sent_at > self._fell_at
        if is_new:
            self._fell_at = now
            self._has_fallen = True
            self._episodes += 1
            self.pauses += 1
            self._level = max(1.0, self._level * _FALL)
        pause = retry_after
        if not pause:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._episodes - 1, 10)) if is_new else 0.0
        self.paused_until = max(self.paused_until, now + pause)


def checked(wanted: object) -> int:
    """How many requests may be in flight at most, as somebody says it.

    Raises:
        UsageError: It is no whole number above 0.
    """
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
        raise UsageError(f'concurrency must be "auto" or a whole number above 0, not {wanted!r}')
    return wanted
