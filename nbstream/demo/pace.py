"""When each token of a demo answer is due. Knows no wire format; the only clock is the running event loop's."""

from __future__ import annotations

import asyncio
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

T = TypeVar("T")

ENVIRONMENT = "NBSTREAM_DEMO_PACE"

# Most tokens written in one go, so that a stream without pauses still notices that its client has left.
LARGEST_BATCH = 64

# Tokens arrive a little unevenly, as real ones do: late by up to this part of a token's time. Below 1 the order holds.
JITTER = 0.8
GOLDEN_RATIO = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the demo model answers.

    Args:
        first_token: Seconds before the first token.
        tokens_per_second: Tokens a second from then on; `math.inf` for no pauses at all.

    Raises:
        ValueError: A negative or undefined time, or a rate that is not above zero.

    Example:
        >>> Pace(first_token=1.0, tokens_per_second=10).due(0)
        1.0
    """

    first_token: float = 0.35
    tokens_per_second: float = 60.0

    def __post_init__(self) -> None:
        if not 0 <= self.first_token < math.inf:
            raise ValueError(f"first_token must be 0 seconds or more, not {self.first_token}")
        if not self.tokens_per_second > 0:
            raise ValueError(f"tokens_per_second must be above 0, not {self.tokens_per_second}")

    @classmethod
    def parse(cls, text: str) -> Pace:
        """Read a pace such as `"0.2,100"` (seconds to the first token, tokens a second) or `"instant"`.

        Raises:
            ValueError: The text is neither.

        Example:
            >>> Pace.parse("0,1000")
            Pace(first_token=0.0, tokens_per_second=1000.0)
        """
        if text.strip() == "instant":
            return cls(0.0, math.inf)
        try:
            first_token, tokens_per_second = map(float, text.split(","))
            return cls(first_token, tokens_per_second)
        except ValueError as error:
            raise ValueError(f"A pace is 'instant' or 'SECONDS,TOKENS_PER_SECOND', not {text!r}") from error

    @classmethod
    def from_environment(cls) -> Pace:
        """The pace set by `NBSTREAM_DEMO_PACE`, else the default.

        Raises:
            ValueError: The variable holds something else than a pace.
        """
        text = os.environ.get(ENVIRONMENT, "")
        return cls.parse(text) if text.strip() else cls()

    def due(self, index: int) -> float:
        """Seconds from the start of the answer to token `index`. The jitter is fixed and never adds up."""
        return self.first_token + (index + JITTER * (index * GOLDEN_RATIO % 1)) / self.tokens_per_second

    async def batches(self, tokens: Sequence[T]) -> AsyncGenerator[Sequence[T]]:
        """The tokens as they fall due, as many at a time as are due by then.

        Every due time counts from the start, so a late wake-up delays no later token.
        """
        now = asyncio.get_running_loop().time
        start, begin = now(), 0
        while begin < len(tokens):
            # Also when nothing is left to wait for: the loop must get its turn to see a closed connection.
            await asyncio.sleep(max(0.0, start + self.due(begin) - now()))
            elapsed, end = now() - start, begin + 1
            while end < min(len(tokens), begin + LARGEST_BATCH) and self.due(end) <= elapsed:
                end += 1
            yield tokens[begin:end]
            begin = end
