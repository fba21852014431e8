"""nbstream: streamed model answers in Jupyter.

`%load_ext nbstream` gives the `%%stream` magic; `import nbstream as nbs` gives `nbs.stream` and the rest. Importing
this package imports nothing that is not needed before the first stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from IPython.core.interactiveshell import InteractiveShell

    from nbstream.accounting.ledger import ledger
    from nbstream.accounting.pricing import price
    from nbstream.api import astream, configure, items, start, stream
    from nbstream.attachments.upload import upload
    from nbstream.conversation.chat import Chat
    from nbstream.errors import StreamError
    from nbstream.many.background.jobs import jobs
    from nbstream.many.comparison.compare import compare
    from nbstream.many.mapping.mapping import map  # noqa: A004  Python's own means the same, of functions
    from nbstream.panel.chat_panel import ChatPanel
    from nbstream.recording.diff import diff
    from nbstream.recording.recordings import recordings
    from nbstream.result import StreamResult, StreamState, Usage
    from nbstream.settings.endpoints import endpoint
    from nbstream.tools.mcp_tools import mcp
    from nbstream.tools.tool import tool

__all__ = [
    "Chat",
    "ChatPanel",
    "StreamError",
    "StreamResult",
    "StreamState",
    "Usage",
    "astream",
    "compare",
    "configure",
    "diff",
    "endpoint",
    "items",
    "jobs",
    "ledger",
    "load_ipython_extension",
    "map",
    "mcp",
    "price",
    "recordings",
    "start",
    "stream",
    "tool",
    "unload_ipython_extension",
    "upload",
]

__version__ = "0.2.0"


_MODULES = {"demo", "errors", "events", "moderation", "parts", "remedies", "testing"}
"""Public modules; each is imported when it is first used, as `nbs.NAME` too."""

_HOOKS = {"load_ipython_extension", "unload_ipython_extension"}
"""Called by IPython only."""

_MODULE_OF = {
    **dict.fromkeys(("astream", "configure", "items", "start", "stream"), "nbstream.api"),
    **dict.fromkeys(("StreamResult", "StreamState", "Usage"), "nbstream.result"),
    "Chat": "nbstream.conversation.chat",
    "ChatPanel": "nbstream.panel.chat_panel",
    "StreamError": "nbstream.errors",
    "compare": "nbstream.many.comparison.compare",
    "diff": "nbstream.recording.diff",
    "jobs": "nbstream.many.background.jobs",
    "endpoint": "nbstream.settings.endpoints",
    "ledger": "nbstream.accounting.ledger",
    "map": "nbstream.many.mapping.mapping",
    "price": "nbstream.accounting.pricing",
    "mcp": "nbstream.tools.mcp_tools",
    "recordings": "nbstream.recording.recordings",
    "tool": "nbstream.tools.tool",
    "upload": "nbstream.attachments.upload",
}
"""Where each public name is; it is imported from there at its first use, so that `%load_ext nbstream` is quick."""


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names: what Tab offers."""
    return sorted({*__all__, *_MODULES} - _HOOKS)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what `%load_ext nbstream` calls."""
    from nbstream.ipython.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again: what `%unload_ext nbstream` calls."""
    from nbstream.ipython.magics import unload

    unload(shell)
