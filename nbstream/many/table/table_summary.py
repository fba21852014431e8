"""What a saved notebook keeps of a job: a line of facts, the first rows and the first failures.

Pure: job in, bundle out. The Markdown is inert, because a trusted notebook runs what its outputs contain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.many.table.progress_line import counted, summary_facts
from nbstream.many.table.row_line import row_line
from nbstream.markdown import escaped, inert
from nbstream.result import StreamState
from nbstream.text.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.many.table.shown_job import ShownJob

__all__ = ["end_words", "growing_bundle", "partial_summary", "summary_bundle"]

_ROWS, _FAILURES, _CELL = 20, 5, 100

_ENDS = {
    StreamState.COMPLETED: "Done",
    StreamState.FAILED: "Failed",
    StreamState.CANCELLED: "Stopped",
}
_PARTIAL = "The job was still running when the notebook was saved."
_SIGNS = str.maketrans(
    {sign: f"\\{sign}" for sign in "\\`*_{}<>#|~$&!^="} | {sign: f"&#{ord(sign)};" for sign in "[]()"}
)
_QUIET = {"done", "checkpoint", "duplicate"}


def end_words(job: ShownJob) -> str:
    """How a job has ended, in a sentence; how far it is, if it has not."""
    return f"{_ENDS.get(job.state, 'Partial')}. {' · '.join(summary_facts(job.progress))}"


def summary_bundle(job: ShownJob, *, note: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The output for a job, ended or as it is now, as (data, metadata).

    Args:
        job: What is told.
        note: A sentence that is to stand below it.

    Returns:
        `data` holds `text/markdown` and `text/plain`; `metadata["nbstream"]` the counts.
    """
    head, rows, rest = _head(job), _rows(job), _rest(job)
    failures = _failures(job)
    markdown = "\n\n".join(filter(None, [_emphasised(head), _table(rows), _literal(rest), _quote(failures, note)]))
    lines = [head, *("  ".join(filter(None, cells)) for cells in rows[1:]), rest, *failures, note]
    return (
        {"text/markdown": inert(markdown), "text/plain": "\n".join(filter(None, lines))},
        {"nbstream": _metadata(job)},
    )


def partial_summary(job: ShownJob) -> str:
    """What a notebook that is saved now keeps of a job that still runs; marked as partial."""
    return str(summary_bundle(job, note=_PARTIAL)[0]["text/markdown"])


def growing_bundle(job: ShownJob) -> dict[str, Any]:
    """What an output shows while the job runs, where nothing livelier can be shown."""
    words = f"{job.model}: {' · '.join(summary_facts(job.progress))}"
    return {"text/markdown": f"*{escaped(words)}*", "text/plain": words}


def _head(job: ShownJob) -> str:
    kept = " · what is done is kept" if job.state is StreamState.CANCELLED else ""
    return f"{end_words(job)} · {one_line(job.model, 80)}{kept}"


def _rows(job: ShownJob) -> list[list[str]]:
    """The head of the table and its first rows, as words."""
    lines = [row_line(row, job.columns) for row in job.rows[:_ROWS]]
    states = any(line[2] not in _QUIET for line in lines)
    inputs = any(line[3] for line in lines)
    names = [one_line(name, 60) for name in job.columns[: len(lines[0][4])]] if lines and job.columns else ["Answer"]
    rows = [_chosen("Row", "State" if states else "", "Input" if inputs else "", names)]
    for number, index, state, asked, cells, error in lines:
        texts = [error] + [""] * (len(cells) - 1) if error else cells
        cut = [one_line(text, _CELL) for text in texts]
        rows.append(_chosen(index or str(number), state if states else None, asked if inputs else None, cut))
    return rows


def _chosen(number: str, state: str | None, asked: str | None, cells: Iterable[str]) -> list[str]:
    return [number, *([state] if state else []), *([asked] if asked else []), *cells]


def _table(rows: list[list[str]]) -> str:
    if len(rows) == 1:
        return ""
    head, *others = ([_literal(cell) for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *others]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _rest(job: ShownJob) -> str:
    more = len(job.rows) - _ROWS
    return f"… and {counted(more, 'more row')}" if more > 0 else ""


def _failures(job: ShownJob) -> list[str]:
    """The first rows that have failed, each with its error, and how all of them are asked again."""
    numbers = job.failed
    if not numbers:
        return []
    told = []
    for number in numbers[:_FAILURES]:
        row = job.rows[number]
        told.append(f"Row {one_line(str(row.index), 40)}: {one_line(row.error or 'failed', 200)}")
    more = len(numbers) - _FAILURES
    told += [f"… and {more:,} more"] if more > 0 else []
    return [f"{counted(len(numbers), 'row')} failed; .retry_failed() of the job asks them again.", *told]


def _quote(failures: list[str], note: str) -> str:
    lines = [_literal(line) for line in failures]
    lines += [f"*Note.* {_literal(note)}"] if note else []
    return "\n>\n".join(f"> {line}" for line in lines)


def _literal(words: str) -> str:
    """Words as Markdown that `inert` takes for words: an escaped bracket would begin a formula."""
    return words.translate(_SIGNS)


def _emphasised(head: str) -> str:
    word, _, facts = head.partition(". ")
    return f"**{word}.** {_literal(facts)}"


def _metadata(job: ShownJob) -> dict[str, Any]:
    progress = job.progress
    usage = progress.usage
    return {
        "state": str(job.state),
        "rows": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "hits": progress.hits,
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "cost": progress.cost,
    }
