"""How far a job is, in the words of the table's head and of its summary. Pure: progress in, words out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.text.money import shown_cost
from nbstream.text.plain import one_line

if TYPE_CHECKING:
    from nbstream.many.table.shown_job import ShownProgress

__all__ = ["counted", "progress_facts", "progress_message", "summary_facts"]


def progress_message(progress: ShownProgress) -> dict[str, Any]:
    """What a page is told: `done`, `failed` and `total` for the bar, and `facts` in words.

    How long a rate limit holds is not in it, because that changes all the time and the page counts down itself.
    """
    return {
        "done": progress.done,
        "failed": progress.failed,
        "total": progress.total,
        "facts": progress_facts(progress),
    }


def progress_facts(progress: ShownProgress) -> list[str]:
    """What is known beside the bar while the job runs; nothing is said of what there is none of."""
    facts = []
    if progress.tokens_per_second:
        facts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.cost is not None:
        facts.append(f"{shown_cost(progress.cost)} so far")
    if progress.failed:
        facts.append(counted(progress.failed, "error"))
    facts += _saved(progress)
    if progress.note:
        facts.append(one_line(progress.note, 120))
    return [*facts, f"{progress.concurrency:,} at once"] if progress.concurrency else facts


def summary_facts(progress: ShownProgress) -> list[str]:
    """What is known of a job that has ended: rows, failures, where answers are from, tokens, cost."""
    facts = [counted(progress.done + progress.failed, "row") + _of(progress)]
    if progress.failed:
        facts.append(f"{progress.failed:,} failed")
    facts += _saved(progress)
    if progress.usage is not None:
        facts.append(f"{progress.usage.input_tokens:,} tokens in, {progress.usage.output_tokens:,} out")
    if progress.cost is not None:
        facts.append(shown_cost(progress.cost))
    return facts


def counted(count: int, noun: str) -> str:
    """A number of things.

    Example:
        >>> counted(1, "row"), counted(1200, "row")
        ('1 row', '1,200 rows')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _saved(progress: ShownProgress) -> list[str]:
    hits = [f"{progress.hits:,} from the checkpoint"] if progress.hits else []
    return hits + ([f"{progress.duplicates:,} equal to another"] if progress.duplicates else [])


def _of(progress: ShownProgress) -> str:
    missing = progress.total is not None and progress.total > progress.done + progress.failed
    return f" of {progress.total:,}" if missing else ""
