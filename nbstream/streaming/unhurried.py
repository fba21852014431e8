"""How long what has come of an answer may wait to be read: as long as nobody misses it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from nbstream.request import StreamRequest
    from nbstream.streaming.event_log import EventLog
    from nbstream.streaming.surfaces import Surfaces
    from nbstream.transport.event_stream import EventStream, StreamSource

__all__ = ["Unhurried"]

_UNSEEN = 0.1
# A program that reads along gets as many pieces as a page that is drawn often.
_READ = 0.06
# The end of the answer waits as long.
_LONGEST = 0.125
# Of the silence that is allowed: to wait is not to be silent.
_OF_STALL = 0.25


class Unhurried:
    """A `StreamSource` that tells another one how long the pieces of an answer may gather before they are read.

    A surface that draws misses nothing before its next frame. What ends the answer at a word looks at each as it comes.

    Args:
        source: Opens the streams.
        surfaces: Where the answer is drawn.
        log: What readers of the answer read.
    """

    def __init__(self, source: StreamSource, surfaces: Surfaces, log: EventLog) -> None:
        self._source = source
        self._surfaces = surfaces
        self._log = log
        self._asked: tuple[StreamRequest, StreamRequest] | None = None

    def open(self, request: StreamRequest, /) -> AbstractAsyncContextManager[EventStream]:
        """Send `request` and hand over the stream."""
        if self._asked is None or self._asked[0] is not request:  # which stays the same if it is tried again
            self._asked = request, replace(request, patience=lambda: self._patience(request))
        return self._source.open(self._asked[1])

    def _patience(self, request: StreamRequest) -> float:
        if request.stop_when is not None:
            return 0.0
        interval = self._surfaces.interval
        seconds = _UNSEEN if interval is None else min(interval, _LONGEST)
        if self._log.is_read:
            seconds = min(seconds, _READ)
        return min(seconds, _OF_STALL * request.limits.stall)
