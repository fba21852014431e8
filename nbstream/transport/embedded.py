"""The demo model without a socket: its answers played as bytes, through the same decoder as any server's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbstream.demo.moderation import result_of
from nbstream.demo.played import played
from nbstream.errors import NotFoundError
from nbstream.settings.capabilities import capabilities_of
from nbstream.transport import chat_request, responses

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from typing import Any

    from nbstream.request import Endpoint, StreamRequest
    from nbstream.transport.byte_stream import Chunk

__all__ = ["EmbeddedDemo", "moderated_by_demo"]


def moderated_by_demo(texts: Sequence[str]) -> list[dict[str, Any]]:
    """What the demo's moderation endpoint says of each text.

    Args:
        texts: Them.
    """
    return [result_of(text) for text in texts]


class EmbeddedDemo:
    """A `ByteSource` of the demo's answers, where its server cannot run."""

    async def open_bytes(self, request: StreamRequest) -> _Played:
        """Play the answer.

        Raises:
            StreamError: The answer was to be resumed.
        """
        if request.position is not None:
            raise NotFoundError("The demo model stores no responses where it has no server.")
        capabilities = capabilities_of(request.endpoint.base_url)
        in_chat = request.api == "chat"
        body = (chat_request if in_chat else responses).request_body(request, capabilities)
        pieces = played(body | {"stream": request.stream}, responses=not in_chat)
        return _Played(pieces, request.endpoint)


class _Played:
    """A `ByteStream` of played pieces."""

    status = 200
    buffers = False

    def __init__(self, pieces: AsyncGenerator[bytes], endpoint: Endpoint) -> None:
        self.headers: Mapping[str, str] = {}
        self.endpoint = endpoint
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        now = asyncio.get_running_loop().time
        async for piece in self._pieces:
            yield piece, now()

    async def close(self, *, complete: bool) -> None:
        """Play no more."""
        del complete
        await self._pieces.aclose()
