"""The seam below decoding: a response as status, headers and pieces of its body, each with the time at which it came.

HTTP, a recording and a test are siblings here. None of them knows what the bytes mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from nbstream.request import Endpoint, StreamRequest

__all__ = ["ByteSource", "ByteStream", "Chunk"]

Chunk: TypeAlias = tuple[bytes, float]
"""A piece of the body, and when it came: seconds on the clock of the event loop on which it is read."""


class ByteStream(Protocol):
    """An open response, whose body may still be on its way."""

    @property
    def status(self) -> int:
        """The HTTP status; a response with an error status is raised by `ByteSource.open_bytes` instead."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by lower-case name."""
        ...

    @property
    def endpoint(self) -> Endpoint:
        """Where the bytes come from, with the key that the request carried: messages leave it out."""
        ...

    @property
    def buffers(self) -> bool:
        """Whether pieces accumulate while nobody reads, as in a socket, so that a short pause delays nothing else."""
        ...

    def __aiter__(self) -> AsyncIterator[Chunk]:
        """Iterate over the pieces, once.

        Raises:
            Exception: The body broke off. The reader treats an exception of any type as a lost connection.
        """
        ...

    async def close(self, *, complete: bool) -> None:
        """Release the response.

        Args:
            complete: Whether the answer in it is over. Its connection may then be drained and reused.
        """
        ...


class ByteSource(Protocol):
    """Opens byte streams: a pool of HTTP clients, a recording, `nbstream.testing.ScriptedBytes`."""

    async def open_bytes(self, request: StreamRequest, /) -> ByteStream:
        """Send `request` and return the response once its headers have arrived; the caller closes it.

        Raises:
            StreamError: There is no response, or one with an error status.
        """
        ...
