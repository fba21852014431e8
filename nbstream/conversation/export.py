"""A conversation as Markdown, as plain words and as a notebook. The output is inert."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbstream.conversation.messages import content_of
from nbstream.display.bundle import answer_bundle
from nbstream.errors import UsageError
from nbstream.markdown import escaped, inert
from nbstream.text.names import is_variable_name
from nbstream.text.place import Place
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

    from nbstream.conversation.turn import Turn

__all__ = ["to_markdown", "to_notebook", "to_text"]

_LEVEL = 2  # of the headings of turns
_PLAIN_NAME = re.compile(r"(?:[A-Za-z0-9 .,()-]|(?<=[A-Za-z0-9])[_:/](?=[A-Za-z0-9]))*")
_ATTACHED = {"image_url": "image", "input_image": "image", "input_audio": "audio", "file": "file", "input_file": "file"}


def to_markdown(turns: Sequence[Turn], system: str | None = None, place: Place = Place.FILE) -> str:
    """Markdown that is safe in a trusted notebook, with a heading line for each turn.

    Args:
        turns: The turns.
        system: The system prompt.
        place: Where it is read.

    Example:
        >>> from nbstream.conversation.turn import Turn
        >>> print(to_markdown([Turn("1", "user", "Why?"), Turn("2", "assistant", "Because.")]))
        ## User
        <BLANKLINE>
        Why?
        <BLANKLINE>
        ## Assistant
        <BLANKLINE>
        Because.
    """
    sections = [("System", inert(system, below=_LEVEL))] if system else []
    sections += [(_marked_up(_name(turn)), _bundle(turn, place, _LEVEL)["text/markdown"]) for turn in turns]
    return "\n\n".join(f"## {name}\n\n{text}".rstrip() for name, text in sections)


def to_text(turns: Sequence[Turn], system: str | None = None, place: Place = Place.FILE) -> str:
    """The same in plain words."""
    sections = [("System", plain(system))] if system else []
    sections += [(plain(_name(turn)), _bundle(turn, place)["text/plain"]) for turn in turns]
    return "\n\n".join(f"{name}:\n{text}".rstrip() for name, text in sections)


def to_notebook(
    turns: Sequence[Turn], system: str | None = None, name: str | None = None, options: dict[str, Any] | None = None
) -> NotebookNode:
    """A notebook that shows the conversation, and asks it again when it is run.

    Args:
        turns: The turns.
        system: The system prompt.
        name: What the chat is called there.
        options: The options for every turn.

    Raises:
        UsageError: nbformat is not installed.
    """
    try:
        from nbformat import v4
    except ImportError:
        raise UsageError("a notebook needs nbformat: pip install nbformat") from None
    name = name if name is not None and is_variable_name(name) else "chat"
    cells = [v4.new_code_cell(_beginning(name, system, options or {}))]
    for turn in turns:
        bundle = _bundle(turn)
        if turn.role == "user":
            cells.append(v4.new_code_cell(_asking(name, turn)))
        elif turn.role == "assistant" and cells[-1].cell_type == "code" and len(cells) > 1:
            metadata = {"nbstream": turn.result.metadata()}
            cells[-1].outputs.append(v4.new_output("display_data", data=bundle, metadata=metadata))
        else:
            cells.append(v4.new_markdown_cell(f"## {_marked_up(_name(turn))}\n\n{bundle['text/markdown']}"))
    notebook: NotebookNode = v4.new_notebook(cells=cells)
    return notebook


def _name(turn: Turn) -> str:
    words = " ".join((turn.role.capitalize() + (f" ({turn.model})" if turn.model else "")).split())
    return words or "?"


def _marked_up(name: str) -> str:
    """The name in Markdown; most models' names mean only themselves as they are."""
    return name if _PLAIN_NAME.fullmatch(name) and "www." not in name else escaped(name)


def _bundle(turn: Turn, place: Place = Place.FILE, below: int = 0) -> dict[str, str]:
    """The turn as it stands in a notebook's output."""
    if turn.answer is not None:
        pictures = place is Place.FILE  # a panel shows its own itself
        return answer_bundle(turn.answer, place=place, below=below, pictures=pictures)[0]
    attached = [_ATTACHED.get(part["type"], "attachment") for part in _parts(turn) if part["type"] not in _TEXTS]
    markdown = [inert(turn.text, below=below), *(f"*({what})*" for what in attached)]
    words = [plain(turn.text), *(f"({what})" for what in attached)]
    return {"text/markdown": "\n\n".join(filter(None, markdown)), "text/plain": "\n".join(filter(None, words))}


_TEXTS = {"text", "input_text", "output_text"}


def _parts(turn: Turn) -> list[dict[str, Any]]:
    return [{"type": "", **part} for part in turn.content] if isinstance(turn.content, tuple) else []


def _beginning(name: str, system: str | None, options: dict[str, Any]) -> str:
    named = {key: value for key, value in options.items() if key.isidentifier()}
    arguments = [repr(system)] if system else []
    arguments += [f"{key}={value!r}" for key, value in named.items()]
    return f"%load_ext nbstream\nimport nbstream as nbs\n\n{name} = nbs.Chat({', '.join(arguments)})"


def _asking(name: str, turn: Turn) -> str:
    if isinstance(turn.content, str) and turn.content.strip():
        return f"%%stream --raw --chat {name}\n{turn.content}"
    return f"{name}.stream({content_of(turn)!r})"
