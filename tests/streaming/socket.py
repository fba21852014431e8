"""A server's pieces as a socket hands them over: they come at their moments, and a read brings all that have come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbstream.testing import DONE, chat_chunk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from nbstream.request import StreamRequest
    from nbstream.transport.byte_stream import ByteStream, Chunk
    from nbstream.transport.event_stream import EventStream

__all__ = ["Socket"]


class Socket:
    """A source of bytes for one response.

    Args:
        moments: When each piece comes, in seconds of the loop's time.

    Attributes:
        reads: When each read brought something.
    """

    buffers = True
    status = 200

    def __init__(self, moments: Sequence[float]) -> None:
        self.headers: dict[str, str] = {}
        self.reads: list[float] = []
        self._coming = [*((at, chat_chunk("word ")) for at in moments)]
        self._coming += [(moments[-1], chat_chunk(finish_reason="stop")), (moments[-1], DONE)]

    async def open_bytes(self, request: StreamRequest) -> ByteStream:
        self.endpoint = request.endpoint
        return self

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[EventStream]:
        from nbstream.transport.decoded import decoded

        return decoded(self, request)

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        loop, coming = asyncio.get_running_loop(), self._coming
        while coming:
            await asyncio.sleep(max(0.0, coming[0][0] - loop.time()))
            come = sum(at <= loop.time() + 1e-6 for at, _ in coming)
            self.reads.append(loop.time())
            yield b"".join(piece for _, piece in coming[:come]), loop.time()
            del coming[:come]

    async def close(self, *, complete: bool) -> None:
        pass
