"""nbstream: streamed model answers in Jupyter.

`%load_ext nbstream` gives the `%%stream` magic; `import nbstream as nbs` gives `nbs.stream` and the rest. Importing
this package imports neither openai nor a widget library: both wait for the first stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.api import astream, configure, start, stream
from nbstream.errors import StreamError
from nbstream.result import StreamResult, StreamState, Usage

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = [
    "StreamError",
    "StreamResult",
    "StreamState",
    "Usage",
    "astream",
    "configure",
    "load_ipython_extension",
    "start",
    "stream",
    "unload_ipython_extension",
]

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what `%load_ext nbstream` calls."""
    from nbstream.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again: what `%unload_ext nbstream` calls."""
    from nbstream.magics import unload

    unload(shell)
