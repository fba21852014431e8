"""Streams in the background as a table: in words, in HTML, and as values for a page. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbstream.streaming.running import Job, JobFacts

__all__ = ["HEADINGS", "NOTHING", "JobRow", "as_html", "as_text", "rows_of"]

HEADINGS = ("Name", "Asked", "Model", "State", "Time", "Tokens", "Text")
NOTHING = "No stream has run in the background."
_SHOWN_OF_TEXT = 40
_NUMBERS = {"Time", "Tokens"}
_WORDS = {"Asked", "Text"}
_NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
_STYLE = (
    "<style>.nbs-jobs-static{max-width:100%;overflow-x:auto}.nbs-jobs-static table{border-collapse:collapse;"
    "margin:.5em 0}.nbs-jobs-static :is(th,td){padding:.25em .75em;white-space:nowrap;vertical-align:top;"
    "font-variant-numeric:tabular-nums}.nbs-jobs-static .nbs-words{white-space:normal;min-width:9em;"
    "overflow-wrap:anywhere}</style>"
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One stream, as it is shown.

    Attributes:
        name: What it is called.
        asked: What was asked.
        model: The model.
        state: The state, in a word.
        time: How long it has been running, or ran.
        tokens: The tokens of the answer if they are known, else how many characters there are.
        text: The end of the text so far, or why it failed.
        running: Whether it can be stopped.
        key: Tells it from others of the same name.
    """

    name: str
    asked: str
    model: str
    state: str
    time: str
    tokens: str
    text: str
    running: bool
    key: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands below the headings."""
        return self.name, self.asked, self.model, self.state, self.time, self.tokens, self.text

    def told(self) -> dict[str, Any]:
        """What a page is sent of it."""
        return asdict(self)


def rows_of(jobs: Iterable[Job]) -> list[JobRow]:
    """A row for each stream, in their order.

    Args:
        jobs: The streams.
    """
    return [_row(job) for job in jobs]


def _row(job: Job) -> JobRow:
    facts = job.facts
    state = "asks you" if facts.asks and job.running else _STATES.get(job.state, str(job.state))
    return JobRow(
        name=job.name,
        asked=plain(job.what),
        model=plain(job.model),
        state=state,
        time=_duration(job.seconds),
        tokens=_amount(facts),
        text=plain(facts.error) or _end_of(facts.end_of_text),
        running=job.running,
        key=str(job.number),
    )


_STATES = {"pending": "waiting", "cancelled": "stopped"}


def _duration(seconds: float) -> str:
    """Example: `_duration(75.4)` is `"1 min 15 s"`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _amount(facts: JobFacts) -> str:
    if facts.tokens is not None:
        return f"{facts.tokens:,}"
    return f"{facts.characters:,} chars" if facts.characters else ""


def _end_of(text: str) -> str:
    line = " ".join(plain(text).split())
    if len(line) <= _SHOWN_OF_TEXT:
        return line
    end = line[-_SHOWN_OF_TEXT:]
    return f"…{end.partition(' ')[2] or end}"


def as_text(rows: Sequence[JobRow]) -> str:
    """The table in words, a stream a line.

    Args:
        rows: What is in it.
    """
    if not rows:
        return f"<{NOTHING[0].lower()}{NOTHING[1:-1]}>"
    return "\n".join(_aligned([HEADINGS, *(row.cells for row in rows)]))


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(
            cell.rjust(width) if heading in _NUMBERS else cell.ljust(width)
            for cell, width, heading in zip(row, widths, HEADINGS, strict=True)
        ).rstrip()


def as_html(rows: Sequence[JobRow]) -> str:
    """The table as HTML that does nothing.

    Args:
        rows: What is in it.
    """
    if not rows:
        return f"<p>{NOTHING}</p>"
    head = "".join(f'<th scope="col"{_side(heading)}>{heading}</th>' for heading in HEADINGS)
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return (
        f'<div class="nbs-jobs-static {_NO_FORMULAS}">{_STYLE}<table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(row: JobRow) -> str:
    pairs = zip(row.cells, HEADINGS, strict=True)
    return "".join(f"<td{_kind(heading)}{_side(heading)}>{escape(cell)}</td>" for cell, heading in pairs)


def _kind(heading: str) -> str:
    return ' class="nbs-words"' if heading in _WORDS else ""


def _side(heading: str) -> str:
    # Front ends align all cells at the right, by rules that a style sheet of ours does not beat.
    return f' style="text-align:{"right" if heading in _NUMBERS else "left"}"'
