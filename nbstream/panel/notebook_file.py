"""The file of the notebook that runs, and the chats that its outputs carry.

A notebook does not tell its kernel where it is saved; Jupyter and VS Code say so in places of their own. The file may
be older than what is on the screen: what is not saved cannot be found.
"""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Any

from nbstream.conversation.chat_files import read_json
from nbstream.errors import UsageError
from nbstream.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["METADATA_KEY", "newest_chat", "running_notebook"]

METADATA_KEY = "nbstream"
"""Where an output's metadata keeps what is nbstream's."""

_VSCODE_VARIABLE = "__vsc_ipynb_file__"
_JUPYTER_VARIABLE = "JPY_SESSION_NAME"


def running_notebook(namespace: Mapping[str, Any]) -> pathlib.Path:
    """The file of the notebook that this kernel runs.

    Args:
        namespace: The notebook's variables, among which VS Code puts the file's name.

    Raises:
        UsageError: Nothing says which file it is, or it is not there.
    """
    for source, value in (
        ("VS Code", namespace.get(_VSCODE_VARIABLE)),
        ("Jupyter", os.environ.get(_JUPYTER_VARIABLE)),
    ):
        if isinstance(value, str) and value.endswith(".ipynb"):
            path = pathlib.Path(value)
            if path.is_file():
                return path
            raise UsageError(
                f"{source} says that this notebook is {path.name}, which is not there; was it renamed or moved? "
                "Give its path: ChatPanel.restore(path)"
            )
    raise UsageError("it is not known where this notebook is saved; give its path: ChatPanel.restore(path)")


def newest_chat(path: pathlib.Path, name: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The chat that was saved last in a notebook's outputs.

    Args:
        path: The notebook's file.
        name: Only chats of this name.

    Returns:
        The document that `Chat.to_dict` made, and what its panel was made with besides, as far as it is known.

    Raises:
        UsageError: The file cannot be read, or holds no such chat.
    """
    found = sorted(_saved_chats(_read(path)), key=lambda saved: saved[0])
    chats = [(chat, panel) for _, chat, panel in found if name is None or chat.get("name") == name]
    if not chats:
        named = "" if name is None else f" named {name!r}"
        raise UsageError(f"{path.name} holds no chat{named}; save the notebook after a turn of a ChatPanel")
    return chats[-1]


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        notebook = read_json(path, settings().max_file_bytes, "not a notebook")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise UsageError(f"{path} is not a notebook")
    return notebook


def _saved_chats(notebook: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """When each chat was saved, the chat, and the facts of its panel; other programs may have been at the file."""
    for cell in notebook["cells"]:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else ():
            match output:
                case {"metadata": {"nbstream": {"chat": dict() as chat, **rest}}}:
                    panel = rest.get("panel")
                    yield str(rest.get("saved_at", "")), chat, panel if isinstance(panel, dict) else {}
