"""Where each row of a map is, in a few bytes a row: a hundred thousand rows take two megabytes."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, get_args

from nbstream.many.rows.row_key import KEY_BYTES
from nbstream.many.rows.row_result import RowSource
from nbstream.outcome import StreamState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["RowStates"]

_STATES = tuple(StreamState)
_SOURCES: tuple[RowSource | None, ...] = (None, *get_args(RowSource))
_NO_KEY = bytes(KEY_BYTES)
_WAKE_UP_SECONDS = 0.1  # in which an interrupt is heard


class RowStates:
    """The state, the key and the source of each row that has been read. Any thread may use it."""

    def __init__(self) -> None:
        self._states = bytearray()
        self._sources = bytearray()
        self._keys = bytearray()
        self._counts = dict.fromkeys(StreamState, 0)
        self._answered_by: dict[RowSource | None, int] = dict.fromkeys(_SOURCES, 0)
        self.changed = threading.Condition()

    def __len__(self) -> int:
        """How many rows have been read."""
        return len(self._states)

    def count(self, state: StreamState) -> int:
        """How many rows are in a state."""
        return self._counts[state]

    def count_by(self, source: RowSource) -> int:
        """How many whole answers somebody has given."""
        return self._answered_by[source]

    def add(self) -> int:
        """One more row has been read; its number."""
        with self.changed:
            self._states.append(_STATES.index(StreamState.PENDING))
            self._sources.append(0)
            self._keys += _NO_KEY
            self._counts[StreamState.PENDING] += 1
            return len(self._states) - 1

    def state(self, number: int) -> StreamState:
        """Where a row is; `pending` if it has not been read."""
        return _STATES[self._states[number]] if number < len(self._states) else StreamState.PENDING

    def source(self, number: int) -> RowSource | None:
        """Who has answered a row."""
        return _SOURCES[self._sources[number]] if number < len(self._sources) else None

    def key(self, number: int) -> bytes | None:
        """What the answer to a row is kept under, if it has one."""
        if number >= len(self._states):
            return None
        key = bytes(self._keys[number * KEY_BYTES : (number + 1) * KEY_BYTES])
        return None if key == _NO_KEY else key

    def give_key(self, number: int, key: bytes) -> None:
        """Note what the answer to a row will be kept under."""
        self._keys[number * KEY_BYTES : (number + 1) * KEY_BYTES] = key

    def settle(self, numbers: Iterable[int], state: StreamState, source: RowSource | None) -> None:
        """Rows have ended, or are to be asked again."""
        with self.changed:
            for number in numbers:
                if (before := self.state(number)) is StreamState.COMPLETED:
                    self._answered_by[self.source(number)] -= 1
                if state is StreamState.COMPLETED:
                    self._answered_by[source] += 1
                self._counts[before] -= 1
                self._counts[state] += 1
                self._states[number] = _STATES.index(state)
                self._sources[number] = _SOURCES.index(source)
            self.changed.notify_all()

    def numbers(self, *states: StreamState) -> list[int]:
        """The rows in these states, in order."""
        wanted = bytes(_STATES.index(state) for state in states)
        return [found.start() for found in re.finditer(b"[%b]" % re.escape(wanted), bytes(self._states))]

    def wait(self, until: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait for something, which may come with a change; whether it has come. An interrupt ends the wait.

        Args:
            until: Says whether it has.
            seconds: How long to wait at most.
        """
        with self.changed:
            left = seconds
            while not until():
                if left is not None and left <= 0:
                    return False
                step = _WAKE_UP_SECONDS if left is None else min(left, _WAKE_UP_SECONDS)
                self.changed.wait(step)
                left = None if left is None else left - step
            return True

    def wake(self) -> None:
        """Let those who wait look again."""
        with self.changed:
            self.changed.notify_all()
