"""A response made of scripted pieces of bytes: what `FaultServer` sends, without a network, in any loop's time."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from nbstream.request import Endpoint, StreamRequest
    from nbstream.transport.byte_stream import ByteStream, Chunk
    from nbstream.transport.event_stream import EventStream

__all__ = ["ScriptedBytes"]


class ScriptedBytes:
    r"""A source of bytes whose response is made of steps. It can be opened again, and then starts over.

    Args:
        steps: What happens once the headers have come, in order: bytes to deliver, seconds to wait, or an exception
            with which the connection breaks off.
        connecting: Seconds until the headers come.
        refusal: What opening it raises after that, in place of a response.
        headers: The headers of the response, by lower-case name.

    Attributes:
        requests: What was asked, one `StreamRequest` for each opening.
        opened: How often it was opened successfully.
        closed: How each response was closed: whether the answer in it was complete.

    Example:
        >>> from nbstream.testing import chat_body, chat_chunk, play
        >>> play(ScriptedBytes(chat_body("Hello"))).text
        'Hello'
        >>> broken = play(ScriptedBytes(chat_chunk("Hel"), 0.5, ConnectionResetError()), max_retries=0)
        >>> broken.text, broken.error.kind, broken.timing.total
        ('Hel', 'connection_lost', 0.5)
    """

    def __init__(
        self,
        *steps: bytes | float | Exception,
        connecting: float = 0.0,
        refusal: Exception | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.requests: list[StreamRequest] = []
        self.opened = 0
        self.closed: list[bool] = []
        self._steps = steps
        self._connecting = connecting
        self._refusal = refusal
        self._headers = MappingProxyType(dict(headers or {"x-request-id": "req_1"}))

    async def open_bytes(self, request: StreamRequest) -> ByteStream:
        """Open the response.

        Args:
            request: What is asked; kept in `requests`.

        Raises:
            Exception: The `refusal`, if one was given.
        """
        self.requests.append(request)
        await asyncio.sleep(self._connecting)
        if self._refusal is not None:
            raise self._refusal
        self.opened += 1
        return _ScriptedResponse(self._steps, self._headers, request.endpoint, self.closed)

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[EventStream]:
        """Open the response and decode it, as a session expects.

        Args:
            request: What is asked; kept in `requests`.
        """
        from nbstream.transport.decoded import decoded

        return decoded(self, request)


class _ScriptedResponse:
    """A `ByteStream` of steps."""

    status = 200
    buffers = False

    def __init__(
        self,
        steps: tuple[bytes | float | Exception, ...],
        headers: Mapping[str, str],
        endpoint: Endpoint,
        closed: list[bool],
    ) -> None:
        self.headers = headers
        self.endpoint = endpoint
        self._steps = steps
        self._closed = closed

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        loop = asyncio.get_running_loop()
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, bytes):
                yield step, loop.time()
            else:
                await asyncio.sleep(step)

    async def close(self, *, complete: bool) -> None:
        self._closed.append(complete)
