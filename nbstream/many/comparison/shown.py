"""Draws a comparison that exists already, on whatever its caller looks at."""

from __future__ import annotations

import sys
from typing import Any

from nbstream.display.choose import output_here

__all__ = ["show"]


def show(data: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Draw it in full: below the cell that runs now, or in the terminal.

    Args:
        data: By MIME type.
        metadata: What goes with it.
    """
    output = output_here()
    if output is None:
        sys.stdout.write(f"{data['text/plain']}\n")
        return
    output.display(data, metadata)
    output.end()
