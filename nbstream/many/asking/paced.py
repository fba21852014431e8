"""A runner that asks rows one by one, so many at once as their servers take: on this engine, or elsewhere."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from nbstream.errors import InternalError
from nbstream.many.asking.concurrency import MOST
from nbstream.many.asking.runner import RowAnswer
from nbstream.many.asking.slots import Slots
from nbstream.outcome import StreamState
from nbstream.text.plain import exception_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from nbstream.many.asking.concurrency import Concurrency
    from nbstream.many.asking.runner import PreparedRow

__all__ = ["Asked", "PacedRunner", "RowAsker"]

_log = logging.getLogger("nbstream")

# A row that is refused again and again has failed in the end, and a server that asks to wait longer is not waited for.
_MOST_REFUSALS = 50
_LONGEST_WAIT = 600.0
# Answers that nobody has taken yet, because the disk is slow, say.
_MOST_UNTAKEN = 500


class Asked(NamedTuple):
    """What came of asking a row once.

    Attributes:
        answer: The answer.
        refused: Whether the server has too much to do, and nothing of an answer has come.
        retry_after: Seconds that it asks to wait.
    """

    answer: RowAnswer
    refused: bool = False
    retry_after: float | None = None


class RowAsker(Protocol):
    """Asks single rows. All its methods are called on the engine's loop, except `text_of`."""

    async def ask(self, row: PreparedRow) -> Asked:
        """Ask a row and return its answer. Never raises for a row that fails."""
        ...

    def text_of(self, number: int) -> str:
        """The text so far of a row that is asked; empty if it is not known. Any thread may ask."""
        ...

    def cancel(self) -> None:
        """End all that is asked now; `ask` returns what had arrived."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class PacedRunner:
    """A `RowRunner` that asks each row as soon as it may be sent.

    Args:
        asker: Asks.
        level: How many may be in flight, and when.
    """

    def __init__(self, asker: RowAsker, level: Concurrency) -> None:
        self._asker = asker
        self._level = level
        self._slots = Slots(level)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._answers: asyncio.Queue[RowAnswer | None] = asyncio.Queue()
        self._stopped = False
        self._room: asyncio.Event = asyncio.Event()

    @property
    def concurrency(self) -> int:
        """How many rows may be in flight now."""
        return self._level.limit

    @property
    def running(self) -> Mapping[int, object]:
        """The rows that are in flight, by number."""
        return self._tasks

    @property
    def rate_limited_until(self) -> float | None:
        """When rows may be sent again, by the loop's clock; `None` if they may be now."""
        until = self._level.paused_until
        return until if self._level.is_paused(time.monotonic()) else None

    @property
    def rate_limits(self) -> int:
        """How often servers have asked to wait."""
        return self._level.pauses

    def limit(self, concurrency: int | None) -> None:
        """Have at most so many rows in flight; `None` lets it find out."""
        if concurrency is None:
            self._level.let_find()
        else:
            self._level.limit = min(concurrency, 10 * MOST)
        self._room.set()
        self._slots.admit()

    def text_of(self, number: int) -> str:
        """The text so far of a row in flight."""
        return self._asker.text_of(number)

    async def run(self, rows: AsyncIterator[PreparedRow]) -> AsyncIterator[RowAnswer]:
        """Answer rows, in any order."""
        dispatching = asyncio.create_task(self._dispatch(rows))
        try:
            while (answer := await self._answers.get()) is not None:
                yield answer
                self._room.set()
            await dispatching  # which may have failed
        finally:
            dispatching.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(dispatching, *self._tasks.values(), return_exceptions=True)

    def stop(self) -> None:
        """End the rows in flight: each is given out as `cancelled`, with what had arrived."""
        self._stopped = True
        self._asker.cancel()
        self._room.set()
        self._slots.open()

    async def close(self) -> None:
        """Let go of what it holds."""
        await self._asker.close()

    async def _dispatch(self, rows: AsyncIterator[PreparedRow]) -> None:
        try:
            await self._has_room()
            async for row in rows:
                self._tasks[row.number] = asyncio.create_task(self._answered(row))
                await self._has_room()
            while self._tasks:
                await asyncio.wait([*self._tasks.values()])
        finally:
            self._answers.put_nowait(None)

    async def _has_room(self) -> None:
        """Return once another row may be taken: those that wait to be asked again count, too."""
        while self._is_full and not self._stopped:
            self._room.clear()
            await self._room.wait()

    @property
    def _is_full(self) -> bool:
        return len(self._tasks) >= self._level.limit or self._answers.qsize() >= _MOST_UNTAKEN

    async def _answered(self, row: PreparedRow) -> None:
        try:
            self._answers.put_nowait(await self._asked(row))
        except Exception as error:  # noqa: BLE001  a bug, with which the row must not be forgotten
            _log.exception("nbstream could not ask a row")
            told = f"nbstream itself failed: {exception_line(error)}"
            self._answers.put_nowait(RowAnswer(row, StreamState.FAILED, error=told, kind=InternalError.kind))
        finally:
            self._tasks.pop(row.number, None)
            self._room.set()

    async def _asked(self, row: PreparedRow) -> RowAnswer:
        """Ask a row until its server takes it."""
        now = asyncio.get_running_loop().time
        attempts = 0
        while True:
            await self._slots.enter()
            try:
                if self._stopped:
                    return RowAnswer(row, StreamState.CANCELLED, attempts=attempts)
                sent_at = now()
                answer, refused, retry_after = await self._asker.ask(row)
            finally:
                self._slots.leave()
            attempts += answer.attempts
            if refused:
                self._level.refused(sent_at, now(), retry_after)
                if attempts < _MOST_REFUSALS and (retry_after or 0.0) <= _LONGEST_WAIT:
                    continue
            elif answer.is_whole:
                self._level.succeeded()
                self._slots.admit()
            return answer if answer.attempts == attempts else replace(answer, attempts=attempts)
