"""The seam above decoding: an open stream as batches of events, whoever has decoded them.

It must not know bytes: what speaks in events already, such as a WebSocket or a test, begins here.
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
        """Where the answer can be taken up again if the stream breaks now; `None` if it cannot."""
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
