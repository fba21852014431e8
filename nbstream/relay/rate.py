"""How often one user may ask, and how many requests of one user may run at once. In memory."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from nbstream.relay.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.relay.limits import Limits

__all__ = ["Rate"]

_MINUTE = 60.0
_MOST_USERS = 10_000


class Rate:
    """Counts the requests of each user.

    Args:
        now: Seconds, never going back.

    Example:
        >>> from nbstream.relay.limits import Limits
        >>> rate = Rate()
        >>> with rate.running("ada", Limits(concurrent=1)):
        ...     rate.count("ada")
        1
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._begun: dict[str, deque[float]] = {}
        self._running: dict[str, int] = {}

    def count(self, user: str | None = None) -> int:
        """How many requests of a user run, or of all."""
        return sum(self._running.values()) if user is None else self._running.get(user, 0)

    @contextlib.contextmanager
    def running(self, user: str, limits: Limits) -> Iterator[None]:
        """Count a request while it runs.

        Raises:
            Refused: There are too many.
        """
        self._check(user, limits)
        self._running[user] = self._running.get(user, 0) + 1
        try:
            yield
        finally:
            self._running[user] -= 1
            if not self._running[user]:
                del self._running[user]

    def _check(self, user: str, limits: Limits) -> None:
        if limits.concurrent is not None and self.count(user) >= limits.concurrent:
            what = f"You may run {limits.concurrent} requests at once on this relay; wait until one has ended."
            raise Refused(429, what, "rate_limit_exceeded", wait=1)
        if limits.requests_per_minute is None:
            return
        now, begun = self._now(), self._begun.setdefault(user, deque())
        while begun and begun[0] <= now - _MINUTE:
            begun.popleft()
        if len(begun) >= limits.requests_per_minute:
            wait = _MINUTE if not begun else begun[0] + _MINUTE - now
            what = f"You may send {limits.requests_per_minute} requests a minute to this relay."
            raise Refused(429, what, "rate_limit_exceeded", wait=wait)
        begun.append(now)
        if len(self._begun) > _MOST_USERS:
            self._begun = {name: times for name, times in self._begun.items() if times and times[-1] > now - _MINUTE}
