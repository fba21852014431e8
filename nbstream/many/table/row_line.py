"""A row as one line of the table: short, plain and without anything that could act. Pure: row in, texts out."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import jiter

from nbstream.result import StreamState
from nbstream.text.plain import encodable, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.many.table.shown_job import ShownRow

__all__ = ["MOST_COLUMNS", "fields_of", "one_line", "row_line", "word_of"]

# What fits into a cell on a wide screen. The longest line of the table is bounded by these, whatever a model writes.
_INPUT, _TEXT, _FIELD, _ERROR, _INDEX = 120, 240, 80, 200, 40
MOST_COLUMNS = 12
"""A schema with more fields shows so many."""
# So much of an answer is read for its fields while it arrives; each of them is cut anyway.
_READ_FOR_FIELDS = 4_000

_STATES = {
    StreamState.PENDING: "queued",
    StreamState.STREAMING: "running",
    StreamState.COMPLETED: "done",
    StreamState.FAILED: "failed",
    StreamState.CANCELLED: "stopped",
}


def row_line(row: ShownRow, columns: Sequence[str]) -> list[Any]:
    """What a page is told of a row: number, index, state, input, cells, error.

    Args:
        row: The row as it is now.
        columns: The fields of its value that have a cell each; none for a text.
    """
    columns = columns[:MOST_COLUMNS]
    if columns:
        values = fields_of(row)
        cells = [one_line(_words(values.get(name)), _FIELD) for name in columns]
    else:
        cells = [one_line(row.text, _TEXT)]
    index = "" if row.index == row.number else one_line(str(row.index), _INDEX)
    return [row.number, index, word_of(row), one_line(row.input, _INPUT), cells, one_line(row.error or "", _ERROR)]


def word_of(row: ShownRow) -> str:
    """The state of a row in a word: an answer from the checkpoint, or of an equal row, is told apart."""
    if row.state is StreamState.COMPLETED and row.source in {"checkpoint", "duplicate"}:
        return row.source
    return _STATES[row.state]


def fields_of(row: ShownRow) -> dict[str, Any]:
    """The fields of a row's value by name; of an answer that still arrives, those that have begun."""
    value = row.value
    if row.state is not StreamState.COMPLETED or value is None or isinstance(value, str):
        try:
            value = jiter.from_json(
                encodable(row.text[:_READ_FOR_FIELDS]).encode(),
                partial_mode="trailing-strings",
                catch_duplicate_keys=False,
            )
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}
    if isinstance(value, dict):
        return value
    if hasattr(value, "model_dump"):
        dumped = value.model_dump()
        return dumped if isinstance(dumped, dict) else {}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {"value": value}  # what is no object is the only field of one, see `AnswerSchema`


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict | tuple | bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
