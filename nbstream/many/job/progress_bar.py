"""The progress of a map as a bar of tqdm: in a notebook, in a terminal, in a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nbstream.text.money import shown_cost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.many.job.progress import MapProgress

__all__ = ["ProgressBar", "facts_of"]


class ProgressBar:
    """A `MapObserver` that draws a bar while a map runs."""

    def __init__(self) -> None:
        self._job: Any = None
        self._bar: Any = None

    def began(self, job: Any) -> None:
        """Draw it."""
        from tqdm.auto import tqdm

        self._job = job
        told = job.progress
        self._bar = tqdm(total=told.total, initial=told.done + told.failed, unit="row", dynamic_ncols=True)

    def changed(self, _: frozenset[int]) -> None:
        """Draw how far it is."""
        if self._bar is not None:
            self._draw(self._job.progress)

    def ended(self, job: Any) -> None:
        """Draw the end, and why it is one."""
        if self._bar is not None:
            self._draw(job.progress)
            self._bar.close()
            if job.error is not None:
                self._bar.write(f"The map was stopped: {job.error}")
            self._bar = None

    def _draw(self, told: MapProgress) -> None:
        bar = self._bar
        if told.total is not None:
            bar.total = told.total
        bar.set_postfix_str(", ".join(facts_of(told)), refresh=False)
        bar.n = told.done + told.failed
        bar.refresh()


def facts_of(told: MapProgress) -> Iterator[str]:
    """What is said beside the bar.

    Args:
        told: How far the map is.

    Example:
        >>> from nbstream.many.job.progress import MapProgress
        >>> list(facts_of(MapProgress(total=9, done=3, failed=1, hits=2, cost=0.0123)))
        ['1 failed', '2 kept from before', '$0.012']
    """
    if told.failed:
        yield f"{told.failed:,} failed"
    if told.hits:
        yield f"{told.hits:,} kept from before"
    if told.tokens_per_second is not None:
        yield f"{told.tokens_per_second:,.0f} tokens/s"
    if told.cost is not None:
        yield shown_cost(told.cost)
    if told.rate_limited_until is not None:
        yield f"rate limited, waiting {max(0.0, told.rate_limited_until - time.time()):.0f} s"
    elif told.rate_limits:
        yield f"rate limited {told.rate_limits:,} times"
    if told.note:
        yield told.note
