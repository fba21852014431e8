"""Stands between the SDK and a server that is not trusted: watches the end, and leaves out what would be dear."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

__all__ = ["guarded"]

_MOST_OPEN, _MOST_BLOCKS = 100, 1_000


@contextlib.asynccontextmanager
async def guarded(
    transport: AbstractAsyncContextManager[Any], ended: Callable[[str], object]
) -> AsyncIterator[tuple[Any, Any]]:
    """The same transport, guarded.

    Args:
        transport: A transport of the SDK.
        ended: Called when the other side has ended, also while nobody calls, with nothing; or with what it has done
            that it is to end for.
    """
    async with transport as (incoming, outgoing):
        guard = _Guard(ended)
        yield _Incoming(incoming, guard), _Outgoing(outgoing, guard)


class _Guard:
    def __init__(self, ended: Callable[[str], object]) -> None:
        self.ended = ended
        self._open = 0

    def take(self, message: Any) -> None:
        """Take what the server says."""
        if isinstance(result := getattr(message, "result", None), dict):
            _lighten(result)
        elif hasattr(message, "method") and hasattr(message, "id"):
            self._open += 1
            if self._open > _MOST_OPEN:  # each is kept until the server takes the answer
                self.ended(f"it asked more than {_MOST_OPEN} things at once")

    def give(self, message: Any) -> None:
        """Take what the server is told."""
        self._open -= not hasattr(message, "method")


def _lighten(result: dict[str, Any]) -> None:
    """Take out what would cost the SDK much time or memory."""
    tools, content = result.get("tools"), result.get("content")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):  # by which each result would be checked, and lost if it does not fit
            tool.pop("outputSchema", None)
    if isinstance(content, list) and len(content) > _MOST_BLOCKS:
        note = {"type": "text", "text": f"[Cut: {len(content):,} pieces in all.]"}
        result["content"] = [*content[:_MOST_BLOCKS], note]


class _Incoming:
    def __init__(self, stream: Any, guard: _Guard) -> None:
        self._stream, self._guard = stream, guard

    @property
    def last_context(self) -> Any:
        """The context of what has sent the last message, which the SDK asks for."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Any:
        from anyio import ClosedResourceError, EndOfStream

        try:
            item = await self._stream.receive()
        except (ClosedResourceError, EndOfStream):
            self._guard.ended("")
            raise
        self._guard.take(getattr(item, "message", None))
        return item

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        from anyio import EndOfStream

        try:
            return await self.receive()
        except EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Outgoing:
    def __init__(self, stream: Any, guard: _Guard) -> None:
        self._stream, self._guard = stream, guard

    async def send(self, item: Any) -> None:
        await self._stream.send(item)
        self._guard.give(item.message)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
