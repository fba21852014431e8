"""One stream from open to end: reading, retries, time limits, cancelling. The story on one screen.

Runs on the engine's loop. It must not know HTTP, wire formats or notebooks: a stream comes from `open_stream`, what is
seen of it is the painter's, and the verdict on how it ended is the assembler's.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.assembly import Assembler
from nbstream.clock import SystemClock
from nbstream.continuation import Continuation
from nbstream.cost import price_later
from nbstream.display.throttle import Throttle
from nbstream.errors import (
    FirstTokenTimeoutError,
    InternalError,
    NotFoundError,
    StalledError,
    StreamError,
    TotalTimeoutError,
)
from nbstream.events import EndOfStream, Failed, Warned
from nbstream.painter import Painter
from nbstream.result import Retry, StreamResult, Timing
from nbstream.retry import RetryPolicy
from nbstream.silence import SilenceLimit

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

# Once a server has said why the answer ends, only usage and the end of the bytes are waited for.
_AFTER_FINISH_SECONDS = 15.0

# An answer that begins late and is then written faster than any model writes was held back on its way.
_BUFFERED_AFTER_SECONDS, _BUFFERED_CHARACTERS, _BUFFERED_RATE = 2.0, 200, 20_000.0
_BUFFERED = Warned("buffered", "The whole answer arrived at once; a proxy on the way seems to hold streams back.")


class Session:
    """One stream. `run` it once; `cancel` and `snapshot` it at any time.

    Args:
        request: What to ask.
        surface: Where to draw; already open.
        open_stream: Sends the request and hands over the stream.
        throttle: Paces the frames.
        clock: Time, for timing and pacing.
        retries: Decides on sending the request again; by default as often as the request allows.
        beginning: What is there already, of an answer that is gone on with.
        resume: Starts the stream that goes on with this one, given a request, the answer so far, and whether to draw.
    """

    def __init__(
        self,
        request: StreamRequest,
        surface: Surface,
        open_stream: Callable[[StreamRequest], AbstractAsyncContextManager[EventStream]],
        *,
        throttle: Throttle | None = None,
        clock: Clock | None = None,
        retries: RetryPolicy | None = None,
        beginning: StreamResult | None = None,
        resume: Callable[[StreamRequest, StreamResult, bool], object] | None = None,
    ) -> None:
        self._request = request
        self._open_stream = open_stream
        self._clock: Clock = clock or SystemClock()
        self._painter = Painter(surface, throttle or Throttle(), self._clock, self.snapshot)
        self._retries = retries or RetryPolicy(request.max_retries)
        self._beginning = beginning
        self._resume = resume
        self._assembler = self._new_assembler()
        self._stream: EventStream | None = None
        self._request_id: str | None = None
        self._attempt = 1
        self._retry: Retry | None = None
        self._started_at = self._asked_at = self._clock.now()
        self._first_token_at: float | None = None
        self._last_token_at = 0.0
        self._reader: asyncio.Task[None] | None = None
        self._cancelled = False
        self._final: StreamResult | None = None

    async def run(self) -> StreamResult:
        """Read the stream to its end, drawing as it grows; return how it ended. Never raises for a failed stream."""
        painting = asyncio.create_task(self._painter.run())
        self._reader = asyncio.create_task(self._read())
        if self._beginning is not None:
            self._painter.touch()
        if self._cancelled:
            self._reader.cancel()
        await asyncio.wait({self._reader})
        self._judge(self._reader)
        self._reader = None
        ended = self._snapshot(continuation=self._continuation())
        cost = await price_later(ended.usage, ended.model, self._request.endpoint.base_url)
        self._final = final = replace(ended, cost=cost)
        self._stream = None  # the result lives on, and leads back here
        if final.error is not None:
            final.error.result = final
        painting.cancel()
        await asyncio.wait({painting})
        await self._painter.close(final)
        return final

    def cancel(self) -> None:
        """End the stream: the connection is closed, what had arrived is kept. Without effect once it has ended."""
        if self._cancelled:
            return  # a second cancel would break off the closing of the connection
        self._cancelled = True
        if self._reader is not None:
            self._reader.cancel()

    def snapshot(self) -> StreamResult:
        """The result so far, or the final one."""
        return self._final or self._snapshot()

    def _snapshot(self, continuation: Continuation | None = None) -> StreamResult:
        return self._assembler.snapshot(
            timing=self._timing(),
            request_id=self._request_id,
            retry=self._retry,
            attempts=self._attempt,
            continuation=continuation,
        )

    async def _read(self) -> None:
        """Attempt until the answer has begun; what has begun is never asked for again."""
        limit = self._request.limits.total
        try:
            async with asyncio.timeout(limit) as total:
                for self._attempt in itertools.count(1):
                    try:
                        return await self._read_once()
                    except StreamError as error:
                        self._request_id = self._request_id or error.request_id
                        self._retry = self._retries.next(error, self._attempt) if self._may_ask_again() else None
                        if self._retry is None or _ends_within(total, self._retry.delay):
                            raise
                    self._assembler = self._new_assembler()
                    self._painter.touch()
                    await self._clock.sleep(self._retry.delay)
                    self._retry = None
                    self._painter.touch()
        except TimeoutError:
            if not total.expired():
                raise
            name = self._request.endpoint.name
            raise TotalTimeoutError(
                f"The answer of {name} was not complete within {limit:g} s (--total-timeout)."
            ) from None

    async def _read_once(self) -> None:
        opening = self._open_stream(self._request)  # imports the SDK, if need be, which is no silence of the server's
        self._asked_at, self._stream, self._request_id = self._clock.now(), None, None
        try:
            async with SilenceLimit(self._request.limits.first_token) as limit, opening as stream:
                self._stream, self._request_id = stream, stream.request_id
                async for batch in stream:
                    if batch and (silence := self._take(batch)) is not None:
                        limit.restart(silence)
                    if self._assembler.state.terminal:
                        return
        except TimeoutError:
            if not limit.expired:
                raise
            raise self._timed_out() from None

    def _take(self, batch: list[Event]) -> float | None:
        """Give the events to the assembler; return how long to wait for the next, if that has changed."""
        assembler = self._assembler
        content_before = assembler.content_events
        announced_before = assembler.reason_given and assembler.announced
        for event in batch:
            if type(event) is Failed and not assembler.has_content:
                raise assembler.error_of(event)  # which may be tried again
            if type(event) is EndOfStream and self._was_held_back():
                assembler.feed(_BUFFERED)
            assembler.feed(event)
            if assembler.state.terminal:
                break
        self._painter.touch()
        has_more = assembler.content_events > content_before
        if has_more:
            self._last_token_at = self._clock.now()
            if not content_before:
                self._first_token_at = self._last_token_at
        if assembler.reason_given and assembler.announced:
            return None if announced_before else min(self._request.limits.stall, _AFTER_FINISH_SECONDS)
        return self._request.limits.stall if has_more else None

    def _judge(self, reader: asyncio.Task[None]) -> None:
        """Tell the assembler what ended the reading, if the stream itself did not."""
        self._retry = None
        error = _taken_from(reader)
        if self._assembler.state.terminal:
            return
        if isinstance(error, asyncio.CancelledError):
            self._assembler.cancel()
        elif isinstance(error, StreamError):
            self._assembler.break_off(error)
        else:
            name = type(error).__name__
            self._assembler.fail(InternalError(f"nbstream itself failed ({name}); please report this."))

    def _timed_out(self) -> StreamError:
        limits, name = self._request.limits, self._request.endpoint.name
        if not self._assembler.has_content:
            return FirstTokenTimeoutError(
                f"{name} sent nothing of an answer for {limits.first_token:g} s. "
                "Give a slow model more time with --timeout SECONDS."
            )
        return StalledError(f"{name} went silent for {limits.stall:g} s in the middle of the answer.")

    def _may_ask_again(self) -> bool:
        """Whether nothing of the answer has come, nor is being made: it is never paid for twice."""
        if self._assembler.has_content or self._assembler.announced:
            return False
        in_background = self._stream is not None and self._stream.position() is not None
        return self._request.position is not None or not in_background

    def _was_held_back(self) -> bool:
        first = self._first_token_at
        if first is None or first - self._asked_at < _BUFFERED_AFTER_SECONDS:
            return False
        characters = len(self._assembler.snapshot().text) - len(self._beginning.text if self._beginning else "")
        return characters >= _BUFFERED_CHARACTERS + _BUFFERED_RATE * (self._last_token_at - first)

    def _continuation(self) -> Continuation | None:
        if self._resume is None:
            return None
        position = self._stream.position() if self._stream is not None else None
        if self._stream is None and not isinstance(self._assembler.error, NotFoundError):
            position = self._request.position  # it could not even be reached
        return Continuation(self._request, position, self._resume)

    def _new_assembler(self) -> Assembler:
        request, asked_for = self._request, self._request.params.get("n")
        return Assembler(
            model=request.model,
            endpoint=request.endpoint.name,
            beginning=self._beginning,
            revisable=request.position is not None,
            choices=asked_for if isinstance(asked_for, int) else 1,
        )

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


def _taken_from(task: asyncio.Task[None]) -> BaseException | None:
    """What ended a task, without the frames and the errors behind it: they would keep the connection in memory."""
    try:
        task.result()
    except (asyncio.CancelledError, StreamError) as error:
        error.__context__ = None
        return error.with_traceback(None)
    except Exception as error:  # noqa: BLE001  a bug, which must not lose what had arrived
        _log.exception("nbstream failed while reading a stream")
        error.__context__ = None
        return error.with_traceback(None)
    return None


def _ends_within(limit: asyncio.Timeout, seconds: float) -> bool:
    """Whether a limit will have passed by then, so that there is no sense in waiting."""
    end = limit.when()
    return end is not None and end <= asyncio.get_running_loop().time() + seconds
