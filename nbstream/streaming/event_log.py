"""All the events of one answer, for any number of readers, each of which sees all from the beginning at its own pace.

The engine's loop writes; readers are on any thread or event loop. Pieces of text that nobody has read yet are joined
now and then, so that what is kept is the answer and little else.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from nbstream.events import ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from nbstream.events import Event

__all__ = ["WAKE_UP_SECONDS", "EventLog"]

WAKE_UP_SECONDS = 0.1
"""How often a thread that waits wakes up: an interrupt is handled when it next runs Python."""

# How many unread events may arrive before they are joined.
_UNJOINED = 1000


class EventLog:
    """The events so far.

    Args:
        alive: Whether somebody still writes: readers do not wait for what nobody will write.

    Attributes:
        is_read: Whether somebody has waited for more.

    Example:
        >>> log = EventLog()
        >>> log.append([TextDelta("Hel"), TextDelta("lo")])
        >>> log.close()
        >>> list(log)
        [TextDelta(text='Hello', choice=0, last=False)]
    """

    def __init__(self, alive: Callable[[], bool] = lambda: True) -> None:
        self.is_read = False
        self._alive = alive
        self._events: list[Event] = []
        self._fixed = 0  # how many of them some reader has seen or are joined; joining these again would be quadratic
        self._over = False
        self._kept = True
        self._waiting: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._events)

    def append(self, events: Sequence[Event]) -> None:
        """Add what has come."""
        with self._lock:
            if self._kept:
                self._events.extend(events)
            if len(self._events) - self._fixed > _UNJOINED:
                self._join()
            waiting = self._taken()
        for wake in waiting:
            wake()

    def discard(self) -> None:
        """Free the events and keep none: nobody is going to read them. They are the whole text once more."""
        with self._lock:
            self._kept = False
            self._events.clear()
            self._fixed = 0

    def close(self) -> None:
        """Nothing follows."""
        with self._lock:
            self._over = True
            self._join()
            waiting = self._taken()
        for wake in waiting:
            wake()

    def __iter__(self) -> Iterator[Event]:
        """Every event; waits for those yet to come."""
        position = 0
        while True:
            come = threading.Event()
            events, over = self._from(position, come.set)
            yield from events
            position += len(events)
            if over:
                return
            while not come.wait(WAKE_UP_SECONDS) and self._alive():
                pass

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The same, without blocking the event loop."""
        position = 0
        while True:
            come = _Signal(self._alive)
            events, over = self._from(position, come.send)
            for event in events:
                yield event
            position += len(events)
            if over:
                return
            await come.wait()

    def growth(self) -> Iterator[None]:
        """One `None` whenever there is something new, and at once if there is anything; ends with the answer.

        It reads no events, so none need to be kept for it.
        """
        while True:
            come = threading.Event()
            over = self._growing(come.set)
            yield None
            if over:
                return
            while not come.wait(WAKE_UP_SECONDS) and self._alive():
                pass

    async def growth_async(self) -> AsyncIterator[None]:
        """The same, without blocking the event loop."""
        while True:
            come = _Signal(self._alive)
            over = self._growing(come.send)
            yield None
            if over:
                return
            await come.wait()

    def _growing(self, wake: Callable[[], object]) -> bool:
        """Whether the answer is over; if not, `wake` is called when more arrives."""
        with self._lock:
            return self._over_unless(wake)

    def _from(self, position: int, wake: Callable[[], object]) -> tuple[list[Event], bool]:
        """The events from `position` on, and whether they are the last; if not, `wake` is called when more arrive.

        What a reader has been given no longer changes.
        """
        with self._lock:
            if not self._kept:
                raise RuntimeError("the events of this answer have not been kept")
            if position == 0:
                self._join()
            self._fixed = len(self._events)
            return self._events[position:], self._over_unless(wake)

    def _over_unless(self, wake: Callable[[], object]) -> bool:
        over = self._over or not self._alive()
        if not over:
            self.is_read = True
            self._waiting.append(wake)
        return over

    def _taken(self) -> list[Callable[[], object]]:
        waiting = self._waiting
        if waiting:
            self._waiting = []
        return waiting

    def _join(self) -> None:
        """Join the pieces that nobody has read yet."""
        self._events[self._fixed :] = _joined(self._events[self._fixed :])
        self._fixed = len(self._events)


class _Signal:
    """An event of asyncio's that another thread may set."""

    def __init__(self, alive: Callable[[], bool]) -> None:
        self._alive = alive
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def send(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:  # the reader's loop is closed, so nobody reads any more
            return

    async def wait(self) -> None:
        # Where another thread handles the interrupt signal, only a running loop notices it.
        while not self._event.is_set() and self._alive():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAKE_UP_SECONDS):  # `wait_for` may lose a cancellation until Python 3.12
                    await self._event.wait()


# Which field of a piece grows, and what pieces that can be joined have in common. Every event of every answer is looked
# at, so what looks at them is written in C.
_GROWING: Mapping[type[Any], tuple[str, Callable[[Any], Hashable]]] = {
    TextDelta: ("text", attrgetter("choice", "last")),
    ReasoningDelta: ("text", attrgetter("choice", "summary")),
    RefusalDelta: ("text", attrgetter("choice")),
    ToolCallDelta: ("arguments", attrgetter("choice", "index", "id", "name", "item_id", "custom")),
}


def _joined(events: Iterable[Event]) -> Iterator[Event]:
    for kind, alike in itertools.groupby(events, type):
        if kind not in _GROWING:
            yield from alike
            continue
        field, key = _GROWING[kind]
        for _, group in itertools.groupby(alike, key):
            run = list(group)
            if len(run) == 1 or not _may_grow(run[0]):
                yield from run
            else:
                grown: Any = {field: "".join(map(attrgetter(field), run))}
                yield replace(run[0], **grown)


def _may_grow(piece: Event) -> bool:
    """Whether a piece means the same with the next one appended to it."""
    match piece:
        case TextDelta(last=True) | ToolCallDelta(index=None) | ToolCallDelta(id=str()) | ToolCallDelta(name=str()):
            return False
    return True
