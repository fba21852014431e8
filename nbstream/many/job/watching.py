"""Tells those who watch a map what has changed, each on a thread of its own: one that hangs hurts nobody."""

from __future__ import annotations

import contextvars
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["MapObserver", "Watchers"]

_log = logging.getLogger("nbstream")

_SECONDS = 0.2  # between two calls, at least


class MapObserver(Protocol):
    """Is told how a map goes, at most five times a second, on a thread of its own. What it raises is logged.

    `job` is the `MapJob`.
    """

    def began(self, job: Any) -> None:
        """The map begins, or goes on."""
        ...

    def changed(self, numbers: frozenset[int]) -> None:
        """Something is new in these rows, or, if there are none, in the progress."""
        ...

    def ended(self, job: Any) -> None:
        """The map has ended, in whatever way. It may go on later."""
        ...


class Watchers:
    """All who watch one map.

    Args:
        job: The map.
        running: Says which rows are in flight, and so grow all the time.
    """

    def __init__(self, job: Any, running: Callable[[], Iterable[int]]) -> None:
        self._job = job
        self._running = running
        self._all: tuple[_Watcher, ...] = ()
        self._active = False
        self._lock = threading.Lock()

    def add(self, observer: MapObserver) -> Callable[[], None]:
        """Tell another one; the returned function stops that."""
        watcher = _Watcher(observer, self._job, self._running)
        with self._lock:
            self._all += (watcher,)
            if self._active:
                watcher.begin()

        def leave() -> None:
            with self._lock:
                self._all = tuple(each for each in self._all if each is not watcher)
            watcher.leave()

        return leave

    def begin(self) -> None:
        """The map begins."""
        with self._lock:
            self._active = True
            for each in self._all:
                each.begin()

    def note(self, numbers: Iterable[int]) -> None:
        """Something is new in these rows."""
        for each in self._all:
            each.note(numbers)

    def end(self) -> None:
        """The map has ended."""
        with self._lock:
            self._active = False
            for each in self._all:
                each.end()


class _Watcher:
    def __init__(self, observer: MapObserver, job: Any, running: Callable[[], Iterable[int]]) -> None:
        self._observer = observer
        self._job = job
        self._running = running
        self._numbers: set[int] = set()
        self._changed = threading.Condition()
        self._goes: list[bool] = []  # what is to be told: that it has begun, that it has ended
        self._left = False
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        self._post(begins=True)

    def end(self) -> None:
        self._post(begins=False)

    def note(self, numbers: Iterable[int]) -> None:
        with self._changed:
            self._numbers.update(numbers)

    def leave(self) -> None:
        with self._changed:
            self._left = True
            self._changed.notify_all()

    def _post(self, *, begins: bool) -> None:
        with self._changed:
            self._goes.append(begins)
            self._changed.notify_all()
            if self._thread is None and begins:
                here = contextvars.copy_context()  # by which a kernel finds the cell that an output belongs to
                run = partial(here.run, self._run)
                self._thread = threading.Thread(target=run, name="nbstream-map-watcher", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        """Until the map has ended: the thread ends with it."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._goes or self._left, _SECONDS)
                goes, self._goes = self._goes, []
                numbers, self._numbers = frozenset(self._numbers), set()
                if self._left:
                    return
            changed = numbers | frozenset(self._running())
            for begins in goes:
                if not begins:
                    self._tell(self._observer.changed, changed)
                self._tell(self._observer.began if begins else self._observer.ended, self._job)
            if False not in goes:
                self._tell(self._observer.changed, changed)
            with self._changed:
                if goes and not goes[-1] and not self._goes:
                    self._thread = None
                    return

    def _tell(self, told: Callable[..., object], what: object) -> None:
        try:
            told(what)
        except Exception:  # noqa: BLE001  whatever an observer raises
            _log.exception("nbstream: what watches a map has failed; the map goes on")
