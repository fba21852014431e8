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
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["METADATA_KEY", "divided", "newest_chat", "running_notebook"]

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
    raise UsageError("nbstream cannot tell where this notebook is saved; give its path: ChatPanel.restore(path)")


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
    found = sorted(_kept_in(_read(path)), key=_at)
    chats = [kept for kept in found if "chat" in kept and (name is None or kept["chat"].get("name") == name)]
    if not chats:
        named = "" if name is None else f" named {name!r}"
        raise UsageError(f"{path.name} holds no chat{named}; save the notebook after a turn of a ChatPanel")
    panel = chats[-1].get("panel")
    document = _whole(chats[-1], (kept for kept in found if "chat" not in kept))
    return document, panel if isinstance(panel, dict) else {}


def divided(turns: list[dict[str, Any]], last: str | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The turns of a chat's document as two outputs keep them: those up to the turn `last`, and all that follow it.

    Versions of one turn stay together, and in their order.

    Args:
        turns: The turns, parents before children.
        last: The id of the last of the earlier turns that are shown; none if there are none.

    Example:
        >>> divided([{"id": "a", "parent": None}, {"id": "b", "parent": "a"}], "a")
        ([{'id': 'a', 'parent': None}], [{'id': 'b', 'parent': 'a'}])
    """
    later: set[Any] = set()
    parts: tuple[list[dict[str, Any]], list[dict[str, Any]]] = [], []
    for turn in turns:
        if last is None or turn["parent"] == last or turn["parent"] in later:
            later.add(turn["id"])
        parts[turn["id"] in later].append(turn)
    return parts


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        notebook = read_json(path, settings().max_file_bytes, "not a notebook")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise UsageError(f"{path} is not a notebook")
    return notebook


def _kept_in(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What each output keeps of a chat; other programs may have been at the file."""
    for cell in notebook["cells"]:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else ():
            match output:
                case {"metadata": {"nbstream": {"chat": dict()} as kept}}:
                    yield kept
                case {"metadata": {"nbstream": {"earlier": str(), "turns": list()} as kept}}:
                    yield kept


def _at(kept: dict[str, Any]) -> str:
    return str(kept.get("saved_at", ""))


def _whole(kept: dict[str, Any], earlier: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The document of a chat whose earlier turns are in another output, which may have been saved a moment before."""
    chat: dict[str, Any] = kept["chat"]
    parts = sorted((part for part in earlier if part["earlier"] == kept.get("earlier")), key=_at)
    if kept.get("earlier") is None or not isinstance(chat.get("turns"), list):
        return chat
    before = parts[-1]["turns"] if parts else []
    known = {_word(turn, "id") for turn in before} - {None}
    turns = [*before, *(turn for turn in chat["turns"] if _word(turn, "id") not in known)]
    if not parts:  # that output was deleted; what there is begins the conversation
        ids = {_word(turn, "id") for turn in turns} - {None}
        turns = [turn if _word(turn, "parent") in ids else _first(turn) for turn in turns]
    return {**chat, "turns": turns}


def _first(turn: Any) -> Any:
    return {**turn, "parent": None} if isinstance(turn, dict) else turn


def _word(turn: Any, name: str) -> str | None:
    value = turn.get(name) if isinstance(turn, dict) else None
    return value if isinstance(value, str) else None
