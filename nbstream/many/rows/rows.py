"""The rows of a map, whatever they come in: read one after the other, by their place, never by their label.

Nothing but the standard library is imported here; a pandas or polars object is told by the name of its class.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nbstream.failures import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["VALUE", "Row", "Rows", "is_missing", "rows_of"]

VALUE = "value"
"""What a row is called that is no more than a value."""


class Row(NamedTuple):
    """One row: the label that the input has for it, what it is, and its values by name."""

    label: Any
    itself: Any
    values: Mapping[Any, Any]


class Rows(Protocol):
    """Rows in their order.

    Attributes:
        total: How many there are; `None` if nobody knows before they have been read.
        names: The columns.
        are_values: Whether a row is no more than a value.
    """

    total: int | None
    names: tuple[Any, ...]
    are_values: bool

    def __iter__(self) -> Iterator[Row]:
        """All of them, from the first. What can be read only once gives the rest."""
        ...

    def at(self, number: int) -> Row | None:
        """One of them; `None` if it can be read only in order."""
        ...

    def label(self, number: int) -> Any:
        """The label of one of them; its number if it has none."""
        ...


def rows_of(given: Any) -> Rows:
    """The rows that somebody has given.

    Args:
        given: A list of values or of dictionaries, another sequence, a pandas or polars frame or series, or anything
            that gives rows one after the other.

    Raises:
        UsageError: It holds no rows, or is something else.

    Example:
        >>> rows = rows_of([{"city": "Oslo"}, {"city": "Rome"}])
        >>> rows.total, rows.names, rows.at(1).values["city"]
        (2, ('city',), 'Rome')
    """
    if isinstance(given, str | bytes | Mapping):
        kind = "a text" if isinstance(given, str | bytes) else "a dictionary"
        raise UsageError(f"rows are a list, a data frame or a generator, not {kind}; put one row into a list: [row]")
    kind, module = type(given).__name__, type(given).__module__.partition(".")[0]
    if module in {"pandas", "polars"} and kind in _FRAMES:
        rows: Rows = _FRAMES[kind](given, module)
    elif isinstance(given, Sequence) or (hasattr(given, "__len__") and hasattr(given, "__getitem__")):
        rows = _Listed(given)
    elif isinstance(given, Iterable):
        return _Streamed(given)
    else:
        raise UsageError(f"rows are a list, a data frame or a generator, not {kind}")
    if rows.total == 0:
        raise UsageError(f"there are no rows: the {kind} is empty")
    return rows


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none: `None`, `NaN`, and what pandas has for them.

    Example:
        >>> [is_missing(each) for each in (None, float("nan"), "", 0)]
        [True, True, False, False]
    """
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") in {"f", "M", "m"}:
        different = value != value  # noqa: PLR0124  which is what NaN is
        return different if isinstance(different, bool) else bool(getattr(different, "ndim", 1) == 0 and different)
    return False


def _row(label: Any, itself: Any) -> Row:
    return Row(label, itself, itself if isinstance(itself, Mapping) else {VALUE: itself})


class _Listed:
    """A list of values, or of dictionaries, each of which may have names of its own."""

    def __init__(self, given: Any) -> None:
        self._given = given
        self.total: int | None = len(given)
        first = given[0] if self.total else None
        self.are_values = not isinstance(first, Mapping)
        self.names: tuple[Any, ...] = (VALUE,) if not isinstance(first, Mapping) else tuple(first)

    def __iter__(self) -> Iterator[Row]:
        return (_row(number, each) for number, each in enumerate(self._given))

    def at(self, number: int) -> Row:
        return _row(number, self._given[number])

    def label(self, number: int) -> Any:
        return number


class _Streamed:
    """What gives rows one after the other, once. The first is read at once, to see what they are."""

    def __init__(self, given: Iterable[Any]) -> None:
        self.total: int | None = None
        iterator = iter(given)
        try:
            first = next(iterator)
        except StopIteration:
            raise UsageError(f"there are no rows: the {type(given).__name__} gives none") from None
        self.are_values = not isinstance(first, Mapping)
        self.names: tuple[Any, ...] = tuple(first) if isinstance(first, Mapping) else (VALUE,)
        self._rows = (_row(number, each) for number, each in enumerate(itertools.chain([first], iterator)))

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def at(self, _: int) -> None:
        return None

    def label(self, number: int) -> Any:
        return number


class _PandasFrame:
    def __init__(self, frame: Any, _: str) -> None:
        self._frame = frame
        self.total: int | None = len(frame)
        self.names: tuple[Any, ...] = tuple(frame.columns)
        self.are_values = False

    def __iter__(self) -> Iterator[Row]:
        labels, rows = iter(self._frame.index), self._frame.itertuples(index=False, name=None)
        for label, values in zip(labels, rows, strict=True):
            named = dict(zip(self.names, values, strict=True))
            yield Row(label, named, named)

    def at(self, number: int) -> Row:
        values = {name: self._frame.iat[number, at] for at, name in enumerate(self.names)}
        return Row(self.label(number), values, values)

    def label(self, number: int) -> Any:
        return self._frame.index[number]


class _PandasSeries:
    def __init__(self, series: Any, _: str) -> None:
        self._series = series
        self.total: int | None = len(series)
        named = isinstance(series.name, str)
        self.names: tuple[Any, ...] = (series.name, VALUE) if named and series.name != VALUE else (VALUE,)
        self.are_values = not named

    def __iter__(self) -> Iterator[Row]:
        return (self._made(label, value) for label, value in zip(self._series.index, self._series, strict=True))

    def at(self, number: int) -> Row:
        return self._made(self.label(number), self._series.iloc[number])

    def label(self, number: int) -> Any:
        return self._series.index[number]

    def _made(self, label: Any, value: Any) -> Row:
        return Row(label, value, dict.fromkeys(self.names, value))


class _PolarsFrame:
    def __init__(self, frame: Any, _: str) -> None:
        self._frame = frame
        self.total: int | None = frame.height
        self.names: tuple[Any, ...] = tuple(frame.columns)
        self.are_values = False

    def __iter__(self) -> Iterator[Row]:
        for number, values in enumerate(self._frame.iter_rows()):
            named = dict(zip(self.names, values, strict=True))
            yield Row(number, named, named)

    def at(self, number: int) -> Row:
        named = dict(zip(self.names, self._frame.row(number), strict=True))
        return Row(number, named, named)

    def label(self, number: int) -> Any:
        return number


class _PolarsSeries:
    def __init__(self, series: Any, _: str) -> None:
        self._series = series
        self.total: int | None = len(series)
        self.names: tuple[Any, ...] = (series.name, VALUE) if series.name not in {"", VALUE} else (VALUE,)
        self.are_values = not series.name

    def __iter__(self) -> Iterator[Row]:
        return (self._made(number, value) for number, value in enumerate(self._series))

    def at(self, number: int) -> Row:
        return self._made(number, self._series[number])

    def label(self, number: int) -> Any:
        return number

    def _made(self, number: int, value: Any) -> Row:
        return Row(number, value, dict.fromkeys(self.names, value))


def _frame(given: Any, module: str) -> Rows:
    return _PandasFrame(given, module) if module == "pandas" else _PolarsFrame(given, module)


def _series(given: Any, module: str) -> Rows:
    return _PandasSeries(given, module) if module == "pandas" else _PolarsSeries(given, module)


def _lazy(given: Any, _: str) -> Rows:
    raise UsageError(f"a {type(given).__name__} has no rows yet; give frame.collect()")


_FRAMES = {"DataFrame": _frame, "Series": _series, "LazyFrame": _lazy}
