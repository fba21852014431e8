"""Observers are told of every request, event and end of every stream: a log, a trace.

They are told on a thread of their own, in order, off the path of the tokens. A keeper, such as a ledger, is told of
every request that has ended before anybody goes on.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from nbstream.streaming.notices import told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from nbstream.errors import StreamError
    from nbstream.events import Event
    from nbstream.outcome import Retry
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult, StreamWarning
    from nbstream.streaming.notices import Notices
    from nbstream.streaming.steps import Follower, Step
    from nbstream.streaming.tape import Tape

__all__ = ["Keeper", "Observer", "Observers", "StreamWatch"]

_log = logging.getLogger("nbstream")

Keeper: TypeAlias = "Callable[[int, StreamRequest, StreamResult], Awaitable[tuple[StreamWarning, ...]]]"
"""Is told of each request that has ended, on the loop, and must not take long; returns what the reader should know.

It gets the number of the stream, the request, and the result so far, whose last round is that of the request.
"""


class Observer(Protocol):
    """Is told what happens in all streams. What it raises is logged and has no other effect.

    `stream` is a number shared by all calls about one handle; an answer that is continued later has another.
    """

    def on_request(self, stream: int, request: StreamRequest) -> None:
        """A request is sent; an answer takes several if it is tried again, or has several rounds."""
        ...

    def on_event(self, stream: int, event: Event) -> None:
        """Part of the answer has arrived. It has passed the stages, so it may be shown to anybody."""
        ...

    def on_end(self, stream: int, result: StreamResult) -> None:
        """The answer has ended, in whatever way."""
        ...


class Observers:
    """All observers of an engine; they may come and go at any time.

    Args:
        notices: Tells them.
        keeper: Is told of each request that has ended.

    Example:
        ```python
        leave = engine().observers.add(Trace())
        ```
    """

    def __init__(self, notices: Notices, keeper: Keeper | None = None) -> None:
        self._notices = notices
        self.keeper = keeper
        self._all: tuple[Observer, ...] = ()
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def add(self, observer: Observer) -> Callable[[], None]:
        """Tell `observer` of everything that happens from now on; call the returned function to stop."""
        with self._lock:
            self._all += (observer,)

        def leave() -> None:
            with self._lock:
                self._all = tuple(each for each in self._all if each is not observer)

        return leave

    def close(self) -> None:
        """Let the thread end once everything has been told."""
        self._notices.close()

    def watch(self, followers: Sequence[Follower] = (), tape: Tape | None = None) -> StreamWatch:
        """What one stream uses to tell its observers.

        Args:
            followers: Are told of this stream alone.
            tape: Keeps what happens in it.
        """
        return StreamWatch(next(self._numbers), self, followers, tape)

    def tell(self, told: Callable[[Observer], object]) -> None:
        """Have `told` call each observer, on the notices' thread."""
        for observer in self._all:
            self._notices.tell(told, observer)

    def tell_follower(self, follower: Follower, stream: int, at: float, step: Step) -> None:
        """Have a follower told, on the same thread, within the caller's context variables."""
        self._notices.tell(contextvars.copy_context().run, told, follower.on_step, stream, at, step)

    def tell_later(self, action: Callable[[], object]) -> None:
        """Call `action` on the same thread, once everything has been told."""
        self._notices.tell(action)

    def __bool__(self) -> bool:
        return bool(self._all)


class StreamWatch:
    """One stream, as its observers see it. It is told on the loop, and costs next to nothing where nobody listens.

    Args:
        number: Of the stream.
        observers: Whom to tell.
        followers: Who else is told of this stream alone.
        tape: Keeps what happens.
    """

    def __init__(
        self,
        number: int = 0,
        observers: Observers | None = None,
        followers: Sequence[Follower] = (),
        tape: Tape | None = None,
    ) -> None:
        self._number = number
        self._observers = observers
        self._followers = tuple(followers)
        self._eager = tuple(each for each in followers if each.wants_events)
        self._tape = tape
        self._since: float | None = None

    def request(self, request: StreamRequest, attempt: int = 1) -> None:
        """A request is sent."""
        if self._observers:
            self._observers.tell(lambda observer: observer.on_request(self._number, request))
        if self._is_followed:
            steps = _steps()
            self._step(steps.Asked(request, attempt))

    def opened(self, stream: Any, request: StreamRequest) -> None:
        """The server has begun to answer; `stream` is an `EventStream`."""
        if self._is_followed:
            self._step(_steps().Opened(stream.request_id))
            if self._tape is not None and not request.stages:  # what a stage drops is shown nowhere
                self._tape.listen(stream, self._now() - asyncio.get_running_loop().time())

    def failed(self, error: StreamError, retry: Retry) -> None:
        """An attempt has failed, and there is another one."""
        if self._is_followed:
            facts = error.kind, str(error.happened), error.status, error.request_id
            self._step(_steps().AttemptFailed(*facts, retry))

    def events(self, events: Sequence[Event]) -> None:
        """Events have come."""
        if self._tape is not None and not self._tape.has_bytes:
            self._tape.events(self._now(), events)
        if self._observers:
            batch = tuple(events)
            self._observers.tell(lambda observer: _each(observer, self._number, batch))
        if self._eager and events:
            self._tell(self._eager, self._now(), _steps().Received(tuple(events)))

    def calls(self, events: Sequence[Event]) -> None:
        """Something has happened to calls."""
        batch = tuple(events)
        if self._observers:
            self._observers.tell(lambda observer: _each(observer, self._number, batch))
        if self._is_followed:
            self._step(_steps().Called(batch))

    async def round(self, request: StreamRequest, result: StreamResult) -> StreamResult:
        """One of its requests has ended; returns the result with what the reader should know besides."""
        keeper = None if self._observers is None else self._observers.keeper
        if keeper is None:
            return result
        try:
            warnings = await keeper(self._number, request, result)
        except Exception:  # noqa: BLE001  a fault of the keeper's must not take the answer along
            _log.exception("nbstream could not keep the account of a request")
            return result
        if not warnings:
            return result
        result = replace(result, warnings=(*result.warnings, *warnings))
        if (error := result.error) is not None:
            setattr(error, "result", result)  # noqa: B010  which a `StreamFailure` does not have
        return result

    def end(self, result: StreamResult) -> None:
        """The stream has ended."""
        if self._observers:
            self._observers.tell(lambda observer: observer.on_end(self._number, result))
        if self._is_followed:
            self._step(_steps().Ended(result))
        if self._tape is not None and self._observers is not None:
            self._observers.tell_later(self._tape.seal)

    @property
    def _is_followed(self) -> bool:
        return self._tape is not None or bool(self._followers)

    def _now(self) -> float:
        """Seconds since 1970, by the loop's clock."""
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = time.time() - now
        return self._since + now

    def _step(self, step: Step) -> None:
        at = self._now()
        if self._tape is not None:
            self._tape.step(at, step)
        self._tell(self._followers, at, step)

    def _tell(self, followers: Sequence[Follower], at: float, step: Step) -> None:
        if self._observers is not None:
            for each in followers:
                self._observers.tell_follower(each, self._number, at, step)


def _steps() -> Any:
    """The kinds of steps; `%load_ext` does without them."""
    from nbstream.streaming import steps

    return steps


def _each(observer: Observer, stream: int, events: Sequence[Event]) -> None:
    for event in events:
        told(observer.on_event, stream, event)
