"""What a row asks, in a short line, for those who look at many rows: its values, not the whole prompt. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.many.rows.rows import is_missing
from nbstream.text.plain import one_line

if TYPE_CHECKING:
    from nbstream.many.rows.rows import Row

__all__ = ["row_input"]

_LONGEST = 200
_MOST_VALUES = 6


def row_input(row: Row | None) -> str:
    """The values of a row in a line; of messages, the last one.

    Args:
        row: The row; `None` if it can be read only once.

    Example:
        >>> from nbstream.many.rows.rows import rows_of
        >>> row_input(rows_of([{"city": "Oslo", "people": 700_000}]).at(0)), row_input(rows_of(["Hi!"]).at(0))
        ('city: Oslo · people: 700000', 'Hi!')
    """
    if row is None:
        return ""
    values = list(row.values.items())[:_MOST_VALUES]
    if len(values) == 1:
        return one_line(_words(values[0][1]), _LONGEST)
    return one_line(" · ".join(f"{name}: {_words(value)}" for name, value in values), _LONGEST)


def _words(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[-1], dict) and "content" in value[-1]:
        value = value[-1]["content"]
    if isinstance(value, str):
        return value[:_LONGEST]
    if is_missing(value):
        return ""
    # Whatever else is in a cell may take long to be written out.
    return str(value)[:_LONGEST] if isinstance(value, bool | int | float) else type(value).__name__
