"""Observers are told of every request, event and end of every stream: a log, a trace.

They are told on a thread of their own, in order, off the path of the tokens. A keeper, such as a ledger, is told of
every request that has ended before anybody goes on.
"""

from __future__ import annotations

import itertools
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from nbstream.streaming.notices import told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from nbstream.events import Event
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult, StreamWarning
    from nbstream.streaming.notices import Notices

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

    def watch(self) -> StreamWatch:
        """What one stream uses to tell its observers."""
        return StreamWatch(next(self._numbers), self)

    def tell(self, told: Callable[[Observer], object]) -> None:
        """Have `told` call each observer, on the notices' thread."""
        for observer in self._all:
            self._notices.tell(told, observer)

    def __bool__(self) -> bool:
        return bool(self._all)


class StreamWatch:
    """One stream, as its observers see it.

    Args:
        number: Of the stream.
        observers: Whom to tell.
    """

    def __init__(self, number: int, observers: Observers) -> None:
        self._number = number
        self._observers = observers

    def request(self, request: StreamRequest) -> None:
        """A request is sent."""
        if self._observers:
            self._observers.tell(lambda observer: observer.on_request(self._number, request))

    def events(self, events: Sequence[Event]) -> None:
        """Events have come."""
        if self._observers:
            batch = tuple(events)
            self._observers.tell(lambda observer: _each(observer, self._number, batch))

    async def round(self, request: StreamRequest, result: StreamResult) -> StreamResult:
        """One of its requests has ended; returns the result with what the reader should know besides."""
        if self._observers.keeper is None:
            return result
        try:
            warnings = await self._observers.keeper(self._number, request, result)
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


def _each(observer: Observer, stream: int, events: Sequence[Event]) -> None:
    for event in events:
        told(observer.on_event, stream, event)
