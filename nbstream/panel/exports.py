"""A chat as a file for its reader."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from nbstream.errors import UsageError
from nbstream.panel.view.panel_actions import Download

if TYPE_CHECKING:
    from nbstream.conversation.chat import Chat

__all__ = ["EXPORTS", "export"]

EXPORTS = ("markdown", "notebook", "json")


def export(chat: Chat, kind: str) -> Download:
    """The whole conversation.

    Args:
        chat: The conversation.
        kind: One of `EXPORTS`.

    Raises:
        UsageError: There is no such kind, or what it needs is not installed.
    """
    # A name that every file system takes, whatever the chat is called.
    name = re.sub(r"[^\w-]+", "-", chat.name or "").strip("-")[:80] or "chat"
    match kind:
        case "markdown":
            return Download(f"{name}.md", "text/markdown", chat.to_markdown())
        case "notebook":
            notebook = chat.to_notebook()
            import nbformat

            return Download(f"{name}.ipynb", "application/x-ipynb+json", nbformat.writes(notebook))
        case "json":
            words = json.dumps(chat.to_dict(), ensure_ascii=False, indent=1)
            return Download(f"{name}.json", "application/json", words)
    raise UsageError(f"a chat cannot be exported as {kind}")
