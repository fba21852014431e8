"""Draws a result that exists already, on whatever its caller looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nbstream.display.bundle import answer_bundle
from nbstream.display.choose import runs_in_kernel, terminal_surface
from nbstream.display.output import Output
from nbstream.settings.config import settings

if TYPE_CHECKING:
    from nbstream.request import Footer, Images
    from nbstream.result import StreamResult

__all__ = ["show"]


def show(result: StreamResult) -> None:
    """Draw a result in full: below the cell that runs now, or in the terminal."""
    if runs_in_kernel():
        config = settings()
        Output().display(
            *answer_bundle(result, cast("Images", config.images), reasoning=True, footer=cast("Footer", config.footer))
        )
    else:
        terminal_surface().close(result)
