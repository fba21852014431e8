"""Which surface a stream gets, decided once at its start, from where the code runs; nothing is guessed at import."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from nbstream.display.terminal import TerminalSurface
from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from nbstream.display.surface import Surface

__all__ = ["attended", "choose_surface", "runs_in_kernel", "terminal_surface"]


def choose_surface(wanted: str = "auto") -> Surface:
    """Choose the surface for a stream that starts now.

    Args:
        wanted: `"auto"`, or one of the values of the `surface` setting.
    """
    kernel = _kernel()
    if wanted == "terminal" or kernel is None:
        return terminal_surface()
    from nbstream.display.notebook import NotebookSurface

    if wanted == "auto":
        wanted = "live" if attended() else "static"
    return NotebookSurface(wanted)


def terminal_surface() -> TerminalSurface:
    """Rendered Markdown where `rich` is installed and there is a terminal for it, else the text as it is."""
    out = sys.stdout
    interactive = out is not None and out.isatty()
    # What rich draws (bullets, rules) has no characters in a narrow encoding.
    wide = (getattr(out, "encoding", None) or "").lower().replace("-", "").startswith("utf")
    if interactive and wide and importlib.util.find_spec("rich") is not None:
        from nbstream.display.rich_terminal import RichTerminalSurface

        surface = RichTerminalSurface(out)
        if surface.capable:
            return surface
    return TerminalSurface()


def runs_in_kernel() -> bool:
    """Whether there are outputs to draw in."""
    return _kernel() is not None


def attended() -> bool:
    """Whether a person can be watching: programs that run notebooks (nbclient, papermill, nbconvert) allow no input.

    For them a live view would be worse than useless: its widget state would end up in the notebook file.
    """
    kernel = _kernel()
    content = kernel.get_parent("shell").get("content", {}) if hasattr(kernel, "get_parent") else {}
    return bool(content.get("allow_stdin", True))


def _kernel() -> Any:
    return getattr(running_shell(), "kernel", None)
