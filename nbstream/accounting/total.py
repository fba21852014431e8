"""What several requests took together. What is known, lower bounds and what is unknown stay apart. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbstream.accounting.entry import Entry

__all__ = ["Total", "total_of"]


@dataclass(frozen=True, slots=True)
class Total:
    """Several requests together.

    Attributes:
        requests: How many there were.
        replayed: How many of them were played from recordings; they are in no other number than `saved`.
        failed: How many of those that were sent have failed.
        input_tokens: Known tokens of prompts.
        output_tokens: Known tokens of answers, reasoning included.
        cached_tokens: The part of `input_tokens` that came from a cache, as far as it was reported.
        cache_write_tokens: The part of `input_tokens` that was written to a cache, likewise.
        reasoning_tokens: The part of `output_tokens` spent on reasoning, likewise.
        input_at_least: Besides those: a lower bound for requests whose tokens are not known.
        output_at_least: Likewise for their answers.
        unknown: How many requests have tokens of which nothing is known.
        cost: What is known to be spent, in US dollars.
        cost_at_least: Besides that: a lower bound for requests whose tokens are not known.
        unpriced: How many requests have a cost of which nothing is known.
        saved: What the replayed ones would have cost, as far as it is known.
        seconds: How long they took together.
    """

    requests: int = 0
    replayed: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    input_at_least: int = 0
    output_at_least: int = 0
    unknown: int = 0
    cost: float = 0.0
    cost_at_least: float = 0.0
    unpriced: int = 0
    saved: float = 0.0
    seconds: float = 0.0


_COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
_BOUNDS = ("input_at_least", "output_at_least", "cost_at_least")


def total_of(entries: Iterable[Entry]) -> Total:
    """Add up requests.

    Args:
        entries: In the order in which they ended. Where an answer broke off, and was taken up again on the server, the
            last report is of the whole of it: the lower bound of its beginning is then no longer needed.

    Example:
        >>> from datetime import datetime, UTC
        >>> from nbstream.accounting.entry import Entry
        >>> known = Entry(time=datetime.now(UTC), model="m", host="h", input_tokens=3, output_tokens=4, cost=0.5)
        >>> cut_off = Entry(time=datetime.now(UTC), model="m", host="h", output_at_least=2)
        >>> total = total_of([known, cut_off])
        >>> total.requests, total.output_tokens, total.output_at_least, total.cost, total.unpriced
        (2, 4, 2, 0.5, 1)
    """
    sums: dict[str, float] = {each.name: 0 for each in fields(Total)}
    for entry in _once([*entries]):
        sums["requests"] += 1
        if entry.replayed:
            sums["replayed"] += 1
            sums["saved"] += entry.cost or 0.0
            continue
        sums["failed"] += entry.state == "failed"
        sums["seconds"] += entry.seconds
        for name in (*_COUNTS, *_BOUNDS, "cost"):
            sums[name] += getattr(entry, name) or 0
        sums["unknown"] += entry.tokens == "unknown"
        sums["unpriced"] += entry.cost is None and entry.cost_at_least is None
    floats = {each.name for each in fields(Total) if each.type == "float"}
    return Total(**{name: float(value) if name in floats else int(value) for name, value in sums.items()})  # type: ignore[arg-type]


def _once(entries: list[Entry]) -> Iterator[Entry]:
    """The entries; of an answer that was taken up again, only the last has tokens."""
    from dataclasses import replace

    counted: set[tuple[str, str]] = set()
    kept = []
    for entry in reversed(entries):
        if entry.response_id is not None and not entry.replayed:
            name = entry.host, entry.response_id
            if name in counted and entry.tokens == "lower bound":
                nothing = {"input_at_least": 0, "output_at_least": 0, "cost_at_least": 0.0}
                kept.append(replace(entry, **nothing))  # type: ignore[arg-type]
                continue
            counted.add(name)
        kept.append(entry)
    return reversed(kept)
