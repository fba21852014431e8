"""The seam above decoding: an open stream as batches of events, however they were decoded.

A source that already has events, such as a WebSocket or a test, plugs in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from nbstream.events import Event
    from nbstream.request import Position, StreamRequest

__all__ = ["EventStream", "StreamSource"]


class EventStream(Protocol):
    """An open stream: batches of events, one batch for each piece that the network delivers."""

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` of the response, if it has one."""
        ...

    def position(self) -> Position | None:
        """The resume point if the stream breaks now; `None` if there is none."""
        ...

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        """Iterate over the batches; a batch may be empty (a keep-alive).

        Raises:
            StreamError: The stream broke off.
        """
        ...


class StreamSource(Protocol):
    """Opens event streams: what a session gets its stream from."""

    def open(self, request: StreamRequest, /) -> AbstractAsyncContextManager[EventStream]:
        """Send `request` and hand over the stream; the stream is closed on the way out.

        Raises:
            StreamError: The stream could not be opened.
        """
        ...
