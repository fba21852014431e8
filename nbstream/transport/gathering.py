"""When to leave a stream alone for a moment, so that its pieces gather and are read together.

Waking up costs more than decoding. It is told of each piece, not its content, and returns a pause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Gathering"]

# Less than a frame, so hardly anybody sees it.
_PAUSE = 0.04

# A read that brings so many bytes is worth the wake-up.
_ENOUGH = 8192


class Gathering:
    """Watches the reads of one stream.

    The network is read when the loop turns; pieces that come without a turn of the loop had been read already. Where
    reads follow each other quickly and bring little, the time until the next one is stretched. Where they come slowly,
    or bring much, there is nothing to gain, so nothing is delayed.

    Args:
        loop: The loop on which the stream is read.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._turned = False
        self._watching = False
        self._read_at = float("-inf")
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
        since, self._read_at = at - self._read_at, at
        size, self._size = self._size, 0
        return _PAUSE if since < _PAUSE and size < _ENOUGH else 0.0

    def _turn(self) -> None:
        self._watching = False
        self._turned = True
