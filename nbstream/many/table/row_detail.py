"""The whole of one row, as it is opened below its line: the answer drawn as answers are, not as a line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.markdown import render
from nbstream.text.code import CodeBlock, fenced
from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from nbstream.many.table.shown_job import ShownRow

__all__ = ["row_detail"]

_LONGEST = 20_000


def row_detail(row: ShownRow, *, structured: bool) -> dict[str, Any]:
    """What a page is told of an open row: its number, input, error, and the answer as sanitised HTML.

    Args:
        row: The row as it is now.
        structured: Whether its answer is JSON, which is shown as code.
    """
    text = plain(encodable(row.text[:_LONGEST]))
    left_out = len(row.text) - _LONGEST
    return {
        "number": row.number,
        "input": plain(encodable(row.input)),
        "error": plain(encodable(row.error or "")),
        "html": render(fenced(CodeBlock("json", text)) if structured else text),
        "more": f"… and {left_out:,} more characters: see .rows[{row.number}].text of the job" if left_out > 0 else "",
    }
