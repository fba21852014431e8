"""A surface that can be told to stop its stream at any time, also before it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Stopping"]


class Stopping:
    """Draws on another surface.

    Args:
        surface: Where to draw.
    """

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._stop: Callable[[], None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """Stop the stream, as soon as there is one."""
        self._stopped = True
        if self._stop is not None:
            self._stop()

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Open the other surface."""
        self._stop = stop
        if self._stopped:
            stop()
        self._surface.open(request, stop)

    def draw(self, snapshot: StreamResult) -> None:
        """Draw there."""
        self._surface.draw(snapshot)

    def close(self, result: StreamResult) -> None:
        """Close it."""
        self._surface.close(result)
