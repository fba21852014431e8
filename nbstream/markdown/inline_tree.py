"""The inline tree: what the text of a leaf consists of, whether it is drawn as HTML or written as Markdown.

Knows neither how a text is parsed nor how it is written.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Break", "Code", "Formula", "Image", "Inline", "Link", "MarkKind", "Marked", "Note", "Text", "plain_text"]

MarkKind: TypeAlias = Literal["del", "em", "kbd", "strong", "sub", "sup"]


class Text(NamedTuple):
    """Characters that stand for themselves."""

    text: str


class Code(NamedTuple):
    """A code span."""

    code: str


class Formula(NamedTuple):
    r"""A formula in a line.

    Attributes:
        kind: `"inline"` or `"display"` for one between marks, `"environment"` for a `\begin{…}…\end{…}`.
        body: What is between the marks; the whole of an environment.
        source: As it was written, with its marks.
    """

    kind: Literal["inline", "display", "environment"]
    body: str
    source: str


class Break(NamedTuple):
    """A hard line break; `tag` if it was written as `<br>`, behind which the line may go on."""

    tag: bool = False


class Note(NamedTuple):
    """A footnote reference.

    Attributes:
        key: The name of the note.
        source: As it was written.
        known: Whether there is such a note; if not, the reference is text, and has its number all the same.
    """

    key: str
    source: str
    known: bool


class Link(NamedTuple):
    """A link.

    Attributes:
        children: Its text.
        url: Where it leads, safe; None if it may not lead there, so that only its text is left.
        bare: Whether it is a URL or mail address that is its own text.
        note: The name of a note to which it would refer if it were no link.
        refused: Where it was to lead, if it may not.
    """

    children: tuple[Inline, ...]
    url: str | None
    bare: bool = False
    note: str | None = None
    refused: str = ""


class Image(NamedTuple):
    """An image: its text in plain words, and where it is loaded from, safe; None if it may not be, but is refused."""

    alt: str
    url: str | None
    refused: str = ""


class Marked(NamedTuple):
    """Emphasis and what else stands around a part of the text.

    Attributes:
        kind: The name of its HTML element.
        children: What it stands around.
        delimiter: How it was written; empty for an element that was written by its tags.
    """

    kind: MarkKind
    children: tuple[Inline, ...]
    delimiter: str = ""


Inline: TypeAlias = Text | Code | Formula | Break | Note | Link | Image | Marked


def plain_text(nodes: tuple[Inline, ...]) -> str:
    """Return what there is to read, without marks.

    Example:
        >>> plain_text((Text("a "), Marked("em", (Text("b"), Code("c")))))
        'a bc'
    """
    words: list[str] = []
    for node in nodes:
        match node:
            case Text(text) | Code(text) | Note(source=text) | Image(alt=text):
                words.append(text)
            case Formula():
                words.append(node.source)
            case Break():
                words.append(" ")
            case Link(children=children) | Marked(children=children):
                words.append(plain_text(children))
    return "".join(words)
