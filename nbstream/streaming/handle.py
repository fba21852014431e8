"""The caller's end of a running stream: wait for it, read it, look at it, cancel it, from any thread or event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from nbstream.errors import shown_briefly
from nbstream.streaming.end import StreamEnd
from nbstream.streaming.event_log import WAKE_UP_SECONDS
from nbstream.streaming.gates import Gates, Prepared
from nbstream.streaming.interrupts import HeldInterrupts
from nbstream.streaming.reading import EventReader, TextReader, text_pieces, text_pieces_async
from nbstream.streaming.rounds import Rounds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator
    from types import TracebackType
    from typing import Self

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult, StreamState
    from nbstream.streaming.engine import Engine
    from nbstream.streaming.errands import Errands
    from nbstream.streaming.gates import Gate
    from nbstream.streaming.rounds import FollowUp
    from nbstream.streaming.surfaces import Surfaces
    from nbstream.transport.event_stream import StreamSource

__all__ = ["StreamHandle"]

# An interrupt waits this long for the connection and the output to be finished, unless it is repeated.
_FINISH_SECONDS = 10.0
# The page says why it interrupts the kernel before it does, but on another way.
_REASON_SECONDS = 0.2


class StreamHandle:
    """A stream in flight, as `nbs.start` returns it.

    Iterating over it gives the text piece by piece, from the beginning, as it arrives; `events()` gives everything. A
    loop that is left early leaves the stream running; a `with` block ends the stream on the way out.

    Example:
        ```python
        with nbs.start("Write a long story", model="demo") as handle:
            for text in handle:              # in async code: async for text in handle
                print(text, end="")
                if "dragon" in handle.text:
                    break                    # leaving the block closes the connection
        handle.state, handle.result().text
        ```
    """

    def __init__(
        self,
        request: StreamRequest,
        surfaces: Surfaces,
        engine: Engine,
        *,
        max_rate: float,
        beginning: StreamResult | None = None,
        resume: Callable[[StreamRequest, StreamResult, bool], StreamHandle] | None = None,
        commit: Callable[[StreamResult], Callable[[], object] | None] | None = None,
        follow_up: FollowUp | None = None,
        gate: Gate | None = None,
        errands: Errands | None = None,
    ) -> None:
        from nbstream.display.throttle import Throttle

        def committed(result: StreamResult) -> Callable[[], object] | None:
            engine.last_results.append(result)
            return None if commit is None else commit(result)

        self._engine = engine
        self._surfaces = surfaces
        self._rounds = Rounds(
            request,
            surfaces,
            _source(request, engine),
            throttle=lambda: Throttle(max_rate),
            beginning=beginning,
            resume=resume,
            follow_up=follow_up,
            gate=Gates(Prepared(engine.ready), *([] if gate is None else [gate])),
            commit=committed,
            watch=engine.watch(),
            notices=engine.notices,
            alive=engine.alive,
        )
        surfaces.open(request, self.cancel)
        self._errands = errands
        future = engine.submit(self._rounds.run())
        self._end = StreamEnd(future, engine, self._rounds.snapshot)
        if errands is not None:
            future.add_done_callback(lambda _: errands.wake())

    def cancel(self) -> None:
        """End the stream: the connection closes, what had arrived is kept. Does nothing once it has ended."""
        self._engine.call_soon(self._rounds.cancel)

    def when_committed(self, tell: Callable[[StreamResult], object]) -> None:
        """Call `tell` with the final result as soon as it is final, before a display draws it.

        Args:
            tell: Called on nbstream's own loop, so it must not wait; at once if the stream has ended. What it raises
                is logged.
        """
        self._rounds.when_committed(tell)

    def when_drawn(self, tell: Callable[[], object]) -> None:
        """Call `tell` once the stream has ended and its last frame is drawn.

        Args:
            tell: Called on nbstream's own loop, so it must not wait; at once if that is so already.
        """
        self._end.when_come(tell)

    @property
    def request(self) -> StreamRequest:
        """What was asked first, as a value."""
        return self._rounds.request

    @property
    def snapshot(self) -> StreamResult:
        """The result so far; the final one after the end. Never raises for a failed stream."""
        return self._rounds.snapshot()

    @property
    def state(self) -> StreamState:
        """The state of the stream."""
        return self.snapshot.state

    @property
    def text(self) -> str:
        """The text so far."""
        return self._rounds.snapshot(drawn=False).text

    def done(self) -> bool:
        """Whether the stream has ended and its last frame is drawn, unless a display hangs."""
        return self._end.done()

    @property
    def lost(self) -> bool:
        """Whether the stream can no longer end: this process is a fork of the one that reads it, or reading broke."""
        return self._end.lost

    def __iter__(self) -> Iterator[str]:
        """The text in pieces as they arrive, from the beginning.

        Where a server takes text back, as with text that turns out to be reasoning, the text starts over; `text` is
        authoritative.

        Raises:
            StreamError: The stream failed, after all its text has been given out.
        """
        return text_pieces(self.texts())

    def __aiter__(self) -> AsyncIterator[str]:
        """The same for `async for`, without blocking the event loop."""
        return text_pieces_async(self.texts())

    def events(self) -> EventReader:
        """Everything that happens in the answer, as the frozen values of `nbstream.events`, from the beginning.

        For `for` and for `async for`, any number of times. Pieces that arrived before anybody read them may be joined.

        Raises:
            StreamError: While reading: the stream failed, after all its events have been given out.

        Example:
            ```python
            async for event in handle.events():
                if isinstance(event, nbstream.events.ToolCallDelta):
                    ...
            ```
        """
        return EventReader(self._rounds, self._end)

    def texts(self) -> TextReader:
        """All the text so far, each time that there is more: for `for` and for `async for`, any number of times.

        Raises:
            StreamError: While reading: the stream failed, after its text has been given out.

        Example:
            ```python
            for text in handle.texts():
                print(len(text), end=" ")
            ```
        """
        return TextReader(self._rounds, self._end)

    def unread(self) -> Self:
        """The handle itself, which keeps no events: for a caller that gives it to nobody who could read them."""
        self._rounds.log.discard()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the stream if it is still running, and wait until its connection is closed."""
        self.cancel()
        self._end.within(_FINISH_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The same, without blocking the event loop."""
        self.cancel()
        await self._end.awaited_within(_FINISH_SECONDS)

    def result(self, timeout: float | None = None) -> StreamResult:
        """Wait for the end and return the result; a cancelled stream returns what there is.

        Args:
            timeout: Maximum seconds to wait; `None` waits forever. The stream continues either way.

        Raises:
            StreamError: The stream failed; its `result` holds what had arrived.
            TimeoutError: The stream has not ended in time.
        """
        return self._end.result(timeout)

    def wait(self) -> StreamResult:
        """Like `result`, for a blocking cell: an interrupt cancels the stream before it propagates.

        The interrupt of a page whose Stop reaches the kernel in no other way does not propagate.

        Raises:
            StreamError: The stream failed; its `result` holds what had arrived.
            KeyboardInterrupt: The kernel was interrupted; the output has been finished and marked.
        """
        with HeldInterrupts() as held:
            held.stop_with(self.cancel)
            try:
                self._surfaces.expect_error()
                self._surfaces.attend(True)
                with self.attended():
                    while held.seconds < _FINISH_SECONDS:
                        if self.ended_soon(held):
                            if held.seconds and self._surfaces.have_interrupted(_REASON_SECONDS):
                                held.forget()
                            return self._end.result()
                raise shown_briefly(KeyboardInterrupt())
            except KeyboardInterrupt as interrupt:
                shown_briefly(interrupt)
                self.cancel()
                if not held.seconds:  # it was raised by something else than the signal
                    self._end.within(_FINISH_SECONDS)
                raise
            finally:
                self._surfaces.attend(False)

    @contextlib.contextmanager
    def attended(self, loop: asyncio.AbstractEventLoop | None = None) -> Iterator[None]:
        """Have the functions that the answer calls run where this block waits for it.

        Args:
            loop: On this event loop; otherwise on this thread, within `ended_soon`.
        """
        if self._errands is None:
            yield
            return
        self._errands.attend(loop)
        try:
            yield
        finally:
            self._errands.leave()

    def ended_soon(self, held: HeldInterrupts, seconds: float = WAKE_UP_SECONDS) -> bool:
        """Wait a little, and meanwhile call what is to be called on this thread; whether the end has come.

        Args:
            held: Holds back interrupts, but not from what is called.
            seconds: How long to wait at most.
        """
        if self._errands is None:
            return self._end.within(seconds)
        self._errands.run_next(seconds, held.let_through)
        return self._end.within(0.0)

    async def wait_async(self) -> StreamResult:
        """Like `wait`, on the caller's event loop: cancelling the waiting task cancels the stream.

        Raises:
            StreamError: The stream failed; its `result` holds what had arrived.
        """
        self._surfaces.expect_error()
        with self.attended(asyncio.get_running_loop()):
            try:
                return await self._end.awaited()
            except asyncio.CancelledError:
                self.cancel()
                await self._end.awaited_within(_FINISH_SECONDS)
                if self._end.done() and await self._was_stopped():
                    return self._end.result()
                raise

    async def _was_stopped(self) -> bool:
        until = time.monotonic() + _REASON_SECONDS
        while not (stopped := self._surfaces.have_interrupted(0.0)) and time.monotonic() < until:  # noqa: ASYNC110  it comes over a socket that the shell reads, too
            await asyncio.sleep(0.01)
        return stopped

    def __await__(self) -> Generator[None, None, StreamResult]:
        """Wait for the end without blocking the event loop; cancelling the wait leaves the stream running."""
        return self._end.awaited().__await__()

    def __repr__(self) -> str:
        snapshot = self.snapshot
        return f"<StreamHandle {snapshot.state}, {len(snapshot.text):,} characters>"


def _source(request: StreamRequest, engine: Engine) -> StreamSource:
    """What sends the requests of an answer."""
    source: StreamSource = request.source or engine
    if request.budget is None:
        return source
    from nbstream.accounting.budgeted import Budgeted

    return Budgeted(source, request.budget, engine.book)
