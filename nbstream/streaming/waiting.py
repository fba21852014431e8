"""Begins a stream and waits for its end: on the caller's thread, or on its event loop.

The functions that the answer calls run where its caller waits, also those that are called before it has begun to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from nbstream.streaming.end import running_loop
from nbstream.streaming.errands import waited_for_here
from nbstream.streaming.interrupts import HeldInterrupts

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.result import StreamResult

__all__ = ["Begun", "awaited", "waited_for"]


class Begun(Protocol):
    """A stream that has begun, such as a `StreamHandle`."""

    def unread(self) -> Self:
        """The same, for a caller that gives it to nobody who could read it."""
        ...

    def cancel(self) -> None:
        """End it."""
        ...

    def wait(self) -> StreamResult:
        """Wait for its end on this thread."""
        ...

    async def wait_async(self) -> StreamResult:
        """Await its end."""
        ...


def waited_for(begin: Callable[[], Begun]) -> StreamResult:
    """Begin a stream, wait for its end and return the result; an interrupt at any moment ends the stream.

    Args:
        begin: Starts the stream; nobody else reads it.
    """
    with HeldInterrupts() as held:
        with waited_for_here():
            handle = begin().unread()
        held.stop_with(handle.cancel)
        return handle.wait()


async def awaited(begin: Callable[[], Begun]) -> StreamResult:
    """Begin a stream and await its end, without blocking the event loop; cancelling the awaiting task ends the stream.

    Args:
        begin: Starts the stream; nobody else reads it.
    """
    with waited_for_here(running_loop()):  # there must be one before anything is sent
        handle = begin().unread()
    return await handle.wait_async()
