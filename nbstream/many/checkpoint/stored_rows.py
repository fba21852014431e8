"""Rows with their prompts as a checkpoint keeps them, so that they are there when whoever had them is gone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nbstream.attachments.attached import attached
from nbstream.failures import UsageError
from nbstream.many.checkpoint.row_store import StoredRow
from nbstream.many.rows.row_prompts import RowPrompt, RowPrompts
from nbstream.many.rows.rows import VALUE, Row
from nbstream.request import messages_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbstream.many.checkpoint.row_store import RowStore
    from nbstream.many.rows.rows import Rows

__all__ = ["StoredRows", "stored_prompts"]

_AT_ONCE = 200
_MOST_AT_ONCE, _MOST_CHARACTERS = 5_000, 4_000_000  # of those that are written before the first is asked
_SELDOM_SECONDS = 0.2


class StoredRows:
    """`Rows` that are kept in a file before they are given out. What is read row by row is kept as it is read.

    Args:
        store: Keeps them.
        run: Of which map they are.
        asked: What every row is asked with, for another kernel.
        rows: Where they are from; `None` if the file has them all.
        prompts: Makes their prompts.
        total: How many there are, if the file has them all.
    """

    names: tuple[Any, ...] = (VALUE,)
    are_values = True

    def __init__(
        self,
        store: RowStore,
        run: str,
        asked: Mapping[str, Any],
        rows: Rows | None,
        prompts: RowPrompts | None,
        total: int | None = None,
    ) -> None:
        self.total = total if rows is None else rows.total
        self._store = store
        self._run = run
        self._asked = asked
        self._rows = rows
        self._prompts = prompts
        self._has_all = False
        self._waiting: dict[int, StoredRow] = {}  # to be written

    def __iter__(self) -> Iterator[Row]:
        """All of them, from the first."""
        failure = None
        if self._rows is not None and not self._has_all:
            self._store.begin(self._run, self._asked)
            if self.total is None:
                yield from self._passed_on(self._rows)
                return
            failure = self._stored(self._rows)
        for row in self._store.rows(self._run):
            yield _row(row)
        if failure is not None:
            raise failure

    def at(self, number: int) -> Row | None:
        """One of them."""
        if (kept := self._kept(number)) is not None:
            return _row(kept)
        row = None if self._rows is None else self._rows.at(number)
        return None if row is None else _row(self._prepared(row))

    def shown(self, number: int) -> Row | None:
        """One of them for a reader: as it was given or, once that is gone, its messages. No prompt is made for it."""
        row = None if self._rows is None else self._rows.at(number)
        if row is not None:
            return row
        messages = list(self.messages([number]).get(number, ()))
        return Row(number, messages, {VALUE: messages}) if messages else None

    def label(self, number: int) -> Any:
        """The label of one of them."""
        if self._rows is not None:
            return self._rows.label(number)
        kept = self._kept(number)
        return number if kept is None else kept.label

    def messages(self, numbers: Sequence[int]) -> Mapping[int, tuple[Mapping[str, Any], ...]]:
        """What some of them ask, by their numbers."""
        waiting = {number: kept.messages for number in numbers if (kept := self._waiting.get(number)) is not None}
        known = {number: messages for number, messages in waiting.items() if messages is not None}
        return self._store.messages(self._run, numbers) | known

    def _stored(self, rows: Rows) -> Exception | None:
        """Keep all of them; what kept some of them from being read, if anything."""
        some: list[StoredRow] = []
        first, failure, characters = 0, None, 0
        try:
            for row in rows:
                some.append(self._prepared(row))
                characters += _size(some[-1])
                if len(some) >= _MOST_AT_ONCE or characters >= _MOST_CHARACTERS:
                    self._store.add(self._run, first, some)
                    first, some, characters = first + len(some), [], 0
        except Exception as error:  # noqa: BLE001  the caller's own rows; those before it are asked
            failure = error
        self._store.add(self._run, first, some)
        if failure is None:
            self._store.end(self._run, first + len(some))
            self._has_all = True
        return failure

    def _passed_on(self, rows: Rows) -> Iterator[Row]:
        number, written_at = 0, 0.0
        for row in rows:
            self._waiting[number] = prepared = self._prepared(row)
            if len(self._waiting) >= _AT_ONCE or time.monotonic() - written_at > _SELDOM_SECONDS:
                self._write_waiting()
                written_at = time.monotonic()
            number += 1
            yield _row(prepared)
        self._write_waiting()
        self._store.end(self._run, number)

    def _write_waiting(self) -> None:
        waiting = dict(self._waiting)
        if waiting:
            self._store.add(self._run, min(waiting), [*waiting.values()])
        for number in waiting:
            del self._waiting[number]

    def _kept(self, number: int) -> StoredRow | None:
        return self._waiting.get(number) or self._store.row(self._run, number)

    def _prepared(self, row: Row) -> StoredRow:
        assert self._prompts is not None
        try:
            prompt, images = self._prompts.of(row)
            prompt, _ = attached(prompt, image=images)
            return StoredRow(row.label, messages_from(prompt, items=True))
        except (UsageError, ValueError) as error:
            return StoredRow(row.label, None, str(error))


def stored_prompts() -> RowPrompts:
    """What makes the prompts of rows that are kept with them."""
    return RowPrompts(_prompt)


def _row(kept: StoredRow) -> Row:
    return Row(kept.label, kept, {VALUE: kept})


def _prompt(row: Row) -> RowPrompt:
    kept: StoredRow = row.itself
    if kept.messages is None:
        raise UsageError(kept.error or "this row has no prompt")
    return RowPrompt([dict(each) for each in kept.messages], [])


def _size(row: StoredRow) -> int:
    return sum(len(content) for each in row.messages or () if isinstance(content := each.get("content"), str))
