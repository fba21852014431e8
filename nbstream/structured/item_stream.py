"""The elements of an answer that is a list, each as soon as it is whole and fits: `nbs.items`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nbstream.errors import StreamError, UsageError
from nbstream.result import StreamState
from nbstream.structured.items import ItemReader
from nbstream.structured.schema import AnswerSchema, MisfitError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from nbstream.streaming.handle import StreamHandle
    from nbstream.streaming.text_so_far import NewText

__all__ = ["ItemStream", "list_of"]

T = TypeVar("T")


def list_of(kind: Any) -> Any:
    """What an answer is held to that is a list of such elements.

    Args:
        kind: A type, or a JSON schema.

    Example:
        >>> list_of({"type": "number"})
        {'type': 'array', 'items': {'type': 'number'}}
    """
    if isinstance(kind, dict):
        return {"type": "array", "items": kind}
    AnswerSchema(kind)  # which says what is wrong with it in words of its own
    return list[kind]


class ItemStream(Generic[T]):
    """The elements of a list that is being written; what `nbs.items` returns.

    For `for` and for `async for`, any number of times, each from the beginning. An element is given out when it is
    whole and fits, and never changes.

    Attributes:
        handle: The stream.

    Raises:
        StreamError: While reading: the stream failed, or some of the list does not fit, after all that fits has been
            given out.
    """

    def __init__(self, handle: StreamHandle, kind: Any) -> None:
        self.handle = handle
        self._schema = AnswerSchema(kind)

    def __repr__(self) -> str:
        return f"<items of {self.handle!r}>"

    def __iter__(self) -> Iterator[T]:
        found = _Found(self._schema)
        for text in self.handle.texts().new():
            yield from found.new(text)

    async def __aiter__(self) -> AsyncIterator[T]:
        found = _Found(self._schema)
        async for text in self.handle.texts().new_async():
            for element in found.new(text):
                yield element

    def to_pandas(self) -> Any:
        """Wait for the end, and put the elements into a pandas `DataFrame`, one row each.

        A list that was cut or that does not fit as a whole gives the rows there are, and a warning that says so;
        `frame.attrs["complete"]` is then `False`.

        Raises:
            UsageError: pandas is not installed.
            StreamError: The stream failed before there was any element.

        Example:
            ```python
            cities = nbs.items("The ten largest cities of Europe", City).to_pandas()
            ```
        """
        try:
            from pandas import DataFrame
        except ImportError:
            raise UsageError("to_pandas() needs pandas: %pip install pandas") from None
        rows: list[T] = []
        try:
            rows.extend(self)  # which has what was given out before an error, too
        except StreamError as error:
            if not rows:
                raise
            warnings.warn(f"the table is not complete: {error}", stacklevel=2)
        complete = self.handle.state is StreamState.COMPLETED
        frame = DataFrame([self._schema.record(row) for row in rows])
        frame.attrs["complete"] = complete
        return frame


class _Found:
    """What has been found in a text that grows."""

    def __init__(self, schema: AnswerSchema) -> None:
        self._schema = schema
        self._reader = ItemReader()
        self._seen = 0  # elements in this text, whether they fit or not
        self._given = 0  # elements that are settled

    def new(self, text: NewText) -> Iterator[Any]:
        """The elements that are new in the text and fit."""
        if text.begins_anew:  # what was given out stays
            self._reader, self._seen = ItemReader(), 0
        for element in self._reader.feed(text.piece):
            self._seen += 1
            if self._seen <= self._given:
                continue
            self._given = self._seen
            try:
                yield self._schema.checked(element)
            except MisfitError:
                continue  # the end of the stream tells what does not fit
