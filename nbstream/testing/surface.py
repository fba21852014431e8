"""A surface that remembers what it was asked to draw."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["RecordingSurface"]


class RecordingSurface:
    """Remembers what it was asked to draw, and when.

    It is strict about the order of calls, as a real surface may be: after the end nothing is drawn or closed again.

    Attributes:
        request: What was asked, once opened.
        stop: Cancels the stream, once opened; callable from any thread.
        frames: The snapshots drawn, in order, without the final result.
        times: When each was drawn, in seconds of the loop's time (none for frames drawn on a worker thread).
        final: The result it was closed with; `None` before.
        drawn: Set once a frame with text was drawn.

    Raises:
        RuntimeError: From `draw` and `close`: it is closed already.

    Example:
        >>> from nbstream.testing import ScriptedStream, play
        >>> surface = RecordingSurface()
        >>> play(ScriptedStream.answering("Hel", "lo", every=1.0), surface=surface).text
        'Hello'
        >>> [frame.text for frame in surface.frames], surface.final.state
        (['Hel', 'Hello'], 'completed')
    """

    def __init__(self) -> None:
        self.request: StreamRequest | None = None
        self.stop: Callable[[], None] | None = None
        self.frames: list[StreamResult] = []
        self.times: list[float] = []
        self.final: StreamResult | None = None
        self.drawn = threading.Event()

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Remember both."""
        self.request = request
        self.stop = stop

    def draw(self, snapshot: StreamResult) -> None:
        """Remember the frame and its time."""
        self._still_open("drawn")
        with contextlib.suppress(RuntimeError):  # on a worker thread there is no loop, and no time of its own
            self.times.append(asyncio.get_running_loop().time())
        self.frames.append(snapshot)
        if snapshot.text:
            self.drawn.set()

    def close(self, result: StreamResult) -> None:
        """Remember the result."""
        self._still_open("closed")
        self.final = result

    def _still_open(self, verb: str) -> None:
        if self.final is not None:
            raise RuntimeError(f"{verb} after the end")
