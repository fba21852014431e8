"""What is asked of each row: a template is filled in, a function is called, or the row is the prompt itself."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.attachments.images import is_image, named_image
from nbstream.failures import UsageError
from nbstream.many.rows.rows import VALUE, is_missing
from nbstream.text.plain import exception_line
from nbstream.text.suggestion import did_you_mean
from nbstream.text.template import Expression, pieces_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbstream.many.rows.rows import Row, Rows

__all__ = ["MissingValueError", "RowPrompt", "RowPrompts", "prompts_of"]

_ROW = "row"
_MOST_NAMED = 12


class MissingValueError(UsageError):
    """A cell that a prompt needs is empty."""


class RowPrompt(NamedTuple):
    """What is asked of one row, and the images that go with it."""

    prompt: Any
    images: list[Any]


class RowPrompts:
    """Makes the prompt of each row.

    Args:
        make: Makes it.
    """

    def __init__(self, make: Callable[[Row], RowPrompt]) -> None:
        self._make = make
        self._lock = threading.Lock()  # a template is filled in within one set of names

    def of(self, row: Row) -> RowPrompt:
        """The prompt of a row.

        Raises:
            UsageError: It has none: a cell is empty, an expression or the function fails.
        """
        with self._lock:
            return self._make(row)


def prompts_of(given: Any, rows: Rows, names: Mapping[str, Any]) -> RowPrompts:
    """What makes the prompts of rows.

    Args:
        given: A template with `{{ expressions }}`, a function of a row, or `None` where the rows are the prompts.
        rows: The rows.
        names: The names that expressions may use besides the columns.

    Raises:
        UsageError: The template is wrong, whatever the rows hold.

    Example:
        >>> from nbstream.many.rows.rows import rows_of
        >>> rows = rows_of([{"city": "Oslo"}])
        >>> prompts_of("Where is {{ city }}?", rows, {}).of(rows.at(0)).prompt
        'Where is Oslo?'
    """
    if given is None:
        return RowPrompts(_itself)
    if isinstance(given, str):
        return RowPrompts(_Template(given, rows, names).fill)
    return RowPrompts(_Called(given).ask)


def _itself(row: Row) -> RowPrompt:
    if is_missing(row.itself):
        raise MissingValueError("the prompt is missing; leave the row out, or fill it in")
    return RowPrompt(row.itself, [])


class _Called:
    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def ask(self, row: Row) -> RowPrompt:
        try:
            made = self._function(row.itself)
        except Exception as error:
            name = getattr(self._function, "__name__", "the function")
            raise UsageError(f"{name} failed for this row: {exception_line(error)}") from error
        if is_missing(made):
            raise MissingValueError("the function gave no prompt for this row")
        return RowPrompt(made, [])


class _Template:
    def __init__(self, text: str, rows: Rows, names: Mapping[str, Any]) -> None:
        self._pieces = list(pieces_of(text))
        self._columns = {name for name in rows.names if isinstance(name, str)}
        self._alias: str | None = None
        self._check(rows, names)
        self._scope: dict[str, Any] = dict(names)
        self._row_names: set[Any] = set()

    def fill(self, row: Row) -> RowPrompt:
        self._enter(row)
        images: list[Any] = []
        filled = [self._filled(each, images) if isinstance(each, Expression) else each for each in self._pieces]
        return RowPrompt("".join(filled), images)

    def _filled(self, expression: Expression, images: list[Any]) -> str:
        try:
            value = expression.value(self._scope)
        except NameError as error:
            raise UsageError(f"this row has no {error.name or expression.source}, which {expression} needs") from None
        if is_image(value):
            return named_image(value, images)
        if is_missing(value):
            raise MissingValueError(f"{expression} is missing in this row ({value}); fill it in, or leave the row out")
        return str(value)

    def _enter(self, row: Row) -> None:
        """Let the names be those of this row, and of no other one."""
        values = {name: value for name, value in row.values.items() if isinstance(name, str)}
        for name in self._row_names - values.keys():
            self._scope.pop(name, None)
        if self._alias is not None:
            values[self._alias] = row.itself
        self._scope |= {_ROW: row.itself, **values}
        self._row_names = self._columns | values.keys()

    def _check(self, rows: Rows, names: Mapping[str, Any]) -> None:
        expressions = [each for each in self._pieces if isinstance(each, Expression)]
        used = {name: each for each in expressions for name in sorted(each.names)}
        unknown = [name for name in used if name not in self._columns and name not in names and name != _ROW]
        shown = ", ".join(map(str, rows.names[:_MOST_NAMED])) + (", …" if len(rows.names) > _MOST_NAMED else "")
        if rows.are_values and len(unknown) == 1 and not used.keys() & {*self._columns, _ROW}:
            self._alias = unknown[0]  # a value has no name of its own, so it has the one that the template gives it
            return
        if unknown:
            meant = did_you_mean(unknown[0], [*map(str, rows.names), *names], 0.7)
            columns = f"rows are values, called {VALUE}" if rows.are_values else f"columns are {shown}"
            raise UsageError(f"there is no {unknown[0]} for {used[unknown[0]]}: the {columns}{meant}")
        if not used.keys() & {*self._columns, _ROW}:
            what = f"{{{{ {VALUE} }}}}" if rows.are_values else f"one of {shown}, as in {{{{ {rows.names[0]} }}}}"
            raise UsageError(f"every row would be asked the same: the template names no column; name {what}")
        twice = [name for name in used if list(rows.names).count(name) > 1]
        if twice:
            raise UsageError(f"there are several columns called {twice[0]}; rename one of them")
