"""Who may write to a terminal now: one answer at a time is drawn while it grows, the others follow whole.

An answer that somebody waits for goes before one in the background, which goes on afterwards.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Floor", "Speaker", "floor_of"]

_log = logging.getLogger("nbstream")


class Speaker(Protocol):
    """A surface that writes to a terminal."""

    waited_for: bool
    """Whether somebody waits for its answer."""

    def pause(self) -> None:
        """Bring what is written to a point where something else may follow."""
        ...


class Floor:
    """One terminal's."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.RLock()
        self._speaker: Callable[[], Speaker | None] = lambda: None
        self._ended: list[Callable[[], None]] = []
        atexit.register(self.flush)

    def draw(self, speaker: Speaker, write: Callable[[], None]) -> None:
        """Call `write` if it is this one's turn; what it would have written is in a later frame, too."""
        with self._lock:
            if self._may_speak(speaker):
                write()

    def close(self, speaker: Speaker, write: Callable[[], None]) -> None:
        """Call `write`, which ends an answer, now or as soon as the answer that is being written has ended."""
        with self._lock:
            if not self._may_speak(speaker):
                self._ended.append(write)
                return
            try:
                write()
            finally:
                self._speaker = lambda: None
                self.flush()

    def flush(self) -> None:
        """Write what has ended, in its order; also when the program ends."""
        with self._lock:
            ended, self._ended = self._ended, []
            for write in ended:
                try:
                    write()
                except Exception:  # noqa: BLE001  whatever a terminal raises, as for the one who speaks
                    _log.exception("nbstream could not draw an answer; it is complete in its result")

    def _may_speak(self, speaker: Speaker) -> bool:
        before = self._speaker()
        if before is speaker:
            return True
        if before is not None:
            if before.waited_for or not speaker.waited_for:
                return False
            before.pause()
        self._speaker = weakref.ref(speaker)
        return True


_floors: weakref.WeakKeyDictionary[TextIO, Floor] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def floor_of(out: TextIO | None) -> Floor:
    """The floor of a terminal, which all that write to it share."""
    with _lock:
        try:
            floor = None if out is None else _floors.get(out)
            if floor is None or floor.pid != os.getpid():  # in a fork, whoever spoke is not here
                floor = Floor()
                if out is not None:
                    _floors[out] = floor
        except TypeError:  # a stand-in for a file that cannot be told from others
            floor = Floor()
    return floor
