"""When to leave a stream alone for a moment, so that its pieces gather and are read together.

Waking up costs more than decoding: a server sends fifty pieces a second, and nobody looks more than ten times. What is
not read waits in the socket. It is told of each piece, not its content, and returns a pause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["PATIENCE", "Gathering"]

PATIENCE = 0.1
"""How many seconds pieces gather at the most, unless somebody needs them earlier."""

# Less than a frame, so hardly anybody sees it: so long they may gather from the beginning. Later it is this share of
# the time since the first piece, by which the answer may end later than it could.
_AT_ONCE = 0.04
_SHARE = 0.05

# A read that brings so many bytes is worth the wake-up.
_ENOUGH = 8192


def _patience() -> float:
    return PATIENCE


class Gathering:
    """Watches the reads of one stream.

    The network is read when the loop turns; pieces that come without a turn of the loop had been read already. Where
    reads follow each other quickly and bring little, the time until the next one is stretched. Where they come slowly,
    or bring much, there is nothing to gain, so nothing is delayed.

    Args:
        loop: The loop on which the stream is read.
        patience: How many seconds pieces may gather; asked at each read, because readers come and go.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: Callable[[], float] | None = None) -> None:
        self._loop = loop
        self._patience = patience or _patience
        self._turned = False
        self._watching = False
        self._first_at: float | None = None
        self._ready_at = float("-inf")  # when more might have been read, had it been there
        self._size = 0

    def watch(self) -> None:
        """Note that a piece is about to be asked for."""
        self._turned = False
        if not self._watching:
            self._watching = True
            self._loop.call_soon(self._turn)

    def pause(self, size: int, at: float) -> float:
        """Seconds to wait before asking for more, now that a piece has come; 0 for not at all.

        Args:
            size: Its bytes.
            at: When it came, in seconds on the loop's clock.
        """
        self._size += size
        if not self._turned:
            return 0.0
        if self._first_at is None:
            self._first_at = at
        longest = min(self._patience(), max(_AT_ONCE, _SHARE * (at - self._first_at)))
        waited, size, self._size = at - self._ready_at, self._size, 0
        pause = longest if waited < longest and size < _ENOUGH else 0.0
        self._ready_at = at + pause
        return pause

    def _turn(self) -> None:
        self._watching = False
        self._turned = True
