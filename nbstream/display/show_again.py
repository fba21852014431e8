"""Draws a result that exists already, on whatever its caller looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from nbstream.display.bundle import answer_bundle, answer_outputs
from nbstream.display.choose import output_here, terminal_surface
from nbstream.display.output import Output
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
    if not isinstance(output, Output):  # which has one place
        output.display(*bundle_of(result))
    else:
        images, footer = _settings(result)
        for bundle in answer_outputs(result, images, reasoning=True, footer=footer):
            output.display(*bundle)
            output = Output()
    output.end()


def bundle_of(result: StreamResult) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one output for a result in full, as (data, metadata)."""
    images, footer = _settings(result)
    return answer_bundle(result, images, reasoning=True, footer=footer, pictures=True)


def _settings(result: StreamResult) -> tuple[Images, Footer]:
    config = settings()
    asked = result.continuation  # what it was asked with comes before the settings
    images = cast("Images", config.images if asked is None else asked.images)
    return images, cast("Footer", config.footer)
