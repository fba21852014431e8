"""Answers the rows of a map in batches: cheaper, within a day, and whether or not this process stays.

Rows are written to files and noted in the checkpoint, the files are sent, batches are asked for, and looked at until
they end. A row that is in a batch already, of this map or of another one, waits for that batch and is not asked again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbstream.errors import StreamError
from nbstream.many.asking.runner import PreparedRow, RowAnswer
from nbstream.many.batch.batch_file import BatchFile
from nbstream.many.batch.batch_pace import BatchPace
from nbstream.many.batch.batch_sending import BatchSending
from nbstream.many.batch.open_batch import OpenBatch
from nbstream.many.batch.waking import Waking
from nbstream.many.rows.row_key import host_of
from nbstream.outcome import StreamState
from nbstream.transport.batch_wire import answer_line, custom_id_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from nbstream.many.batch.batch_journal import BatchJournal
    from nbstream.many.batch.batch_provider import BatchProvider
    from nbstream.many.batch.batch_reading import BatchReading
    from nbstream.many.rows.row_result import RowSource
    from nbstream.request import StreamRequest
    from nbstream.transport.batch_wire import AnswerLine, BatchState

__all__ = ["BatchRunner"]

# Lines of an output file that are read at once.
_PAGE, _PAGE_BYTES = 200, 4_000_000


class BatchRunner:
    """A `RowRunner` over batches.

    Args:
        request: What every row is asked with, apart from its messages.
        journal: Keeps which rows are in which batch.
        provider: Answers.
        reading: Reads the answers.
        waking: Waits, and is woken by `stop` and `detach`.
        file: Makes the file of a batch.
    """

    def __init__(
        self,
        request: StreamRequest,
        journal: BatchJournal,
        provider: BatchProvider,
        reading: BatchReading,
        waking: Waking | None = None,
        file: type[BatchFile] = BatchFile,
    ) -> None:
        self._request = request
        self._journal = journal
        self._provider = provider
        self._reading = reading
        self._waking = waking or Waking()
        self._new_file = file
        self._sending = BatchSending(request, journal, provider, self._waking)
        self._open: dict[str, OpenBatch] = {}
        self._ended: list[OpenBatch] = []
        self._running: dict[int, None] = {}
        self._stopped = self._detached = False
        self._pace = BatchPace(self._waking.now())
        self._pause = 0.0
        self.note: str | None = None
        """What is going on, in a line."""

    # --- what a map asks ----------------------------------------------------------------------------------------------

    @property
    def concurrency(self) -> int:
        """How many rows are in flight: as many as are in batches."""
        return len(self._running)

    @property
    def running(self) -> Mapping[int, object]:
        """The rows in flight, by number."""
        return self._running

    @property
    def rate_limited_until(self) -> float | None:
        """When the provider is asked again, if it has asked to wait."""
        return self._waking.rate_limited_until

    @property
    def rate_limits(self) -> int:
        """How often the provider has asked to wait."""
        return self._waking.rate_limits

    @property
    def batches(self) -> tuple[OpenBatch, ...]:
        """The batches so far."""
        return (*self._ended, *self._open.values())

    def limit(self, concurrency: int | None) -> None:
        """A batch has as many rows as there are."""

    def text_of(self, number: int) -> str:
        """Nobody knows the text of a row before its batch has ended."""
        del number
        return ""

    def stop(self) -> None:
        """Have the provider cancel the batches. That takes a while; what they have answered by then is taken."""
        self._stopped = self._waking.ends = True
        self._waking.wake()

    def detach(self) -> None:
        """Leave the batches to their provider; they are taken up again later."""
        self._detached = self._waking.ends = True
        self._waking.wake()

    async def close(self) -> None:
        """It holds nothing."""

    # --- the way of a row ---------------------------------------------------------------------------------------------

    async def run(self, rows: AsyncIterator[PreparedRow]) -> AsyncIterator[RowAnswer]:
        """Answer rows, in any order."""
        async for answer in self._written(rows):
            yield answer
        while self._open and not self._detached:
            self._pause = 0.0
            for batch in [*self._open.values()]:
                async for answer in self._followed(batch):
                    yield answer
            if self._open and not self._detached:
                await self._waking.wait(self._pause or self._pace.pause(self._waking.now()))
        for batch in [*self._open.values()]:
            for answer in self._left(batch):
                yield answer

    async def _written(self, rows: AsyncIterator[PreparedRow]) -> AsyncIterator[RowAnswer]:
        """Write rows to files and have these sent; a row that is in a batch already waits for it."""
        try:
            await self._sending.recover()
        except StreamError as error:
            words = " ".join(str(error).split())
            async for row in rows:
                yield RowAnswer(row, StreamState.FAILED, error=words, kind=error.kind, attempts=0)
            return
        in_flight = await asyncio.to_thread(self._journal.rows)
        file = self._new_file()
        try:
            async for row in rows:
                if (marker := in_flight.get(row.key)) is not None and self._joined(marker, row):
                    continue
                line = self._sending.line_of(row)
                if isinstance(line, RowAnswer):
                    yield line
                    continue
                if not file.has_room_for(line):
                    async for answer in self._sent(file):
                        yield answer
                    file.close()
                    file = self._new_file()
                file.add(row.key, row.number, line)
                self._running[row.number] = None
            async for answer in self._sent(file):
                yield answer
        finally:
            file.close()

    async def _sent(self, file: BatchFile) -> AsyncIterator[RowAnswer]:
        if not file.rows:
            return
        if self._stopped or self._detached:
            for answer in self._unasked(file.rows):
                yield answer
            return
        self.note = f"sending {len(file.rows):,} rows to {self._request.endpoint.name}"
        host = host_of(self._request)
        noted = await asyncio.to_thread(self._journal.begin, host, self._request.api, [*file.rows])
        batch = OpenBatch(noted, dict(file.rows))
        self._pace = BatchPace(self._waking.now())
        try:
            state = await self._sending.send(noted, file)
        except StreamError as error:
            for answer in self._given_up(batch, error):
                yield answer
            return
        if state is None:  # stopped before it was asked for
            for answer in self._unasked(file.rows):
                yield answer
            return
        batch.state, batch.noted = state, self._journal.batch(noted.marker) or noted
        self._open[noted.marker] = batch
        self.note = batch.told()

    def _joined(self, marker: str, row: PreparedRow) -> bool:
        """Whether a row waits for a batch that it is in."""
        batch = self._open.get(marker)
        if batch is None:
            noted = self._journal.batch(marker)
            if noted is None:
                return False
            batch = self._open[marker] = OpenBatch(noted)
        batch.numbers[row.key] = row.number
        self._running[row.number] = None
        return True

    # --- the way of a batch -------------------------------------------------------------------------------------------

    async def _look(self, batch: OpenBatch) -> None:
        if batch.noted.batch_id is None:  # another map asks for it
            batch.noted = self._journal.batch(batch.noted.marker) or batch.noted
        if (batch_id := batch.noted.batch_id) is None:
            return
        batch.state = await self._provider.state(batch_id)
        if self._stopped and not batch.cancelled and not batch.state.ended:
            batch.cancelled = True
            batch.state = await self._cancelled(batch_id)
        self.note = batch.told()

    async def _cancelled(self, batch_id: str) -> BatchState:
        try:
            return await self._provider.cancel(batch_id)
        except StreamError as error:
            if error.retryable:
                raise
            return await self._provider.state(batch_id)  # it has ended meanwhile

    async def _followed(self, batch: OpenBatch) -> AsyncIterator[RowAnswer]:
        """Look at a batch, and take its answers if it has ended."""
        try:
            await self._look(batch)
            async for answer in self._answers(batch):
                yield answer
        except StreamError as error:
            if error.retryable or self._waking.is_passing(error):
                self._pause = max(self._pause, self._waking.note_refusal(error, self._pace.pause_after(error)))
                self.note = f"{error.happened} Asking again in {self._pause:.0f} s."
                return
            rest = self._given_up(batch, error)
        else:
            rest = self._rest(batch)
        for answer in rest:
            yield answer

    async def _answers(self, batch: OpenBatch) -> AsyncIterator[RowAnswer]:
        """What is in the files of a batch that has ended; what was read before a file broke off is not read again."""
        files = batch.state.files if batch.state is not None and batch.state.ended else ()
        for file_id in files:
            async for lines in self._pages(file_id):
                told = self._told(batch, lines)
                rows = await self._reading.rows({key: batch.numbers[key] for key in told})
                for key, line in told.items():
                    if self._detached:
                        return
                    self._settled(batch, key)
                    yield await self._reading.answer(rows[key], line)

    async def _pages(self, file_id: str) -> AsyncIterator[list[bytes]]:
        """The lines of a file, so many at once as are read from the checkpoint together."""
        page: list[bytes] = []
        size = 0
        try:
            async for line in self._provider.lines(file_id):
                page.append(line)
                size += len(line)
                if len(page) >= _PAGE or size >= _PAGE_BYTES:
                    yield page
                    page, size = [], 0
        except StreamError:
            if page:
                yield page
            raise
        yield page

    def _rest(self, batch: OpenBatch) -> list[RowAnswer]:
        """What becomes of the rows of a batch that has ended without answers to them."""
        if self._detached:
            return []
        if batch.noted.batch_id is None:
            noted = self._journal.batch(batch.noted.marker)
            is_lost = noted is None or self._journal.is_abandoned(noted)
            return self._left(batch) if is_lost else []  # whoever asked for it has given up, or goes on
        if batch.state is None or not batch.state.ended:
            return []
        self.note = batch.told()
        self._open.pop(batch.noted.marker, None)
        self._ended.append(batch)
        answers = []
        for key in [*batch.numbers]:
            state, error, kind = batch.left_out(key)
            row = self._settled(batch, key)
            attempts = 0 if state is StreamState.CANCELLED else 1
            answers.append(RowAnswer(row, state, error=error, kind=kind, attempts=attempts, source="batch"))
        return answers

    def _told(self, batch: OpenBatch, lines: list[bytes]) -> dict[bytes, AnswerLine]:
        """What lines say of rows that have no answer yet, by their keys."""
        told: dict[bytes, AnswerLine] = {}
        for each in lines:
            line = answer_line(each)
            key = _key(custom_id_in(each) if line is None else line.custom_id)
            if line is None and key is not None:
                batch.damaged.add(key)
            elif line is not None and key in batch.numbers:
                self._provider.learn(line)
                told.setdefault(key, line)
        return told

    def _settled(self, batch: OpenBatch, key: bytes) -> PreparedRow:
        """A row that is in flight no longer."""
        number = batch.numbers.pop(key)
        self._running.pop(number, None)
        return PreparedRow(number, key, ())

    # --- rows without an answer ---------------------------------------------------------------------------------------

    def _given_up(self, batch: OpenBatch, error: StreamError) -> list[RowAnswer]:
        """The rows of a batch that cannot be had. Where it exists, or may exist, they stay noted as in flight."""
        marker, words = batch.noted.marker, " ".join(str(error).split())
        self.note = words
        self._open.pop(marker, None)
        self._journal.leave(marker)
        noted = self._journal.batch(marker) or batch.noted
        exists = noted.batch_id is not None and error.kind != "not_found"
        may_exist = noted.batch_id is None and noted.asked_at is not None and self._waking.is_passing(error)
        source: RowSource = "asked" if exists or may_exist else "batch"
        return [
            RowAnswer(self._settled(batch, key), StreamState.FAILED, error=words, kind=error.kind, source=source)
            for key in [*batch.numbers]
        ]

    def _left(self, batch: OpenBatch) -> list[RowAnswer]:
        """The rows of a batch that is left to its provider: they stay in it."""
        self._open.pop(batch.noted.marker, None)
        return [RowAnswer(self._settled(batch, key), StreamState.CANCELLED, attempts=0) for key in [*batch.numbers]]

    def _unasked(self, rows: Mapping[bytes, int]) -> list[RowAnswer]:
        """Rows that are in no batch."""
        for number in rows.values():
            self._running.pop(number, None)
        return [
            RowAnswer(PreparedRow(number, key, ()), StreamState.CANCELLED, attempts=0) for key, number in rows.items()
        ]


def _key(custom_id: str | None) -> bytes | None:
    try:
        return bytes.fromhex(custom_id or "") or None
    except ValueError:
        return None
