"""Counts how far a map is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nbstream.many.job.progress import MapProgress
from nbstream.outcome import StreamState, add_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.many.job.map_work import MapWork
    from nbstream.many.job.row_reader import RowReader
    from nbstream.many.rows.row_states import RowStates

__all__ = ["progress_of"]


def progress_of(reader: RowReader, states: RowStates, works: Sequence[MapWork]) -> MapProgress:
    """How far a map is now.

    Args:
        reader: Knows how many rows there are.
        states: Knows where each is.
        works: The stretches of its work; the last one may go on.
    """
    total = len(states) if reader.has_read_all else reader.rows.total
    done, failed = states.count(StreamState.COMPLETED), states.count(StreamState.FAILED)
    costs = [each.cost for each in works if each.cost is not None]
    facts = {
        "total": total,
        "done": done,
        "failed": failed,
        "hits": states.count_by("checkpoint"),
        "duplicates": states.count_by("duplicate"),
        "usage": add_up(each.usage for each in works),
        "cost": sum(costs) if costs else None,
        "note": reader.note,
    }
    waiting = (len(states) if total is None else total) - done - failed
    if not works:
        return MapProgress(**facts, queued=waiting)  # type: ignore[arg-type]
    work = works[-1]
    running = 0 if work.state.terminal else len(work.runner.running)
    until, tokens = work.runner.rate_limited_until, work.usage
    return MapProgress(
        **facts,  # type: ignore[arg-type]
        running=running,
        queued=max(0, waiting - running),
        rate_limited_until=None if until is None else time.time() + until - time.monotonic(),
        rate_limits=sum(each.runner.rate_limits for each in works),
        concurrency=work.runner.concurrency,
        tokens_per_second=tokens.output_tokens / work.elapsed if tokens is not None and work.elapsed > 0 else None,
        elapsed=work.elapsed,
    )
