"""Event streams made of byte streams: the decoder of the called API applied to the bytes of one response.

The bytes can come from anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from nbstream.errors import ConnectionLostError
from nbstream.events import ReasoningDelta, TextDelta, ToolCallDelta
from nbstream.request import Position
from nbstream.transport.adapters import adapter_for
from nbstream.transport.gathering import Gathering
from nbstream.transport.quota_headers import quota_from
from nbstream.transport.responses import ResponsesAdapter
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from datetime import datetime

    from nbstream.events import Event, Unrecognized
    from nbstream.request import Endpoint, StreamRequest
    from nbstream.transport.byte_stream import ByteSource, ByteStream
    from nbstream.transport.wire import Adapter

__all__ = ["DecodedStream", "decoded"]

# How many events are handed over at once: other streams on the loop have their turns between.
_MOST_EVENTS = 200

# So many bytes take so long that they are read on a thread, while other streams go on.
_LARGE_EVENT = 64 * 1024


@contextlib.asynccontextmanager
async def decoded(source: ByteSource, request: StreamRequest) -> AsyncIterator[DecodedStream]:
    """Open a byte stream and hand over its events; close it on the way out.

    Args:
        source: Opens the byte stream.
        request: What to ask; it says which API the bytes are of.

    Raises:
        StreamError: The stream could not be opened, or broke off while it was read.

    Example:
        ```python
        async with decoded(ScriptedBytes(chat_body("Hi")), request) as stream:
            async for batch in stream:
                print(batch)
        ```
    """
    response = await source.open_bytes(request)
    stream: DecodedStream | None = None
    complete = False
    try:
        stream = DecodedStream(response, request)
        yield stream
        complete = stream.complete
    finally:
        if stream is not None:
            await stream.close()
        await response.close(complete=complete)


class DecodedStream:
    """An `EventStream` over the bytes of one response.

    Args:
        response: The response; the caller closes it.
        request: What was asked.
    """

    def __init__(self, response: ByteStream, request: StreamRequest) -> None:
        self._response = response
        self._patience = request.patience
        self._decoder = WireDecoder(
            _adapter(request),
            response.endpoint,
            whole_expected=not request.stream,
            max_event_bytes=request.sizes.event_bytes,
        )
        self.request_id = self._decoder.words.header(response.headers, "x-request-id")
        self.recorded_at: datetime | None = getattr(response, "recorded_at", None)
        self._take: Callable[[bytes, float], object] | None = None
        self.quota = quota_from(response.headers)
        self._handed = 0  # events since the loop has turned
        self._in_background = request.params.get("background") is True
        self._reading: AsyncGenerator[list[Event]] | None = None

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        self._reading = self._batches()
        return self._reading

    async def close(self) -> None:
        """End the iteration. One that is merely dropped costs a task of its own, and wakes the loop for it."""
        reading, self._reading = self._reading, None
        if reading is not None:
            await reading.aclose()

    async def _batches(self) -> AsyncGenerator[list[Event]]:
        broken = False
        decoder = self._decoder
        next_chunk = aiter(self._response).__anext__
        loop = asyncio.get_running_loop()
        gathering = Gathering(loop, self._patience) if self._response.buffers else None
        pause = 0.0
        while not decoder.ended:
            if gathering is not None:
                gathering.watch()
            try:
                chunk, at = await next_chunk()
            except StopAsyncIteration:
                break
            except Exception:  # noqa: BLE001  whatever reading raises: each HTTP library has errors of its own
                broken = True  # release what the error refers to before raising
                break
            if gathering is not None:
                pause = gathering.pause(len(chunk), at)
            events = await self._events_of(chunk, at)
            while len(events) > _MOST_EVENTS:
                yield events[:_MOST_EVENTS]
                await asyncio.sleep(0)
                events = events[_MOST_EVENTS:]
            yield events
            # Neither the beginning nor the end is ever delayed.
            if pause and events and isinstance(events[-1], TextDelta | ReasoningDelta | ToolCallDelta):
                await asyncio.sleep(pause)
        events = await self._rest(broken=broken)
        for start in range(0, len(events), _MOST_EVENTS):
            yield events[start : start + _MOST_EVENTS]
            await asyncio.sleep(0)
        if broken:
            name = self._response.endpoint.name
            raise ConnectionLostError(f"The connection to {name} broke off.", retryable=True)

    async def _events_of(self, chunk: bytes, at: float) -> list[Event]:
        decoder = self._decoder
        if self._take is not None:
            self._take(chunk, at)
        if self._handed >= _MOST_EVENTS:  # what is there already is read without a turn of the loop
            self._handed = 0
            await asyncio.sleep(0)
        is_large = len(chunk) + decoder.unread >= _LARGE_EVENT
        events = await asyncio.to_thread(decoder.feed, chunk) if is_large else decoder.feed(chunk)
        self._handed += len(events)
        return events

    async def _rest(self, *, broken: bool) -> list[Event]:
        """What the end of the bytes means."""
        decoder = self._decoder
        end = decoder.break_off if broken else decoder.close
        return end() if decoder.unread < _LARGE_EVENT else await asyncio.to_thread(end)

    def tap(self, take: Callable[[bytes, float], object]) -> Endpoint:
        """Have `take` called with each piece of the body, and when it came; returns where they come from.

        Args:
            take: Called on the loop, before what the piece means is known.
        """
        self._take = take
        return self._response.endpoint

    @property
    def complete(self) -> bool:
        """Whether the answer is over by the wire's own word."""
        return self._decoder.ended

    @property
    def unrecognized(self) -> Unrecognized | None:
        """The last object so far that nothing understood, for a stream that is given up before its end."""
        return self._decoder.unrecognized

    def position(self) -> Position | None:
        """The resume point, which only numbered background responses have."""
        adapter = self._decoder.adapter
        if not self._in_background or not isinstance(adapter, ResponsesAdapter):
            return None
        if adapter.ended or adapter.response_id is None or adapter.sequence_number is None:
            return None
        return Position(adapter.response_id, adapter.sequence_number, adapter, adapter.pending_half)


def _adapter(request: StreamRequest) -> Adapter:
    """The translator of what will come."""
    if request.position is not None:
        resumed: ResponsesAdapter = request.position.translator.resumed()
        return resumed
    return adapter_for(request.api)
