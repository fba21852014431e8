"""Plays a recording in place of the server: the same bytes, through the same decoder."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbstream.assembly import Assembler
from nbstream.recording.recording_file import COMPLETE
from nbstream.request import Endpoint
from nbstream.transport.adapters import adapter_for
from nbstream.transport.decoded import decoded
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from nbstream.recording.recording_file import Recording
    from nbstream.request import StreamRequest
    from nbstream.transport.byte_stream import ByteStream, Chunk
    from nbstream.transport.event_stream import EventStream

__all__ = ["Player", "text_of"]

# How many pieces are played before other streams have their turn.
_AT_ONCE = 256


class Player:
    """A `ByteSource` and `StreamSource` that answers with a recording, whatever is asked.

    Args:
        recording: What to play.
        speed: How many times as fast as it was recorded; `None` plays all of it at once.
    """

    def __init__(self, recording: Recording, speed: float | None = None) -> None:
        self._recording = recording
        self._speed = speed

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[EventStream]:
        """Play it and hand over its events.

        Args:
            request: What is asked; it says which API the bytes are of.
        """
        return decoded(self, request)

    async def open_bytes(self, request: StreamRequest) -> ByteStream:
        """Begin to play; the headers come as late as they came.

        Args:
            request: What is asked; messages name its endpoint.

        Raises:
            StreamError: A response with an error status was recorded.
        """
        played = _Played(self._recording, self._speed, request.endpoint)
        await played.wait_until(self._recording.began)
        if self._recording.error is not None:
            raise self._recording.error
        return played


class _Played:
    """A `ByteStream` of recorded pieces."""

    buffers = False

    def __init__(self, recording: Recording, speed: float | None, endpoint: Endpoint) -> None:
        self.status = recording.status
        self.headers: Mapping[str, str] = recording.headers
        self.endpoint = endpoint
        self.recorded_at: datetime = recording.heading.recorded_at
        self._recording = recording
        self._speed = speed
        self._now = asyncio.get_running_loop().time
        self._started = self._now()

    async def wait_until(self, at: float) -> None:
        """Wait until a moment of the recording has come.

        Args:
            at: Milliseconds since its request was sent.
        """
        if self._speed is not None:
            await asyncio.sleep(max(0.0, self._started + at / 1000 / self._speed - self._now()))

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        for number, piece in enumerate(self._recording.pieces):
            await self.wait_until(piece.at)
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)  # other streams go on meanwhile
            yield piece.data, self._now()
        await self.wait_until(self._recording.ended)
        if self._recording.end != COMPLETE:
            raise ConnectionResetError("the recording ends here")

    async def close(self, *, complete: bool) -> None:
        """Play no more."""
        del complete


def text_of(recording: Recording) -> str:
    """The text of the recorded answer, as far as it was recorded.

    Args:
        recording: The recording.
    """
    endpoint = Endpoint(f"http://{recording.heading.server}")
    decoder = WireDecoder(adapter_for(str(recording.heading.request.get("api"))), endpoint)
    assembler = Assembler(model="", endpoint=endpoint.name)
    for piece in recording.pieces:
        for event in decoder.feed(piece.data):
            assembler.feed(event)
            if assembler.state.terminal:
                return assembler.snapshot().text
    return assembler.snapshot().text
