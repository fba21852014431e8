"""One answer, which may take several requests: the loop over them, and what happens at the end.

Every round is a `Session`. All of them are drawn on the same surfaces, and read through the same log. At the end the
answer is committed, then the surfaces draw it with a short time limit, then others are told.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from nbstream.display.throttle import Throttle
from nbstream.errors import InternalError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamResult, StreamState
from nbstream.streaming.clock import SystemClock
from nbstream.streaming.event_log import EventLog
from nbstream.streaming.notices import told
from nbstream.streaming.observers import StreamWatch
from nbstream.streaming.painter import Painter
from nbstream.streaming.session import Session
from nbstream.streaming.surfaces import Surfaces
from nbstream.streaming.text_so_far import TextsOfRound
from nbstream.streaming.tool_events import tool_events
from nbstream.streaming.unhurried import Unhurried

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.streaming.clock import Clock
    from nbstream.streaming.gates import Gate
    from nbstream.streaming.notices import Notices
    from nbstream.streaming.retry import RetryPolicy
    from nbstream.transport.event_stream import StreamSource

__all__ = ["FollowUp", "FollowUps", "Rounds"]

T = TypeVar("T")

_log = logging.getLogger("nbstream")

# How long the end of an answer waits for the last frame. A long answer takes a while to be written out.
_LEAST_PATIENCE_SECONDS, _CHARACTERS_A_SECOND = 3.0, 50_000


class FollowUp(Protocol):
    """Decides what follows a round that is complete, and may do something before it does."""

    async def next(
        self, request: StreamRequest, result: StreamResult, show: Callable[[StreamResult], object]
    ) -> StreamRequest | StreamResult:
        """What follows.

        Args:
            request: What the round asked.
            result: The answer so far; its round is complete.
            show: Takes the answer as it is meanwhile, to be drawn.

        Returns:
            What the next round asks, or how the answer ends. When it is cancelled it returns the latter, too.
        """
        ...


class FollowUps:
    """Several, one after the other, until one of them asks for another round.

    Args:
        follow_ups: Them.
    """

    def __init__(self, *follow_ups: FollowUp) -> None:
        self._follow_ups = follow_ups

    async def next(
        self, request: StreamRequest, result: StreamResult, show: Callable[[StreamResult], object]
    ) -> StreamRequest | StreamResult:
        """What the first of them says that has another round to ask for, or how the answer ends."""
        for follow_up in self._follow_ups:
            further = await follow_up.next(request, result, show)
            if not isinstance(further, StreamResult) or further.state is not StreamState.COMPLETED:
                return further
            result = further
        return result


class Rounds:
    """One answer. `run` it once; `cancel` and `snapshot` it at any time.

    Args:
        request: What to ask first.
        surfaces: Where to draw; already open.
        source: Opens the stream of each round.
        throttle: Makes what paces the frames of one surface.
        clock: Time, for timing and pacing.
        retries: Decides on sending a request again; by default as often as the request allows.
        beginning: What exists already of an answer that is continued.
        resume: Starts the stream that continues this one, given a request, the answer so far, and whether to draw.
        follow_up: Says what follows a round that is complete; by default nothing does.
        gate: Decides whether the request of a round may be sent; by default each may.
        commit: Is given the final result on the loop, before anybody hears of it; must not wait. What it returns is
            called once the surfaces have drawn the end, on the thread of `notices`.
        watch: Tells observers.
        notices: Tells everybody else.
        alive: Whether the loop still runs.
    """

    def __init__(
        self,
        request: StreamRequest,
        surfaces: Surfaces | Surface,
        source: StreamSource,
        *,
        throttle: Callable[[], Throttle] = Throttle,
        clock: Clock | None = None,
        retries: RetryPolicy | None = None,
        beginning: StreamResult | None = None,
        resume: Callable[[StreamRequest, StreamResult, bool], object] | None = None,
        follow_up: FollowUp | None = None,
        gate: Gate | None = None,
        commit: Callable[[StreamResult], Callable[[], object] | None] | None = None,
        watch: StreamWatch | None = None,
        notices: Notices | None = None,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self.log = EventLog(alive)
        self._surfaces = surfaces if isinstance(surfaces, Surfaces) else Surfaces([surfaces])
        self._source = Unhurried(source, self._surfaces, self.log)
        self._throttle = throttle
        self._clock: Clock = clock or SystemClock()
        self._retries = retries
        self._resume = resume
        self._follow_up = follow_up
        self._gate = gate
        self._commit = commit
        self._watch = watch or StreamWatch()
        self._notices = notices
        self._cancelled = False
        self._following: asyncio.Task[Any] | None = None  # what goes on between two rounds, or before the first
        self._between: StreamResult | None = None  # the answer between two rounds
        self._final: StreamResult | None = None
        self._awaiting: list[Callable[[StreamResult], object]] = []
        self._lock = threading.Lock()
        self.request = request
        self._session = self._round(request, beginning)
        self._reading = "", self._session  # the text before this round, and the round
        self._note_round(request)

    async def run(self) -> StreamResult:
        """Ask until the answer is whole, drawing as it grows; return how it ended. Never raises for a failed stream."""
        self._surfaces.begin(self._painter)
        if self._session.snapshot().parts:  # what is there already
            self._surfaces.touch()
        try:
            result = await self._answer()
        except BaseException as error:
            if self._following is not None:
                self._following.cancel()
            self._end(self._broken(error))
            raise
        news = self._end(result)
        patience = _LEAST_PATIENCE_SECONDS + len(result.text) / _CHARACTERS_A_SECOND
        await self._surfaces.close(result, patience=patience)
        if news is not None and self._notices is not None:
            telling = self._notices.tell(contextvars.copy_context().run, news)
            await asyncio.wait({asyncio.wrap_future(telling)}, timeout=patience)
        return result

    def cancel(self) -> None:
        """End the answer: the connection is closed, what had arrived is kept. Without effect once it has ended."""
        self._cancelled = True
        self._session.cancel()
        if self._following is not None:
            self._following.cancel()

    def when_committed(self, tell: Callable[[StreamResult], object]) -> None:
        """Call `tell` with the final result as soon as it is committed, before the surfaces draw it; from any thread.

        At once if it is; otherwise on the loop, so it must not wait.
        """
        with self._lock:
            if self._final is None:
                self._awaiting.append(tell)
                return
        told(tell, self._final)

    def snapshot(self, *, drawn: bool = True) -> StreamResult:
        """The result so far, or the final one: an answer that is not committed has not ended.

        Args:
            drawn: Whether it is to be drawn; see `Session.snapshot`.
        """
        if self._final is not None:
            return self._final
        now = self._between or self._session.snapshot(drawn=drawn)
        return replace(now, state=StreamState.STREAMING) if now.state.terminal else now

    def texts(self) -> TextsOfRound:
        """The texts of the round that is read, or was read last. Any thread may ask."""
        earlier, session = self._reading
        return TextsOfRound(earlier, session.texts)

    async def _answer(self) -> StreamResult:
        request = self.request
        while True:
            if self._gate is not None and not self._cancelled:
                so_far = self._session.snapshot()
                ended = await self._apart(self._gate.admit(request, so_far), so_far)
                if ended is not None:
                    return ended
            result = await self._session.run()
            if self._watch is not None:
                result = await self._watch.round(request, result)
            if self._cancelled or self._follow_up is None or result.state is not StreamState.COMPLETED:
                return result
            further = await self._apart(self._follow_up.next(request, result, self._show), result)
            if isinstance(further, StreamResult):
                return further
            request = further
            self._session, self._between = self._round(request, None), None
            self._note_round(request)

    async def _apart(self, work: Coroutine[Any, Any, T], so_far: StreamResult) -> T | StreamResult:
        """Do something between two rounds, which can be cancelled; return what it returns, or how the answer ends."""
        self._following = asyncio.create_task(work)
        await asyncio.wait({self._following})
        following, self._following = self._following, None
        if following.cancelled():
            return replace(so_far, state=StreamState.CANCELLED)
        made: T = following.result()
        return made

    def _note_round(self, request: StreamRequest) -> None:
        self._reading = "" if request.earlier is None else request.earlier.text, self._session

    def _show(self, result: StreamResult) -> None:
        events = list(tool_events((self._between or self._session.snapshot()).parts, result.parts))
        self._between = result
        if events:
            self.log.append(events)
            self._watch.calls(events)
        self._surfaces.touch()

    def _round(self, request: StreamRequest, beginning: StreamResult | None) -> Session:
        return Session(
            request,
            self._source,
            clock=self._clock,
            retries=self._retries,
            beginning=beginning,
            resume=self._resume,
            changed=self._surfaces.touch,
            log=self.log,
            watch=self._watch,
        )

    def _end(self, result: StreamResult) -> Callable[[], object] | None:
        """Commit the result; return what others are to be told."""
        news = None
        try:
            news = self._commit(result) if self._commit is not None else None
        except Exception:  # noqa: BLE001  it must not keep the surfaces from drawing the end
            _log.exception("nbstream could not commit the answer; it is complete in the result")
        with self._lock:
            self._final = result
        for tell in self._awaiting:
            told(tell, result)
        self.log.close()
        self._watch.end(result)
        return news

    def _broken(self, error: BaseException) -> StreamResult:
        """The result of an answer that is no longer read to its end."""
        if isinstance(error, asyncio.CancelledError):  # the engine is closed
            return replace(self.snapshot(), state=StreamState.CANCELLED)
        what, report = f"nbstream itself failed ({type(error).__name__}).", [Remedy(RemedyKind.REPORT_BUG)]
        failed = InternalError(what, remedies=report)
        failed.result = replace(self.snapshot(), state=StreamState.FAILED, error=failed)
        return failed.result

    def _painter(self, surface: Surface) -> Painter:
        return Painter(surface, self._throttle(), self._clock, self.snapshot)
