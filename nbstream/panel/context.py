"""What a model is told of a notebook's variables: short summaries, however large the variables are. Pure.

Only small slices are looked at, and only of types that are known to give them cheaply: no query is run, nothing is
loaded, no iterator is used up. pandas, polars and numpy are recognised by name and never imported.
"""

from __future__ import annotations

import reprlib
from itertools import islice
from typing import TYPE_CHECKING, Any

from nbstream.text.plain import encodable, truncated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["summaries", "summary", "with_context"]

_ROWS, _COLUMNS, _ITEMS = 5, 20, 10
_CELL, _NAME, _STRING, _WHOLE = 40, 60, 600, 2_000


def summary(name: str, value: object) -> str:
    """One variable in at most 2,000 characters: what it is, how large, and its beginning.

    Args:
        name: The variable's name.
        value: Its value. If it cannot be looked at, the summary says so.

    Example:
        >>> print(summary("ages", {"Ada": 36, "Alan": 41}))
        ages: dict, 2 entries
          'Ada': 36
          'Alan': 41
    """
    try:
        head, *lines = _described(value)
    except Exception as error:  # noqa: BLE001  whatever a foreign object raises when it is looked at
        head, lines = f"{_type_name(value)}, could not be looked at ({type(error).__name__})", []
    return encodable(truncated("\n".join([f"{name}: {head}", *(f"  {line}" for line in lines)]), _WHOLE))


def summaries(names: Iterable[str], namespace: Mapping[str, object]) -> tuple[str, ...]:
    r"""The summaries of several variables, in the order of the names; a missing one is said to be missing.

    Args:
        names: The variables' names.
        namespace: Where they are.

    Example:
        >>> summaries(["x", "y"], {"x": 1})
        ('x: int\n  1', 'y (not defined)')
    """
    return tuple(summary(name, namespace[name]) if name in namespace else f"{name} (not defined)" for name in names)


def with_context(system: str | None, shown: Iterable[str]) -> str | None:
    """The system prompt with the summaries below it; the prompt as it is if there are none.

    They go there and not into the question, so that each request says what is current, once.

    Args:
        system: The system prompt, if any.
        shown: The summaries.
    """
    parts = list(shown)
    if not parts:
        return system
    intro = "Variables of the user's Python notebook, as they are now (summaries):"
    return "\n\n".join([*([system] if system else []), intro, *parts])


def _described(value: object) -> list[str]:
    """What it is, in a line, then lines that show its beginning."""
    match _foreign_kind(value):
        case ("pandas", "DataFrame"):
            return _pandas_frame(value)
        case ("pandas", "Series"):
            return _pandas_series(value)
        case ("polars", "DataFrame"):
            return _polars_frame(value)
        case ("numpy", "ndarray"):
            return _array(value)
    match value:
        case dict():
            lines = [f"{_brief(key)}: {_brief(item)}" for key, item in islice(value.items(), _ITEMS)]
            return [_sized(value, "entry", "entries"), *lines, *_more(len(value), _ITEMS)]
        case list() | tuple() | set() | frozenset():
            lines = [_brief(item) for item in islice(value, _ITEMS)]
            return [_sized(value, "item", "items"), *lines, *_more(len(value), _ITEMS)]
        case str():
            return [f"str, {len(value):,} characters", repr(value[:_STRING]) + " …" * (len(value) > _STRING)]
        case bytes() | bytearray():
            return [f"{_type_name(value)}, {len(value):,} bytes", _brief(bytes(value[:_CELL]))]
    if shape := _shape_and_type(value):
        return [f"{_type_name(value)}, {shape}"]
    return [_type_name(value), _brief(value, _STRING)]


def _pandas_frame(frame: Any) -> list[str]:
    rows, columns = frame.shape
    head = frame.iloc[:_ROWS, :_COLUMNS]
    names, types = list(head.columns), list(head.dtypes)
    cells = [list(head.index), *(head.iloc[:, number].tolist() for number in range(len(names)))]
    return [f"DataFrame, {_size(rows, columns)}", *_table(names, types, cells, columns), *_more(rows, _ROWS, "rows")]


def _polars_frame(frame: Any) -> list[str]:
    rows, columns = frame.shape
    names, types = frame.columns[:_COLUMNS], frame.dtypes[:_COLUMNS]
    head = frame.head(_ROWS)
    cells = [list(range(min(rows, _ROWS))), *(head[name].to_list() for name in names)]
    return [
        f"polars DataFrame, {_size(rows, columns)}",
        *_table(names, types, cells, columns),
        *_more(rows, _ROWS, "rows"),
    ]


def _pandas_series(series: Any) -> list[str]:
    head = series.iloc[:_ROWS]
    named = "" if series.name is None else f" named {_brief(series.name)}"
    lines = [f"{_cell(key)}: {_cell(item)}" for key, item in zip(head.index, head.tolist(), strict=True)]
    return [f"Series{named}, {len(series):,} rows of {series.dtype}", *lines, *_more(len(series), _ROWS, "rows")]


def _array(array: Any) -> list[str]:
    shown = ", ".join(_cell(item) for item in array.flat[:_ITEMS].tolist())
    lines = [f"[{shown}{', …' if array.size > _ITEMS else ''}]"] if array.size else []
    return [f"ndarray, shape {tuple(array.shape)}, dtype {array.dtype}", *lines]


def _table(names: list[Any], types: list[Any], cells: list[list[Any]], columns: int) -> list[str]:
    """The columns with their types, then the first rows; `cells` are columns, the first of them the index."""
    described = [f"{truncated(str(name), _NAME)} ({kind})" for name, kind in zip(names, types, strict=True)]
    more = [f"and {columns - len(names):,} more"] if columns > len(names) else []
    head = " | ".join(["", *(truncated(str(name), _CELL) for name in names)])
    rows = [" | ".join(map(_cell, row)) for row in zip(*cells, strict=True)]
    return [f"columns: {', '.join([*described, *more])}", *([head.strip(), *rows] if rows else [])]


def _size(rows: int, columns: int) -> str:
    return f"shape ({rows}, {columns})"


def _sized(value: Any, one: str, many: str) -> str:
    return f"{_type_name(value)}, {len(value):,} {one if len(value) == 1 else many}"


def _more(length: int, shown: int, unit: str = "") -> list[str]:
    return [f"… and {length - shown:,} more {unit}".rstrip()] if length > shown else []


def _foreign_kind(value: object) -> tuple[str, str] | None:
    """The library and class that a value, or a subclass's instance, comes from."""
    for kind in type(value).__mro__:
        library = kind.__module__.partition(".")[0]
        if library in {"pandas", "polars", "numpy"} and kind.__name__ in {"DataFrame", "Series", "ndarray"}:
            return library, kind.__name__
    return None


def _shape_and_type(value: object) -> str | None:
    """Shape and dtype of other arrays (tensors), whose values may be on another device."""
    # Look at the class, because an object that makes up attributes on request may do anything.
    if not (hasattr(type(value), "shape") and hasattr(type(value), "dtype")):
        return None
    array: Any = value
    return f"shape {tuple(array.shape)}, dtype {truncated(str(array.dtype), _NAME)}"


class _ShortRepr(reprlib.Repr):
    """The standard library's short forms; a table within a list is only named, because its own form draws all of it."""

    def repr_instance(self, x: object, level: int) -> str:
        return f"<{_described(x)[0]}>" if _foreign_kind(x) else super().repr_instance(x, level)


def _type_name(value: object) -> str:
    return truncated(type(value).__qualname__, _NAME)


def _cell(value: object) -> str:
    text = truncated(value, _CELL) if isinstance(value, str) else _brief(value)
    return " ".join(text.split())


def _brief(value: object, limit: int = _CELL) -> str:
    """`repr` on one line, shortened if it is long or deep."""
    short = _ShortRepr()
    short.maxstring, short.maxother, short.maxlevel = limit, limit, 3
    try:
        text = short.repr(value)
    except Exception as error:  # noqa: BLE001  whatever a `__repr__` raises
        text = f"<{_type_name(value)}, whose repr fails ({type(error).__name__})>"
    return truncated(" ".join(text.split()), limit * 4)
