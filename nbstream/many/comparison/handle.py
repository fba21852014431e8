"""The streams of one comparison: begun together, waited for together, stopped one by one or all at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from nbstream.api import begin_on
from nbstream.errors import StreamError, shown_briefly
from nbstream.many.comparison.columns import LETTERS, Column
from nbstream.many.comparison.comparison import Comparison
from nbstream.result import StreamState
from nbstream.streaming.interrupts import HeldInterrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from nbstream.many.comparison.board import Board
    from nbstream.result import StreamResult
    from nbstream.streaming.handle import StreamHandle

__all__ = ["ComparisonHandle"]

_FINISH_SECONDS = 10.0  # as long as an interrupt waits for the connection and the output of a single stream
_REASON_SECONDS = 0.2
_WAKE_UP_SECONDS = 0.1


class ComparisonHandle:
    """A comparison in flight.

    Args:
        columns: What is asked, in the order in which it is shown.
        board: Where to draw.
        blind: Whether the names are hidden until an answer is chosen.
        differences: Whether the word differences between the two are shown.
    """

    def __init__(
        self, columns: Sequence[Column], board: Board, *, blind: bool = False, differences: bool = False
    ) -> None:
        self._columns, self._board = list(columns), board
        self._blind, self._differences = blind, differences
        self._ended: dict[int, StreamResult] = {}
        self._comparison: Comparison | None = None
        self._hearers: list[Callable[[Comparison], object]] = []
        self._lock = threading.Lock()
        self.handles: list[StreamHandle] = []
        shown = [column._replace(name=LETTERS[number]) for number, column in enumerate(columns)] if blind else columns
        board.open(shown, self.cancel, lambda: self._comparison)
        try:
            for number, column in enumerate(columns):
                handle = begin_on(column.request, board.surface(number)).unread()
                self.handles.append(handle)
                handle.when_committed(partial(self._commit, number))
        except BaseException:
            self.cancel()
            raise

    @property
    def state(self) -> StreamState:
        """What has become of it as a whole: complete if one answer is, failed if all of them did."""
        states = {handle.state for handle in self.handles}
        if running := [state for state in states if not state.terminal]:
            return running[0]
        one = (each for each in (StreamState.COMPLETED, StreamState.CANCELLED) if each in states)
        return next(one, StreamState.FAILED)

    def cancel(self) -> None:
        """Stop all of them; what has arrived is kept."""
        for handle in tuple(self.handles):
            handle.cancel()

    def unread(self) -> Self:
        """The handle itself: nobody reads the events of the streams."""
        return self

    def when_committed(self, tell: Callable[[Comparison], object]) -> None:
        """Call `tell` with the comparison as soon as all streams have ended, before a display draws that.

        Args:
            tell: Called on nbstream's own loop, or at once if they have ended.
        """
        with self._lock:
            if self._comparison is None:
                self._hearers.append(tell)
                return
        tell(self._comparison)

    def _commit(self, number: int, result: StreamResult) -> None:
        with self._lock:
            self._ended[number] = result
            if len(self._ended) < len(self._columns):
                return
            answers = [(column.name, self._ended[each]) for each, column in enumerate(self._columns)]
            request = self._columns[0].request
            self._comparison = Comparison(
                answers,
                blind=self._blind,
                differences=self._differences,
                images=request.images,
                place=request.place,
            )
            hearers, self._hearers = self._hearers, []
        for tell in hearers:
            tell(self._comparison)

    # --- waiting ------------------------------------------------------------------------------------------------------

    def wait(self) -> Comparison:
        """Wait for the ends of all, on this thread; an interrupt stops all of them.

        Raises:
            StreamError: All of them failed.
            KeyboardInterrupt: The kernel was interrupted; the output has been finished and marked.
        """
        with HeldInterrupts() as held, self._attended():
            held.stop_with(self.cancel)
            while held.seconds < _FINISH_SECONDS:
                left = [handle for handle in self.handles if not handle.done() and not handle.lost]
                if not left:
                    if held.seconds and self._board.has_interrupted(_REASON_SECONDS):
                        held.forget()
                    return self._result()
                for handle in left:
                    handle.ended_soon(held, _WAKE_UP_SECONDS / len(left))
            raise shown_briefly(KeyboardInterrupt())

    async def wait_async(self) -> Comparison:
        """The same, on the caller's event loop: cancelling the task stops all of them.

        Raises:
            StreamError: All of them failed.
        """
        with self._attended(asyncio.get_running_loop()):
            ends = asyncio.gather(*map(_ended, self.handles))
            try:
                await asyncio.shield(ends)
            except asyncio.CancelledError:
                self.cancel()
                await asyncio.wait({ends}, timeout=_FINISH_SECONDS)
                if not ends.done() or not await self._was_stopped():
                    raise
            return self._result()

    async def _was_stopped(self) -> bool:
        until = time.monotonic() + _REASON_SECONDS
        while not (stopped := self._board.has_interrupted(0.0)) and time.monotonic() < until:  # noqa: ASYNC110  it comes over a socket that the shell reads, too
            await asyncio.sleep(0.01)
        return stopped

    @contextlib.contextmanager
    def _attended(self, loop: asyncio.AbstractEventLoop | None = None) -> Iterator[None]:
        """What the answers call runs here meanwhile, and the display knows that somebody waits."""
        with contextlib.ExitStack() as stack:
            if loop is None:
                self._board.attend(True)
                stack.callback(self._board.attend, False)
            for handle in self.handles:
                stack.enter_context(handle.attended(loop))
            yield

    def _result(self) -> Comparison:
        if self._comparison is None:
            for handle in self.handles:
                handle.result()  # which raises for a stream that is lost
            raise StreamError("The streams are lost.")
        failed = [result for result in self._comparison if result.state is StreamState.FAILED]
        if len(failed) == len(self._comparison):
            raise _all_failed(self._comparison)
        return self._comparison


async def _ended(handle: StreamHandle) -> None:
    """Wait for the end of a stream, whatever it is."""
    with contextlib.suppress(StreamError):
        await handle


def _all_failed(comparison: Comparison) -> StreamError:
    """The one error of a cell whose answers all failed; each has its own below."""
    first = comparison[0].error
    why = "" if comparison.blind or first is None else f" {comparison.names[0]}: {first.happened}"
    remedies = () if comparison.blind or first is None else first.remedies
    failure = StreamError(f"All {len(comparison)} answers failed.{why}", remedies=remedies)
    failure.result = comparison[0]
    return failure
