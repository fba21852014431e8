"""Which surface a stream gets, decided once at its start, from where the code runs; nothing is guessed at import."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from nbstream.display.host import Host, host_here
from nbstream.display.late_terminal import LateTerminalSurface
from nbstream.display.marimo import MarimoOutput
from nbstream.display.output import Output
from nbstream.display.surface import NullSurface
from nbstream.display.terminal import TerminalSurface
from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from typing import TextIO

    from nbstream.display.surface import Surface

__all__ = ["MODES", "choose_surface", "in_background", "output_here", "shows_widgets", "terminal_surface"]

MODES = {
    Host.OTHER_KERNEL: "markdown",
    Host.SERVER_PAGE: "static",
    Host.CONSOLE: "static",
    Host.PROGRAM: "static",
}
"""How an answer is drawn where there may be no live view."""


def choose_surface(wanted: str = "auto") -> Surface:
    """Choose the surface for a stream that starts now.

    Args:
        wanted: `"auto"`, or one of the values of the `surface` setting.
    """
    host = host_here()
    if wanted == "terminal" or host is Host.TERMINAL:
        return terminal_surface()
    from nbstream.display.notebook import NotebookSurface

    if host is Host.MARIMO:
        return NotebookSurface("static" if wanted == "static" else "markdown", host, MarimoOutput)
    return NotebookSurface(MODES.get(host, "live") if wanted == "auto" else wanted, host)


def in_background(surface: Surface) -> Surface:
    """The surface for an answer that no caller waits for: at IPython's prompt, somebody types meanwhile.

    Args:
        surface: What was chosen for it.
    """
    at_prompt = isinstance(surface, TerminalSurface) and host_here() is Host.TERMINAL and running_shell() is not None
    return LateTerminalSurface(terminal_surface) if at_prompt else surface


def terminal_surface(out: TextIO | None = None) -> Surface:
    """Rendered Markdown where `rich` is installed and there is a terminal for it, else the text as it is.

    Args:
        out: Where to write; `None` takes `sys.stdout`.
    """
    out = sys.stdout if out is None else out
    if out is None or getattr(out, "closed", False):
        return NullSurface()  # there is nowhere to write
    interactive = hasattr(out, "isatty") and out.isatty()
    # What rich draws (bullets, rules) has no characters in a narrow encoding.
    wide = (getattr(out, "encoding", None) or "").lower().replace("-", "").startswith("utf")
    if interactive and wide and importlib.util.find_spec("rich") is not None:
        from nbstream.display.rich_terminal import RichTerminalSurface

        surface = RichTerminalSurface(out)
        if surface.capable:
            return surface
    return TerminalSurface(out)


def output_here() -> Output | MarimoOutput | None:
    """A new output of the cell that runs now; `None` in a terminal."""
    host = host_here()
    if host is Host.TERMINAL:
        return None
    return MarimoOutput() if host is Host.MARIMO else Output()


def shows_widgets(wanted: str = "auto") -> bool:
    """Whether a widget that is made now may be seen; a program that runs notebooks would keep its state in the file.

    Args:
        wanted: The `surface` setting, which decides if it says `"live"` or `"static"`.
    """
    return wanted == "live" or (wanted != "static" and host_here().widgets)
