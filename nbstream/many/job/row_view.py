"""The rows of a map as a sequence: a page of it reads a page of the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from nbstream.many.checkpoint.stored_rows import StoredRows
from nbstream.many.rows.row_input import row_input
from nbstream.many.rows.row_result import RowResult
from nbstream.outcome import StreamState
from nbstream.structured.schema import MisfitError
from nbstream.text.code import code_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.many.checkpoint.checkpoint import KeptAnswer
    from nbstream.many.checkpoint.kept_answers import KeptAnswers
    from nbstream.many.rows.row_states import RowStates
    from nbstream.many.rows.rows import Rows
    from nbstream.request import StreamRequest

__all__ = ["RowView"]


class RowView(Sequence[RowResult]):
    """What has become of each row, read when it is looked at.

    Args:
        rows: The rows.
        states: Where each is.
        kept: The answers.
        request: What each is asked with, which says what its value is.
        text_of: The text so far of a row that is in flight; `None` if it is not.
    """

    def __init__(
        self,
        rows: Rows,
        states: RowStates,
        kept: KeptAnswers,
        request: StreamRequest,
        text_of: Callable[[int], str | None],
    ) -> None:
        self._rows = rows
        self._states = states
        self._kept = kept
        self._request = request
        self._text_of = text_of

    def __len__(self) -> int:
        """How many rows there are; of what is read row by row, how many have been read."""
        return len(self._states) if self._rows.total is None else self._rows.total

    @overload
    def __getitem__(self, place: int) -> RowResult: ...

    @overload
    def __getitem__(self, place: slice) -> list[RowResult]: ...

    def __getitem__(self, place: int | slice) -> RowResult | list[RowResult]:
        numbers = range(len(self))[place]
        return self._page([numbers])[0] if isinstance(numbers, int) else self._page(list(numbers))

    @property
    def failed(self) -> list[int]:
        """The numbers of those that have failed."""
        return self._states.numbers(StreamState.FAILED)

    def values(self, numbers: list[int]) -> list[Any]:
        """The values of rows."""
        return [each.value for each in self._page(numbers)]

    def _page(self, numbers: list[int]) -> list[RowResult]:
        keys = {number: key for number in numbers if (key := self._states.key(number)) is not None}
        kept = self._kept.of([*{*keys.values()}]) if keys else {}
        return [self._result(number, kept.get(keys.get(number, b""))) for number in numbers]

    def _result(self, number: int, kept: KeptAnswer | None) -> RowResult:
        label, state = self._rows.label(number), self._states.state(number)
        rows = self._rows
        asked = row_input(rows.shown(number) if isinstance(rows, StoredRows) else rows.at(number))
        if not state.terminal or kept is None:
            text = self._text_of(number)
            if text is None:
                return RowResult(number, label, input=asked)
            return RowResult(number, label, StreamState.STREAMING, text, input=asked)
        value, error = self._value(kept) if state is StreamState.COMPLETED else (None, kept.error)
        return RowResult(
            number,
            label,
            state if error is None or state is not StreamState.COMPLETED else StreamState.FAILED,
            kept.text,
            value,
            error,
            kept.usage,
            kept.cost,
            kept.attempts,
            self._states.source(number),
            asked,
        )

    def _value(self, kept: KeptAnswer) -> tuple[Any, str | None]:
        """What the map gives for an answer, and what is wrong with it."""
        text = kept.text if kept.value is None else kept.value
        if self._request.schema is None:
            return (code_of(text) if self._request.as_ == "code" else text), None
        try:
            return self._request.schema.parse(text), None
        except MisfitError as error:  # the file was written by somebody else
            return None, f"the answer does not fit the schema: {error}"
