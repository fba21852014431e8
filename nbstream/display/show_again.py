"""Draws a result that exists already, on whatever its caller looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from nbstream.display.bundle import answer_bundle
from nbstream.display.choose import output_here, terminal_surface
from nbstream.display.surface import Attentive
from nbstream.settings.config import settings

if TYPE_CHECKING:
    from nbstream.request import Footer, Images
    from nbstream.result import StreamResult

__all__ = ["bundle_of", "show"]


def show(result: StreamResult) -> None:
    """Draw a result in full: below the cell that runs now, or in the terminal."""
    output = output_here()
    if output is None:
        surface = terminal_surface()
        if isinstance(surface, Attentive):
            surface.attend(True)  # before an answer in the background
        surface.close(result)
        return
    output.display(*bundle_of(result))
    output.end()


def bundle_of(result: StreamResult) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output for a result in full, as (data, metadata)."""
    config = settings()
    asked = result.continuation  # what it was asked with comes before the settings
    images = cast("Images", config.images if asked is None else asked.images)
    return answer_bundle(result, images, reasoning=True, footer=cast("Footer", config.footer))
