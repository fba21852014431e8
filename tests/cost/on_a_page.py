"""A surface that a page shows, and that counts its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from tests.comms import Page

__all__ = ["OnAPage"]

HELLO = {"type": "hello", "view": "v"}


class OnAPage:
    """A surface whose view is on a page as soon as it is open."""

    def __init__(self, surface: Surface, page: Page) -> None:
        self._surface = surface
        self._page = page
        self.frames = 0

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        self._surface.open(request, stop)
        self._page.says(HELLO)

    def draw(self, snapshot: StreamResult) -> None:
        self.frames += 1
        self._surface.draw(snapshot)

    def close(self, result: StreamResult) -> None:
        self._surface.close(result)
