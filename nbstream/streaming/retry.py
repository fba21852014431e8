"""When a request is retried, and after what delay. Pure: errors in, seconds out; chance is injected.

Only a request that has produced nothing of the answer is retried, which the caller ensures. Exponential backoff with
jitter, so that many notebooks that were refused together do not retry together.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from nbstream.result import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.errors import StreamError

__all__ = ["RetryPolicy"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0

# If a server asks for a longer wait, the reader is told instead.
_LONGEST_ASKED = 60.0

_REASONS = {
    "rate_limit": "rate limited",
    "unreachable": "no connection",
    "connect_timeout": "no connection",
    "connection_lost": "connection lost",
}


class RetryPolicy:
    """Decides on each failed attempt.

    Args:
        max_retries: How often a request may be sent again.
        chance: Returns a number between 0 and 1.

    Example:
        >>> from nbstream.errors import RateLimitError
        >>> policy = RetryPolicy(max_retries=2)
        >>> policy.next(RateLimitError("…", retryable=True, retry_after=2.0), attempt=1)
        Retry(reason='rate limited', delay=2.0, attempt=2, attempts=3)
    """

    def __init__(self, max_retries: int, chance: Callable[[], float] = random.random) -> None:
        self._max_retries = max_retries
        self._chance = chance

    def next(self, error: StreamError, attempt: int) -> Retry | None:
        """The pause before the next attempt; `None` for no retry.

        Args:
            error: What ended the attempt.
            attempt: The number of the attempt that failed, from 1.
        """
        if attempt > self._max_retries or not error.retryable:
            return None
        delay = error.retry_after
        if not delay:  # no time asked for, or none left of it
            delay = min(_FIRST_PAUSE * 2 ** min(attempt - 1, 10), _LONGEST_PAUSE) * (0.75 + 0.25 * self._chance())
        elif delay > _LONGEST_ASKED:
            return None
        reason = _REASONS.get(error.kind, "server error")
        return Retry(reason, delay, attempt=attempt + 1, attempts=self._max_retries + 1)
