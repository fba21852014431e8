"""The IPython shell that the code runs in, if it does; looked up without importing IPython."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["running_shell"]


def running_shell() -> InteractiveShell | None:
    """The shell of this process; `None` in a plain Python program."""
    # Another thread may be importing it: then it is there, but not yet what is in it.
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell: InteractiveShell | None = None if get_ipython is None else get_ipython()
    # Solara's stand-in has a kernel for widgets, and neither settings nor hooks: it is a plain program all the same.
    return None if type(shell).__module__.startswith("solara.") else shell
