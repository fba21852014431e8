"""What has arrived of an answer, kept in the notebook every few seconds: the kernel may die before the end."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from nbstream.display.notebook import MarkdownGrowth

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.conversation.chat_running import RunningTurn
    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Arriving"]

_SECONDS, _GROWTH = 3.0, 1.2


class Arriving:
    """Listens to a chat.

    Args:
        keep: Keeps what has arrived of the answer of an exchange; on a thread of its own.
        now: Monotonic time.
    """

    def __init__(
        self, keep: Callable[[RunningTurn, StreamResult], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._keep, self._now = keep, now

    def turn_began(self, running: RunningTurn) -> Surface:
        """Look at its answer."""
        return _Looking(partial(self._keep, running), self._now)

    def turns_changed(self) -> None:
        """Do nothing."""

    def turn_ended(self, running: RunningTurn, result: StreamResult) -> None:
        """Do nothing: what has ended is kept as a whole."""


class _Looking:
    """Keeps the answer with its question after some seconds, and again each time that it has grown by a fifth."""

    def __init__(self, keep: Callable[[StreamResult], None], now: Callable[[], float]) -> None:
        self._keep, self._now = keep, now
        self._growth = MarkdownGrowth(_SECONDS, _GROWTH)
        self._opened_at = now()

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Begin to wait."""
        del request, stop
        self._opened_at = self._now()

    def draw(self, snapshot: StreamResult) -> None:
        """Keep it, if that is due."""
        now = self._now()
        size = 1 + len(snapshot.text) + len(snapshot.reasoning)
        if not snapshot.state.terminal and now - self._opened_at >= _SECONDS and self._growth.due(size, now):
            self._keep(snapshot)

    def close(self, result: StreamResult) -> None:
        """Do nothing: what has ended is kept as a whole."""
