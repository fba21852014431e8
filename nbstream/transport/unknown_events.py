"""The events of a stream that nbstream does not know: counted by kind, and told once at the end.

Servers add kinds of events all the time. Such an event is no part of the answer, but it may have been meant to be one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbstream.events import Warned
from nbstream.transport.server_words import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["IDLE", "UnknownEvents"]

IDLE = re.compile(r"(?i)\W*(?:response\.)?(?:ping|pong|keep-?_?alive|heart-?_?beat)\W*")
"""The kinds of events that only keep a connection open."""

_MOST_KINDS = 5
_LONGEST_KIND = 60


class UnknownEvents:
    """Counts events by their kind.

    Args:
        clean: Takes out of a server's words what must not be shown.

    Example:
        >>> unknown = UnknownEvents(str)
        >>> for kind in ("response.song.delta", "ping", "response.song.delta", "response.song.done"):
        ...     unknown.note({"type": kind})
        >>> unknown.warnings()[0].message
        'The server sent 3 events that nbstream does not know: response.song.delta (2), response.song.done.'
    """

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._counts: dict[str, int] = {}
        self._others = 0

    def note(self, payload: Mapping[str, Any]) -> None:
        """Count an event, unless it only keeps the connection open."""
        named = next((name for key in ("type", "object", "event") if isinstance(name := payload.get(key), str)), "")
        if IDLE.fullmatch(named):
            return
        kind = shortened(named[: 2 * _LONGEST_KIND], _LONGEST_KIND) or "without a kind"
        if kind in self._counts or len(self._counts) < _MOST_KINDS:
            self._counts[kind] = self._counts.get(kind, 0) + 1
        else:
            self._others += 1

    def warnings(self) -> list[Warned]:
        """What to tell of them, if there were any."""
        count = sum(self._counts.values()) + self._others
        if not count:
            return []
        kinds = [self._clean(kind) + (f" ({times})" if times > 1 else "") for kind, times in self._counts.items()]
        if self._others:
            kinds.append(f"and {self._others} of other kinds")
        events = "an event" if count == 1 else f"{count} events"
        return [Warned("unknown_events", f"The server sent {events} that nbstream does not know: {', '.join(kinds)}.")]
