"""Has files of rows sent and batches made, so that a batch that is paid for is never lost and never made twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from nbstream.errors import StreamError, UnreachableError
from nbstream.many.asking.runner import RowAnswer
from nbstream.many.batch.batch_pace import BatchPace
from nbstream.many.rows.row_key import host_of
from nbstream.moderation.gates import secrets_of
from nbstream.moderation.secrets import told
from nbstream.outcome import StreamState
from nbstream.transport.batch_wire import LARGEST_FILE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nbstream.many.asking.runner import PreparedRow
    from nbstream.many.batch.batch_file import BatchFile
    from nbstream.many.batch.batch_journal import BatchJournal, NotedBatch
    from nbstream.many.batch.batch_provider import BatchProvider
    from nbstream.many.batch.waking import Waking
    from nbstream.request import StreamRequest
    from nbstream.transport.batch_wire import BatchState

__all__ = ["BatchSending"]

T = TypeVar("T")

_MOST_TRIES = 8
_SERVER_ERROR = 500
# A batch that was asked for by somebody who then died may be listed a little later.
GRACE_SECONDS = 15.0


class BatchSending:
    """Sends the files of one map.

    Args:
        request: What every row is asked with, apart from its messages.
        journal: Keeps which rows are in which batch.
        provider: Takes them.
        waking: Waits.
    """

    def __init__(self, request: StreamRequest, journal: BatchJournal, provider: BatchProvider, waking: Waking) -> None:
        self._request = replace(request, stream=False)
        self._journal = journal
        self._provider = provider
        self._waking = waking

    def line_of(self, row: PreparedRow) -> bytes | RowAnswer:
        """The line that asks a row; what becomes of the row, if it cannot be asked."""
        request = replace(self._request, messages=row.messages)
        if found := secrets_of(request):
            what = f"the prompt seems to hold {told(found)}; nothing was sent, allow_secrets=True sends it"
            return RowAnswer(row, StreamState.FAILED, error=what, kind="secrets", attempts=0)
        line = self._provider.line(row.key.hex(), request)
        if len(line) > LARGEST_FILE:
            what = f"the request has {len(line):,} bytes, and the file of a batch at most {LARGEST_FILE:,}"
            return RowAnswer(row, StreamState.FAILED, error=what, kind="row", attempts=0)
        return line

    async def recover(self) -> None:
        """Find the batches that a process was asking for when it ended.

        Raises:
            StreamError: The provider does not tell which batches there are.
        """
        await asyncio.to_thread(self._journal.tidy)
        host, api = host_of(self._request), self._request.api
        for noted in await asyncio.to_thread(self._journal.open_batches):
            if (noted.host, noted.api) != (host, api) or not self._journal.is_abandoned(noted):
                continue
            if not await asyncio.to_thread(self._journal.claim, noted):
                continue  # another kernel looks for it now
            try:
                state = None if noted.asked_at is None else await self._found(noted)
            except StreamError:
                self._journal.leave(noted.marker)
                raise
            if state is None:
                await asyncio.to_thread(self._journal.forget, noted.marker)
            else:
                await asyncio.to_thread(self._journal.made, noted.marker, state.id)

    async def send(self, noted: NotedBatch, file: BatchFile) -> BatchState | None:
        """Send a file and have a batch made of it; `None` if that was stopped before anything is paid.

        Raises:
            StreamError: The provider takes no such batch.
        """
        name = f"nbstream-{noted.marker}.jsonl"
        file_id = await self._insisting(lambda: self._provider.upload(name, file.content(), file.size))
        if self._waking.ends:
            await asyncio.to_thread(self._journal.forget, noted.marker)
            return None
        await asyncio.to_thread(self._journal.sent, noted.marker, file_id)
        await asyncio.to_thread(self._journal.asking, noted.marker)
        state = await self._insisting(lambda: self._made(noted.marker, file_id))
        await asyncio.to_thread(self._journal.made, noted.marker, state.id)
        return state

    async def _made(self, marker: str, file_id: str) -> BatchState:
        """Ask for a batch. Where nobody knows whether that was heard, look whether it was."""
        try:
            return await self._provider.create(file_id, marker)
        except StreamError as error:
            refused = error.status is not None and error.status < _SERVER_ERROR
            if refused or (isinstance(error, UnreachableError) and not error.retryable):
                raise
            noted = self._journal.batch(marker)
            if noted is None or (state := await self._found(noted)) is None:
                raise
            return state

    async def _found(self, noted: NotedBatch) -> BatchState | None:
        state = await self._insisting(lambda: self._provider.find(noted))
        if state is None and (left := GRACE_SECONDS - noted.age) > 0:
            await self._waking.wait(left)
            state = await self._insisting(lambda: self._provider.find(noted))
        return state

    async def _insisting(self, doing: Callable[[], Awaitable[T]]) -> T:
        """Do something, again and again while the provider has trouble that passes."""
        pace = BatchPace(self._waking.now())
        for _ in range(_MOST_TRIES):
            try:
                return await doing()
            except StreamError as error:
                if self._waking.ends or not (error.retryable or self._waking.is_passing(error)):
                    raise
                await self._waking.wait(self._waking.note_refusal(error, pace.pause_after(error)))
        return await doing()
