"""Which surface a stream gets, decided once at its start, from where the code runs; nothing is guessed at import."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nbstream.display.terminal import TerminalSurface

if TYPE_CHECKING:
    from nbstream.display.surface import Surface

__all__ = ["choose_surface"]


def choose_surface(wanted: str = "auto") -> Surface:
    """Choose the surface for a stream that starts now.

    Args:
        wanted: `"auto"`, or one of the values of the `surface` setting.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if wanted == "terminal" or kernel is None:
        return TerminalSurface()
    from nbstream.display.notebook import NotebookSurface

    if wanted == "auto":
        wanted = "live" if _attended(kernel) else "static"
    return NotebookSurface(wanted)


def _attended(kernel: Any) -> bool:
    """Whether a person can be watching: programs that run notebooks (nbclient, papermill, nbconvert) allow no input.

    For them a live view would be worse than useless: its widget state would end up in the notebook file.
    """
    content = kernel.get_parent("shell").get("content", {}) if hasattr(kernel, "get_parent") else {}
    return bool(content.get("allow_stdin", True))
