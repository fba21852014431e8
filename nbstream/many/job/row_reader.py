"""Reads the rows of a map on a thread of its own: makes their prompts, and finds the answers that there are already."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.attachments.attached import attached
from nbstream.failures import UsageError
from nbstream.many.asking.runner import PreparedRow, RowAnswer
from nbstream.many.rows.row_key import KEY_BYTES
from nbstream.outcome import StreamState
from nbstream.request import messages_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbstream.many.checkpoint.kept_answers import KeptAnswers
    from nbstream.many.job.row_feed import RowFeed
    from nbstream.many.rows.row_key import RowKeys
    from nbstream.many.rows.row_prompts import RowPrompts
    from nbstream.many.rows.row_states import RowStates
    from nbstream.many.rows.rows import Row, Rows
    from nbstream.outcome import StreamWarning

__all__ = ["RowReader", "Survey"]


class Survey(NamedTuple):
    """What there is to ask: the rows that have an answer, those that cannot be asked, and what the others ask.

    Attributes:
        note: What there is to say of the answers that are kept, in a line.
    """

    kept: int
    unusable: int
    questions: list[tuple[Mapping[str, Any], ...]]
    note: str | None = None


class RowReader:
    """What has been read stays read: after a stop it goes on where it was.

    Args:
        rows: The rows.
        prompts: Makes their prompts.
        keys: Makes their keys.
        kept: The answers that there are.
        states: Is told of each row that is read.
    """

    def __init__(self, rows: Rows, prompts: RowPrompts, keys: RowKeys, kept: KeptAnswers, states: RowStates) -> None:
        self.rows = rows
        self.has_read_all = False
        self._prompts = prompts
        self._keys = keys
        self._kept = kept
        self._states = states
        self._iterator = iter(rows)
        self._again: deque[int] = deque()
        self._lock = threading.Lock()
        self._waiting: dict[bytes, list[int]] = {}  # equal rows of those that are asked now

    def again(self, numbers: Iterable[int]) -> None:
        """Have rows asked again, before those that have not been read."""
        self._again.extend(numbers)

    @property
    def note(self) -> str | None:
        """What there is to say of the answers that are kept, in a line."""
        return self._kept.note

    @property
    def has_more(self) -> bool:
        """Whether there is something to read."""
        return bool(self._again) or not self.has_read_all

    def read_into(self, feed: RowFeed, answered: Callable[[RowAnswer], object], *, limit: int | None = None) -> None:
        """Read until there are no more rows, or none are wanted.

        Args:
            feed: Takes the rows that are to be asked.
            answered: Is told of rows that cannot be asked.
            limit: How many rows to read at most.

        Raises:
            Exception: Whatever the rows raise while they are read.
        """
        left = limit
        while not feed.stopped and left != 0:
            prepared = self._next(answered)
            if prepared is _NOTHING:
                return
            left = None if left is None else left - 1
            if isinstance(prepared, PreparedRow) and not feed.put(prepared):
                self._put_back(prepared)

    def equal_to(self, key: bytes) -> list[int]:
        """The rows that waited for this answer; they wait no longer."""
        with self._lock:
            return self._waiting.pop(key, [])

    def survey(self) -> Survey | None:
        """Look at all rows without asking any; `None` if they can be read only once."""
        if self.rows.total is None:
            return None
        kept = unusable = 0
        asked: dict[bytes, tuple[Mapping[str, Any], ...]] = {}
        for row in self.rows:
            try:
                messages, _ = self._question(row)
            except (UsageError, ValueError):
                unusable += 1
                continue
            key = self._keys.of(messages)
            if key not in asked and self._kept.hit(key, again=True) is not None:
                kept += 1
            else:
                asked[key] = messages
        return Survey(kept, unusable, [*asked.values()], self.note)

    def _question(self, row: Row) -> tuple[tuple[Mapping[str, Any], ...], tuple[StreamWarning, ...]]:
        prompt, images = self._prompts.of(row)
        prompt, warnings = attached(prompt, image=images)
        return messages_from(prompt, items=True), warnings

    def _next(self, answered: Callable[[RowAnswer], object]) -> Any:
        """The next row, if it is to be asked; `None` if it need not be, `_NOTHING` if there is none."""
        if self._again:
            number = self._again.popleft()
            return self._asked_again(number, answered)
        if self.has_read_all:
            return _NOTHING
        row = next(self._iterator, None)
        if row is None:
            self.has_read_all = True
            return _NOTHING
        return self._prepared(self._states.add(), row, answered)

    def _asked_again(self, number: int, answered: Callable[[RowAnswer], object]) -> PreparedRow | None:
        key = self._states.key(number)
        messages = None if key is None else self._kept.question_of(key)
        if key is not None and messages is not None:
            return self._unless_known(PreparedRow(number, key, messages), again=True)
        row = self.rows.at(number)
        return None if row is None else self._prepared(number, row, answered, again=True)

    def _prepared(
        self, number: int, row: Row, answered: Callable[[RowAnswer], object], *, again: bool = False
    ) -> PreparedRow | None:
        try:
            messages, warnings = self._question(row)
        except (UsageError, ValueError) as error:
            unasked = PreparedRow(number, os.urandom(KEY_BYTES), ())
            self._states.give_key(number, unasked.key)
            answered(RowAnswer(unasked, StreamState.FAILED, error=str(error), kind="row", attempts=0))
            return None
        return self._unless_known(PreparedRow(number, self._keys.of(messages), messages, warnings), again=again)

    def _unless_known(self, row: PreparedRow, *, again: bool) -> PreparedRow | None:
        self._states.give_key(row.number, row.key)
        with self._lock:
            if (waiting := self._waiting.get(row.key)) is not None:
                waiting.append(row.number)
                return None
            kept = self._kept.hit(row.key, again=again)
            if kept is None:
                self._waiting[row.key] = []
                return row
        self._states.settle([row.number], kept.state, "duplicate" if kept.run == self._kept.run else "checkpoint")
        return None

    def _put_back(self, row: PreparedRow) -> None:
        self._again.appendleft(row.number)
        self._again.extend(self.equal_to(row.key))

    def put_back(self, rows: Iterable[PreparedRow]) -> None:
        """Rows that nobody has asked, to be read again later."""
        for row in rows:
            self._put_back(row)


_NOTHING = object()
