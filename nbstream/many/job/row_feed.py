"""Hands rows from the thread that reads them to the loop that asks them, a few ahead of time."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbstream.many.asking.runner import PreparedRow

__all__ = ["RowFeed"]

# So many are read ahead, or as many as have so many characters together.
_MOST_ROWS, _MOST_CHARACTERS = 64, 4_000_000


class RowFeed:
    """Rows that are to be asked. One thread puts them in, one loop takes them out."""

    def __init__(self) -> None:
        self._rows: deque[PreparedRow] = deque()
        self._characters = 0
        self._changed = threading.Condition()
        self._waiting: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = self._stopped = False

    def put(self, row: PreparedRow) -> bool:
        """Put a row in, once there is room; whether it is wanted at all."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._is_full)
            if self._stopped:
                return False
            self._rows.append(row)
            self._characters += _size(row)
        self._wake()
        return True

    def end(self) -> None:
        """There are no more rows."""
        with self._changed:
            self._ended = True
        self._wake()

    def stop(self) -> None:
        """Give out no more rows; from any thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._wake()

    @property
    def stopped(self) -> bool:
        """Whether no more rows are wanted."""
        return self._stopped

    def rest(self) -> list[PreparedRow]:
        """The rows that nobody has taken."""
        with self._changed:
            rest, self._rows = list(self._rows), deque()
            return rest

    def __aiter__(self) -> RowFeed:
        return self

    async def __anext__(self) -> PreparedRow:
        self._loop = asyncio.get_running_loop()
        while True:
            with self._changed:
                if self._stopped:
                    raise StopAsyncIteration
                if self._rows:
                    row = self._rows.popleft()
                    self._characters -= _size(row)
                    if len(self._rows) < _MOST_ROWS // 2:  # so that the other thread wakes for many rows at once
                        self._changed.notify_all()
                    return row
                if self._ended:
                    raise StopAsyncIteration
                waiting = self._waiting = self._loop.create_future()
            await waiting

    @property
    def _is_full(self) -> bool:
        return bool(self._rows) and (len(self._rows) >= _MOST_ROWS or self._characters >= _MOST_CHARACTERS)

    def _wake(self) -> None:
        with self._changed:
            waiting, self._waiting = self._waiting, None
        if waiting is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(_set, waiting)


def _set(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _size(row: PreparedRow) -> int:
    return sum(len(content) for each in row.messages if isinstance(content := each.get("content"), str))
