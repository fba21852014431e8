"""One stream on several surfaces at once; one of them failing is no concern of the others."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from nbstream.display.surface import Attentive, NullSurface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["FanOut", "fan_out"]

_log = logging.getLogger("nbstream")


def fan_out(surfaces: Sequence[Surface]) -> Surface:
    """A surface that stands for all of these.

    Example:
        >>> from nbstream.testing import RecordingSurface
        >>> type(fan_out([])).__name__, type(fan_out([NullSurface(), RecordingSurface()])).__name__
        ('NullSurface', 'RecordingSurface')
    """
    drawing = [surface for surface in surfaces if type(surface) is not NullSurface]
    if len(drawing) == 1:
        return drawing[0]
    return FanOut(drawing) if drawing else NullSurface()


class FanOut:
    """Draws on several surfaces, each in turn, in the order given.

    A surface that fails to open or to draw is not asked to draw again, but it is closed all the same.

    Args:
        surfaces: Where to draw.
    """

    def __init__(self, surfaces: Sequence[Surface]) -> None:
        self._surfaces = list(surfaces)
        self._drawing = list(surfaces)

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Open each."""
        for surface in self._surfaces:
            self._try(surface, surface.open, request, stop)

    def draw(self, snapshot: StreamResult) -> None:
        """Draw on each that has not failed."""
        for surface in tuple(self._drawing):
            self._try(surface, surface.draw, snapshot)

    def close(self, result: StreamResult) -> None:
        """Close each."""
        for surface in self._surfaces:
            self._try(surface, surface.close, result)

    def attend(self, waits: bool) -> None:  # noqa: FBT001  the protocol's shape
        """Tell those that want to know that the caller waits, or no longer does."""
        for surface in self._surfaces:
            if isinstance(surface, Attentive):
                self._try(surface, surface.attend, waits)

    def _try(self, surface: Surface, action: Callable[..., None], *what: Any) -> None:
        try:
            action(*what)
        except Exception:  # noqa: BLE001  whatever a surface raises
            _log.exception("nbstream could not draw the answer on one of its surfaces")
            if surface in self._drawing:
                self._drawing.remove(surface)
