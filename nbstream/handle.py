"""The caller's end of a running stream: wait for it, look at it, cancel it, from any thread or event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING

from nbstream.errors import shown_briefly
from nbstream.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from nbstream.display.surface import Surface
    from nbstream.engine import Engine
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult, StreamState

__all__ = ["StreamHandle"]

# An interrupt is handled when the waiting thread next runs Python: on Windows, and in an event loop where another
# thread took the signal, that is when something wakes it. Waking up now and then costs nothing.
_WAKE_UP_SECONDS = 0.1

# A second interrupt gives up at once; a first one waits this long for the connection and the output to be finished.
_FINISH_SECONDS = 10.0


class StreamHandle:
    """A stream under way, as `nbs.start` returns it.

    Example:
        ```python
        handle = nbs.start("Write a long story", model="demo")
        handle.state, len(handle.text)
        handle.cancel()
        result = handle.result()      # or: await handle
        ```
    """

    def __init__(
        self,
        request: StreamRequest,
        surface: Surface,
        engine: Engine,
        *,
        max_rate: float,
        beginning: StreamResult | None = None,
        resume: Callable[[StreamRequest, StreamResult, bool], StreamHandle] | None = None,
    ) -> None:
        from nbstream.display.throttle import Throttle

        self._engine = engine
        self._session: Session | None = None
        self._cancelled = False
        self._surface = surface
        surface.open(request, self.cancel)

        async def run() -> StreamResult:
            session = Session(
                request,
                surface,
                engine.open_stream,
                throttle=Throttle(max_rate),
                beginning=beginning,
                resume=resume,
            )
            self._session = session
            if self._cancelled:
                session.cancel()
            result = await session.run()
            engine.last_result = result
            return result

        self._future = engine.submit(run())

    def cancel(self) -> None:
        """End the stream: the connection closes, what had arrived is kept. Does nothing once it has ended."""
        self._cancelled = True
        if self._session is not None:
            self._engine.call_soon(self._session.cancel)

    @property
    def snapshot(self) -> StreamResult:
        """The result so far; the final one after the end. Never raises for a failed stream."""
        from nbstream.result import StreamResult

        return StreamResult() if self._session is None else self._session.snapshot()

    @property
    def state(self) -> StreamState:
        """Where the stream is."""
        return self.snapshot.state

    @property
    def text(self) -> str:
        """The text so far."""
        return self.snapshot.text

    def done(self) -> bool:
        """Whether the stream has ended and its last frame is drawn."""
        return self._future.done()

    def result(self, timeout: float | None = None) -> StreamResult:
        """Wait for the end and return the result; a cancelled stream returns what there is.

        Args:
            timeout: Seconds to wait at the most; `None` waits for ever. The stream goes on either way.

        Raises:
            StreamError: The stream failed; its `result` holds what had arrived.
            TimeoutError: The stream has not ended in time.
        """
        return _checked(self._future.result(timeout))

    def wait(self) -> StreamResult:
        """Like `result`, for a blocking cell: an interrupt cancels the stream before it goes on its way.

        Raises:
            StreamError: The stream failed; its `result` holds what had arrived.
            KeyboardInterrupt: The kernel was interrupted; the output has been finished and marked.
        """
        from nbstream.display.surface import Attentive

        attentive = self._surface if isinstance(self._surface, Attentive) else None
        try:
            if attentive is not None:
                attentive.attend(True)
            while True:
                finished, _ = concurrent.futures.wait({self._future}, timeout=_WAKE_UP_SECONDS)
                if finished:
                    return self.result()
        except KeyboardInterrupt as interrupt:
            shown_briefly(interrupt)
            self.cancel()
            concurrent.futures.wait({self._future}, timeout=_FINISH_SECONDS)
            raise
        finally:
            if attentive is not None:
                attentive.attend(False)

    async def wait_async(self) -> StreamResult:
        """Like `wait`, on the caller's event loop: cancelling the waiting task cancels the stream.

        Raises:
            StreamError: The stream failed; its `result` holds what had arrived.
        """
        future = asyncio.wrap_future(self._future)
        try:
            while not future.done():
                await asyncio.wait({future}, timeout=_WAKE_UP_SECONDS)
            return _checked(future.result())
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait({future}, timeout=_FINISH_SECONDS)
            raise

    def __await__(self) -> Generator[None, None, StreamResult]:
        """Wait for the end without blocking the event loop; cancelling the wait leaves the stream running."""

        async def result() -> StreamResult:
            return _checked(await asyncio.shield(asyncio.wrap_future(self._future)))

        return result().__await__()

    def __repr__(self) -> str:
        snapshot = self.snapshot
        return f"<StreamHandle {snapshot.state}, {len(snapshot.text):,} characters>"


def _checked(result: StreamResult) -> StreamResult:
    if result.error is not None:
        # The frames of its making would keep the whole stream in memory.
        raise result.error.with_traceback(None)
    return result
