"""What a function returned, in the words that a model is sent."""

from __future__ import annotations

import json
from typing import Any

from nbstream.text.plain import encodable

__all__ = ["NOTHING", "OutputError", "output_of"]

NOTHING = "The tool returned nothing."
_LONGEST = 50_000  # characters
_MOST_ROWS = 50


class OutputError(ValueError):
    """A function returned something that cannot be told in words."""


def output_of(value: Any) -> str:
    """The words for a value: text as it is, a table as a summary that says so, everything else as JSON.

    Args:
        value: What a function returned.

    Raises:
        OutputError: It is none of these.

    Example:
        >>> output_of({"city": "Oslo"}), output_of(None)
        ('{"city": "Oslo"}', 'The tool returned nothing.')
    """
    if value is None:
        return NOTHING
    text = value if isinstance(value, str) else _table(value) or _json(value)
    return _bounded(encodable(text))


def _table(value: Any) -> str | None:
    """A summary of a pandas table or column, without importing pandas."""
    package, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if package != "pandas" or kind not in {"DataFrame", "Series"}:
        return None
    frame = value.to_frame() if kind == "Series" else value
    rows, columns = frame.shape
    types = ", ".join(f"{name} ({dtype})" for name, dtype in zip(frame.columns, frame.dtypes, strict=True))
    shown = f"The first {_MOST_ROWS} of {rows:,} rows" if rows > _MOST_ROWS else f"All {rows:,} rows"
    head: str = frame.head(_MOST_ROWS).to_csv()
    return f"A table of {rows:,} rows and {columns:,} columns: {types}. {shown} as CSV:\n{head}"


def _json(value: Any) -> str:
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        return json.dumps(to_jsonable_python(value), ensure_ascii=False)
    except (PydanticSerializationError, TypeError, ValueError, RecursionError):
        kind = type(value).__name__
        raise OutputError(f"The tool returned a {kind}, which cannot be told to a model.") from None


def _bounded(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n[Cut: {len(text):,} characters in all.]"
