"""The byte stream of one HTTP response that the SDK has opened."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from nbstream.request import Endpoint
    from nbstream.transport.byte_stream import Chunk

__all__ = ["HttpBytes"]


class HttpBytes:
    """A `ByteStream` over a response, made on the event loop that it belongs to.

    Args:
        response: The HTTP library's response, whose body has not been read.
        endpoint: Where it comes from, with the key that the request carried.
        linger: Seconds that a server may take to finish its response after the end of the answer; some never do.
    """

    buffers = True

    def __init__(self, response: Any, endpoint: Endpoint, linger: float) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.endpoint = endpoint
        self._chunks: AsyncGenerator[bytes] = response.aiter_bytes().__aiter__()
        self._next = self._chunks.__anext__
        self._now = asyncio.get_running_loop().time
        self._response = response
        self._linger = linger

    def __aiter__(self) -> HttpBytes:
        return self

    async def __anext__(self) -> Chunk:
        return await self._next(), self._now()

    async def close(self, *, complete: bool) -> None:
        """Close the response; a connection whose answer is complete may finish, so that it can be used again."""
        try:
            if complete:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(self._linger):
                        async for _ in self._chunks:
                            pass
        finally:
            try:
                # A failed stream may be looked at long afterwards, and must not keep the bytes.
                with contextlib.suppress(Exception):
                    await self._chunks.aclose()
            finally:
                await self._response.aclose()
