"""How far a map is, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbstream.outcome import Usage

__all__ = ["MapProgress"]


@dataclass(frozen=True, slots=True)
class MapProgress:
    """How far a map is.

    Attributes:
        total: How many rows there are; `None` while nobody knows.
        done: How many have an answer, whoever gave it.
        failed: How many have failed.
        running: How many are in flight.
        queued: How many have not been sent; of what is read row by row, those that have been read.
        hits: How many of those that are done were in the checkpoint.
        duplicates: How many were answered with an equal row.
        usage: The tokens of the answers that were asked for, as far as servers reported them.
        cost: What those answers cost in US dollars, as far as prices are known; `None` where none is.
        rate_limited_until: When rows are sent again, in seconds since 1970; `None` where no server has asked to wait.
        rate_limits: How often servers have asked to wait.
        concurrency: How many rows may be in flight now.
        tokens_per_second: Tokens of the answers a second, since the map began or went on.
        elapsed: Seconds since then, or how long it took.
        note: What else is going on, in a line.
    """

    total: int | None = None
    done: int = 0
    failed: int = 0
    running: int = 0
    queued: int = 0
    hits: int = 0
    duplicates: int = 0
    usage: Usage | None = None
    cost: float | None = None
    rate_limited_until: float | None = None
    rate_limits: int = 0
    concurrency: int = 0
    tokens_per_second: float | None = None
    elapsed: float = 0.0
    note: str | None = None
