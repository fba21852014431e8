"""The numbers of a comparison, a row an answer. Pure: results in, words out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.display.marks import mark_of
from nbstream.text.money import shown_cost
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.result import StreamResult

__all__ = ["HEADINGS", "UNKNOWN", "row_of", "text_table"]

HEADINGS = ("model", "state", "first token", "tokens/s", "tokens", "cost")
UNKNOWN = "—"


def row_of(name: str, result: StreamResult) -> tuple[str, ...]:
    """What the table says of one answer; what is not known stays unknown.

    Args:
        name: What it is called.
        result: The answer.

    Example:
        >>> from nbstream.result import StreamResult, StreamState, Timing, Usage
        >>> timing = Timing(ttft=0.42, total=9.0, tokens_per_second=141.3)
        >>> usage = Usage(9, 1200, 1209)
        >>> row_of("m", StreamResult("Hi", StreamState.COMPLETED, "stop", usage, "m", timing=timing))
        ('m', 'complete', '0.42 s', '141', '1,200', '—')
    """
    usage, timing, cost = result.usage, result.timing, result.total_cost
    known = (
        f"{timing.ttft:.2f} s" if timing.ttft is not None else None,
        f"{timing.tokens_per_second:,.0f}" if timing.tokens_per_second is not None else None,
        f"{usage.output_tokens:,}" if usage is not None else None,
        shown_cost(cost) if cost is not None else None,
    )
    return " ".join(plain(name).split()), state_of(result), *(fact or UNKNOWN for fact in known)


def state_of(result: StreamResult) -> str:
    """How an answer ended, in a word or two; or what it does."""
    if not result.state.terminal:
        return str(result.state)
    mark = mark_of(result)
    return "complete" if mark is None else mark.word.lower()


def text_table(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows as lines of text, in columns; numbers stand at the right.

    Example:
        >>> print(text_table([("model", "cost"), ("m", "$1.50")]))
        model  cost
        m     $1.50
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = 2 if len(widths) > 2 else 1
    lines = (
        " ".join(
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
