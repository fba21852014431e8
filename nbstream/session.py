"""One stream from open to end: reading, time limits, cancelling, pacing the display. The story on one screen.

Runs on the engine's loop. It must not know HTTP, wire formats or notebooks: a stream comes from `open_stream`, frames
go to a `Surface`, and the verdict on how it ended is the assembler's.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import TYPE_CHECKING

from nbstream.assembly import Assembler
from nbstream.clock import SystemClock
from nbstream.display.throttle import Throttle
from nbstream.errors import InternalError, StalledError, StreamError
from nbstream.result import StreamResult, Timing

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from nbstream.clock import Clock
    from nbstream.display.surface import Surface
    from nbstream.events import Event
    from nbstream.request import StreamRequest
    from nbstream.transport.open import EventStream

__all__ = ["Session"]

_log = logging.getLogger("nbstream")


class Session:
    """One stream. `run` it once; `cancel` and `snapshot` it at any time.

    Args:
        request: What to ask.
        surface: Where to draw; already open.
        open_stream: Sends the request and hands over the stream.
        throttle: Paces the frames.
        clock: Time, for timing and pacing.
    """

    def __init__(
        self,
        request: StreamRequest,
        surface: Surface,
        open_stream: Callable[[StreamRequest], AbstractAsyncContextManager[EventStream]],
        *,
        throttle: Throttle | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._request = request
        self._surface = surface
        self._open_stream = open_stream
        self._throttle = throttle or Throttle()
        self._clock: Clock = clock or SystemClock()
        self._assembler = Assembler(model=request.model, endpoint=request.endpoint.name)
        self._started_at = self._clock.now()
        self._first_token_at: float | None = None
        self._request_id: str | None = None
        self._reader: asyncio.Task[None] | None = None
        self._cancelled = False
        self._changed = asyncio.Event()
        self._final: StreamResult | None = None

    async def run(self) -> StreamResult:
        """Read the stream to its end, drawing as it grows; return how it ended. Never raises for a failed stream."""
        painter = asyncio.create_task(self._paint())
        self._reader = asyncio.create_task(self._read())
        if self._cancelled:
            self._reader.cancel()
        await asyncio.wait({self._reader})
        self._judge(self._reader)
        painter.cancel()
        await asyncio.wait({painter})
        self._final = final = self.snapshot()
        if final.error is not None:
            final.error.result = final
        await self._on_surface(self._surface.close, self._final)
        return self._final

    def cancel(self) -> None:
        """End the stream: the connection is closed, what had arrived is kept. Without effect once it has ended."""
        if self._cancelled:
            return  # a second cancel would break off the closing of the connection
        self._cancelled = True
        if self._reader is not None:
            self._reader.cancel()

    def snapshot(self) -> StreamResult:
        """The result so far, or the final one."""
        return self._final or self._assembler.snapshot(self._timing(), self._request_id)

    async def _read(self) -> None:
        limits = self._request.limits
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limits.first_token) as limit:
                async with self._open_stream(self._request) as stream:
                    self._request_id = stream.request_id
                    async for batch in stream:
                        if batch:
                            self._take(batch)
                            if self._assembler.has_content:
                                limit.reschedule(loop.time() + limits.stall)
                        if self._assembler.state.terminal:
                            return
        except TimeoutError as error:
            raise self._stalled() from error

    def _take(self, batch: list[Event]) -> None:
        assembler = self._assembler
        for event in batch:
            assembler.feed(event)
            if assembler.state.terminal:
                break
        if self._first_token_at is None and assembler.has_content:
            self._first_token_at = self._clock.now()
        self._changed.set()

    def _judge(self, reader: asyncio.Task[None]) -> None:
        """Tell the assembler what ended the reading, if the stream itself did not."""
        if self._assembler.state.terminal:
            return
        if reader.cancelled():
            self._assembler.cancel()
            return
        error = reader.exception()
        if isinstance(error, StreamError):
            self._assembler.break_off(error)
            return
        _log.error("nbstream failed while reading a stream", exc_info=error)
        name = type(error).__name__
        self._assembler.fail(
            InternalError(f"nbstream itself failed ({name}). What had arrived is kept; please report this.")
        )

    def _stalled(self) -> StalledError:
        limits, name = self._request.limits, self._request.endpoint.name
        if not self._assembler.has_content:
            return StalledError(
                f"{name} sent nothing for {limits.first_token:g} s. Give a slow model more time with --timeout SECONDS."
            )
        return StalledError(
            f"{name} went silent for {limits.stall:g} s in the middle of the answer. "
            "What had arrived is kept; run the cell again to retry."
        )

    async def _paint(self) -> None:
        """Draw whenever something changed and a frame is due."""
        while True:
            await self._changed.wait()
            await self._clock.sleep(self._throttle.delay(self._clock.now()))
            self._changed.clear()
            started = self._clock.now()
            if not await self._on_surface(self._surface.draw, self.snapshot()):
                return
            self._throttle.drawn(started, self._clock.now())

    async def _on_surface(self, action: Callable[[StreamResult], None], result: StreamResult) -> bool:
        """Draw on a worker thread, for a slow surface must not hold up the reading of this or any other stream.

        A surface that fails must not lose the answer either: the failure is logged and drawing ends.
        """
        context = contextvars.copy_context()
        try:
            drawing = asyncio.get_running_loop().run_in_executor(None, context.run, action, result)
        except RuntimeError:  # Python is exiting
            return False
        try:
            await asyncio.shield(drawing)
        except asyncio.CancelledError:
            # A frame under way is finished, lest the last one overtake it.
            await asyncio.gather(drawing, return_exceptions=True)
            raise
        except Exception:  # noqa: BLE001  whatever a surface raises
            _log.exception("nbstream could not draw the answer; it is complete in the result")
            return False
        return True

    def _timing(self) -> Timing:
        now = self._clock.now()
        usage = self._assembler.usage
        first = self._first_token_at
        writing = 0.0 if first is None else now - first
        return Timing(
            ttft=None if first is None else first - self._started_at,
            total=now - self._started_at,
            tokens_per_second=usage.output_tokens / writing if usage and writing > 0 else None,
        )
