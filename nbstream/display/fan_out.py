"""One stream on several surfaces at once; one of them failing is no concern of the others."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from nbstream.display.surface import Attentive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["FanOut"]

_log = logging.getLogger("nbstream")


class FanOut:
    """Draws on several surfaces, each in turn, in the order given.

    A surface that fails to open or to draw is not asked to draw again, but it is closed all the same.

    Args:
        surfaces: Where to draw.
    """

    def __init__(self, surfaces: Sequence[Surface]) -> None:
        self._surfaces = list(surfaces)
        self._drawing = list(surfaces)
        self._opened: tuple[StreamRequest, Callable[[], None]] | None = None
        self._drawn: StreamResult | None = None
        self._closed = False
        self._lock = threading.Lock()

    def join(self, surface: Surface) -> None:
        """Draw on another surface as well, before the others, from what has been drawn so far on; from any thread.

        After the end nothing is drawn any more.
        """
        with self._lock:
            if self._closed:
                return
            self._surfaces.insert(0, surface)
            self._drawing.insert(0, surface)
            if self._opened is not None:
                self._try(surface, surface.open, *self._opened)
            if self._drawn is not None and surface in self._drawing:
                self._try(surface, surface.draw, self._drawn)

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Open each."""
        with self._lock:
            self._opened = request, stop
            surfaces = tuple(self._surfaces)
        for surface in surfaces:
            self._try(surface, surface.open, request, stop)

    def draw(self, snapshot: StreamResult) -> None:
        """Draw on each that has not failed."""
        with self._lock:
            self._drawn = snapshot
            surfaces = tuple(self._drawing)
        for surface in surfaces:
            self._try(surface, surface.draw, snapshot)

    def close(self, result: StreamResult) -> None:
        """Close each."""
        with self._lock:
            self._closed, self._drawn = True, None
            surfaces = tuple(self._surfaces)
        for surface in surfaces:
            self._try(surface, surface.close, result)

    def attend(self, waits: bool) -> None:  # noqa: FBT001  the protocol's shape
        """Tell those that want to know that the caller waits, or no longer does."""
        for surface in self._surfaces:
            if isinstance(surface, Attentive):
                self._try(surface, surface.attend, waits)

    def _try(self, surface: Surface, action: Callable[..., None], *what: Any) -> None:
        try:
            action(*what)
        except (Exception, SystemExit):  # noqa: BLE001  whatever a surface raises
            _log.exception("nbstream could not draw the answer on one of its surfaces")
            if surface in self._drawing:
                self._drawing.remove(surface)
