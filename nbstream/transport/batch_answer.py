"""A line of a batch's output as a source of a stream: it is decoded, checked and entered as any other answer is."""

from __future__ import annotations

import asyncio
import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from nbstream.transport.decoded import decoded
from nbstream.transport.error_document import error_document
from nbstream.transport.translate import status_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from nbstream.request import Endpoint, StreamRequest
    from nbstream.transport.batch_wire import AnswerLine
    from nbstream.transport.byte_stream import ByteStream, Chunk
    from nbstream.transport.event_stream import EventStream

__all__ = ["BatchAnswer"]


class BatchAnswer:
    """A `ByteSource` and a `StreamSource` of the answer that one line holds.

    Args:
        line: The line, of a request that was executed.
    """

    def __init__(self, line: AnswerLine) -> None:
        self._line = line

    async def open_bytes(self, request: StreamRequest) -> ByteStream:
        """The response that the line holds.

        Raises:
            StreamError: It is a refusal.
        """
        line = self._line
        body = json.dumps(line.body).encode()
        headers = {"x-request-id": line.request_id} if line.request_id else {}
        if not line.is_answer:
            raise status_error(request, line.status or 500, error_document(body), headers)
        return _Body(body, MappingProxyType(headers), request.endpoint)

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[EventStream]:
        """The same, decoded."""
        return decoded(self, request)


class _Body:
    """A `ByteStream` of one piece."""

    status = 200
    buffers = False

    def __init__(self, body: bytes, headers: Mapping[str, str], endpoint: Endpoint) -> None:
        self.headers = headers
        self.endpoint = endpoint
        self._body = body

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        yield self._body, asyncio.get_running_loop().time()

    async def close(self, *, complete: bool) -> None:
        """Nothing is open."""
