"""The end of a stream, waited for from any thread or event loop, but never for ever: who makes it come may be gone."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.errors import ConnectionLostError, UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamState
from nbstream.streaming.event_log import WAKE_UP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from nbstream.result import StreamResult
    from nbstream.streaming.engine import Engine

__all__ = ["StreamEnd", "checked", "running_loop"]


class StreamEnd:
    """The end of one stream, with its last frame drawn.

    Args:
        future: Holds the result, when it has come.
        engine: Makes it come.
        snapshot: What has arrived so far.
    """

    def __init__(self, future: Future[StreamResult], engine: Engine, snapshot: Callable[[], StreamResult]) -> None:
        self._future = future
        self._engine = engine
        self._snapshot = snapshot

    def done(self) -> bool:
        """Whether it has come."""
        return self._future.done()

    def when_come(self, tell: Callable[[], object]) -> None:
        """Call `tell` once it has come, on the engine's loop; at once if it has."""
        self._future.add_done_callback(lambda _: tell())

    @property
    def lost(self) -> bool:
        """Whether it can no longer come: the process is another one, or the engine's thread has ended."""
        return not self._engine.alive() and not self._future.done()

    def result(self, timeout: float | None = None) -> StreamResult:
        """Wait for it.

        Raises:
            StreamError: The stream failed, or is lost.
            TimeoutError: It has not come in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = WAKE_UP_SECONDS if deadline is None else min(WAKE_UP_SECONDS, max(0.0, deadline - time.monotonic()))
            if self.within(left):
                return checked(self._result())
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError

    def within(self, seconds: float) -> bool:
        """Wait for so long; whether it has come, or never will."""
        until = time.monotonic() + seconds
        while not (self._future.done() or self.lost):
            left = until - time.monotonic()
            if left <= 0:
                return False
            concurrent.futures.wait({self._future}, timeout=min(WAKE_UP_SECONDS, left))
        return True

    async def awaited(self) -> StreamResult:
        """Wait without blocking the event loop; cancelling the wait leaves the stream running.

        Raises:
            StreamError: The stream failed, or is lost.
        """
        running_loop()
        future = asyncio.wrap_future(self._future)
        # Where another thread handles the interrupt signal, only a running loop notices it.
        while not (future.done() or self.lost):
            await asyncio.wait({future}, timeout=WAKE_UP_SECONDS)
        return checked(self._result())

    async def awaited_within(self, seconds: float) -> None:
        """Wait for so long, without blocking the event loop."""
        await asyncio.wait({asyncio.ensure_future(self._either())}, timeout=seconds)

    async def _either(self) -> None:
        future = asyncio.wrap_future(self._future)
        while not (future.done() or self.lost):
            await asyncio.wait({future}, timeout=WAKE_UP_SECONDS)

    def _result(self) -> StreamResult:
        if not self._future.done():
            raise self._loss()
        return self._future.result()

    def _loss(self) -> ConnectionLostError:
        remedies = [] if self._engine.doomed else [Remedy(RemedyKind.RETRY)]
        error = ConnectionLostError(f"The stream is lost: {self._engine.fault}.", remedies=remedies)
        error.result = replace(self._snapshot(), state=StreamState.FAILED, error=error)
        return error


def checked(result: StreamResult) -> StreamResult:
    """The result of a stream that did not fail.

    Raises:
        StreamError: It failed.
    """
    if result.error is not None:
        # Its traceback's frames would keep the whole stream in memory.
        raise result.error.with_traceback(None)
    return result


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop that awaits.

    Raises:
        UsageError: It is not asyncio's.
    """
    try:
        if not _on_trio():
            return asyncio.get_running_loop()
    except RuntimeError:  # none
        pass
    raise UsageError(
        "only asyncio can await a stream, and another event loop runs here; nbs.stream(…) works without one"
    )


def _on_trio() -> bool:
    """Whether trio runs the code that awaits: in a kernel it does so within a callback of asyncio's."""
    sniffio: Any = sys.modules.get("sniffio") if "trio" in sys.modules else None
    if sniffio is None:
        return False
    try:
        return bool(sniffio.current_async_library() == "trio")
    except sniffio.AsyncLibraryNotFoundError:
        return False
