"""What batches need of their provider, over the engine's pooled clients."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from nbstream.transport.adaptation import adaptation
from nbstream.transport.batch_files import batch_lines, upload_batch
from nbstream.transport.batch_wire import request_line
from nbstream.transport.batches import batch_of, batches, cancel_batch, create_batch
from nbstream.transport.error_report import error_in
from nbstream.transport.request_body import request_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nbstream.many.batch.batch_journal import NotedBatch
    from nbstream.request import StreamRequest
    from nbstream.streaming.engine import Engine
    from nbstream.transport.batch_wire import AnswerLine, BatchState

__all__ = ["BatchProvider"]

_MARKER = "nbstream_batch"
_ADAPTED = {400, 422}
_DAY = 24 * 60 * 60


class BatchProvider:
    """All its methods belong to the engine's loop, and raise a `StreamError` where the provider does not do it.

    Args:
        request: What every row is asked with, apart from its messages.
        engine: Has the clients.
    """

    def __init__(self, request: StreamRequest, engine: Engine) -> None:
        self._request = request
        self._engine = engine

    def line(self, custom_id: str, request: StreamRequest) -> bytes:
        """The line of an input file that asks for an answer."""
        known = self._engine.clients.capabilities.of(request.endpoint.base_url, request.model)
        return request_line(custom_id, request.api, request_body(request, known))

    async def upload(self, name: str, content: IO[bytes], size: int) -> str:
        """Send an input file; its id."""
        return await upload_batch(self._engine.clients, self._request, name, content, size)

    async def create(self, file_id: str, marker: str) -> BatchState:
        """Have a file answered, under a marker that it can be found by."""
        return await create_batch(self._engine.clients, self._request, file_id, {_MARKER: marker})

    async def state(self, batch_id: str) -> BatchState:
        """How a batch is now."""
        return await batch_of(self._engine.clients, self._request, batch_id)

    async def cancel(self, batch_id: str) -> BatchState:
        """Have a batch end early."""
        return await cancel_batch(self._engine.clients, self._request, batch_id)

    def lines(self, file_id: str) -> AsyncIterator[bytes]:
        """The lines of an output file."""
        return batch_lines(self._engine.clients, self._request, file_id)

    async def find(self, noted: NotedBatch) -> BatchState | None:
        """The batch that was asked for under a marker, or with a file of its own; `None` if there is none."""
        oldest = (noted.asked_at or 0.0) - _DAY  # the provider's clock may be another one
        async for state in batches(self._engine.clients, self._request):
            if state.metadata.get(_MARKER) == noted.marker or (noted.file_id and state.input_file_id == noted.file_id):
                return state
            if state.created_at is not None and state.created_at < oldest:
                break
        return None

    def learn(self, line: AnswerLine) -> None:
        """Remember what the provider refuses, so that rows that are asked again are asked in another way."""
        if line.status not in _ADAPTED:
            return
        base_url, model = self._request.endpoint.base_url, self._request.model
        known = self._engine.clients.capabilities.of(base_url, model)
        again, learned = adaptation(self._request, known, error_in(dict(line.body)) or {})
        for after in (again, learned):
            if after is not None and after != known:
                self._engine.clients.capabilities.learn(base_url, model, known, after)
                return
