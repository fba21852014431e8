"""The marks in a text whose literal constructs have been taken out: addresses, line breaks, emphasis.

Each of what has been taken out stands as one character, `NODE`. Knows nothing of brackets or of what is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from nbstream.markdown.emphasis import edges
from nbstream.markdown.inline_tree import Break, Link, Marked, Text
from nbstream.markdown.links import safe_url
from nbstream.markdown.literals import BARE_URL, bare_mail, bare_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.markdown.inline_tree import Inline

__all__ = ["DEEPEST", "NODE", "Escaped", "Node", "arranged"]

NODE = "\x02"
"""Stands for a node. No text holds it: see `source.clean`."""

DEEPEST = 24
"""How deeply marks nest; drawing the tree is recursive, and browsers flatten what is deeper."""

_IS_NODE = re.compile(NODE)
_DELIMITER = re.compile(r"[*_~]")
_ADDRESS = re.compile(rf"{BARE_URL}|@| {{2,}}\n *")


class Escaped(NamedTuple):
    """What an escape or a character reference stands for, or a tag; in an address it is part of that."""

    text: str


Node: TypeAlias = "Inline | Escaped"
"""What has been taken out."""


def arranged(text: str, nodes: list[Node], depths: list[int]) -> tuple[tuple[Inline, ...], int]:
    """The tree of a text in which nodes stand as one character, and how deep it is."""
    text, nodes, depths = _with_addresses(text, nodes, depths)
    inner = max(depths, default=0)
    if not _DELIMITER.search(text):
        return _filled(text, iter(nodes)), inner
    return _with_emphasis(text, nodes, inner)


def _with_addresses(text: str, nodes: list[Node], depths: list[int]) -> tuple[str, list[Node], list[int]]:
    """Take out bare URLs, mail addresses and hard line breaks."""
    # Looking for fixed strings is several times as fast.
    may_be_there = "@" in text or "://" in text or "www." in text or "  \n" in text
    found = _ADDRESS.search(text) if may_be_there else None
    if found is None:
        return text, nodes, depths
    parts: list[str] = []
    kept: list[Node] = []
    levels: list[int] = []
    position = used = 0
    while found:
        start, end = found.span()
        node: Inline | None = None
        if found[0] == "@":
            if (mail := bare_mail(text, start)) and mail[0] >= position:
                start, end = mail
                node = _link(text[start:end], f"mailto:{text[start:end]}")
        elif found[0][0] == " ":
            node = Break()
        elif url := bare_url(text, start):
            before = used + text.count(NODE, position, start)
            shown, end = _url(text, start, start + len(url), nodes, before)
            node = _link(shown, shown if ":" in shown[:6] else f"http://{shown}") if shown else None
        if node is not None:
            between = text[position:start]
            count = between.count(NODE)
            kept += [*nodes[used : used + count], node]
            levels += [*depths[used : used + count], 0]
            used += count + text.count(NODE, start, end)
            parts += [between, NODE]
            position = end
        found = _ADDRESS.search(text, max(end, found.end()))
    parts.append(text[position:])
    return "".join(parts), [*kept, *nodes[used:]], [*levels, *depths[used:]]


def _link(shown: str, url: str) -> Inline | None:
    safe = safe_url(url)
    return Link((Text(shown),), safe, bare=True) if safe else None


def _url(text: str, start: int, end: int, nodes: list[Node], number: int) -> tuple[str, int]:
    """A bare URL with its escapes resolved, and where it ends: before what is no single character, and `<`.

    Args:
        text: Holds the URL from `start` to `end`.
        start: Where it starts.
        end: Where it ends at most.
        nodes: The nodes in the text.
        number: The number of the first of them behind `start`.
    """
    shown: list[str] = []
    position = start
    while (at := text.find(NODE, position, end)) >= 0:
        node = nodes[number]
        number += 1
        shown.append(text[position:at])
        character = node.text if isinstance(node, Escaped) else ""
        if len(character) != 1 or character in "<> " or at + 1 == end:
            cut = bare_url(text[:at], start)
            return ("".join(shown)[: len(cut)], start + len(cut)) if cut else ("", end)
        shown.append(character)
        position = at + 1
    shown.append(text[position:end])
    return "".join(shown), end


def _with_emphasis(text: str, nodes: list[Node], inner: int) -> tuple[tuple[Inline, ...], int]:
    places = {found.start(): number for number, found in enumerate(_IS_NODE.finditer(text))} if nodes else {}

    def neighbour(text: str, at: int, way: int) -> str:
        """Return the character at a position; a node stands for the first or last one of its source."""
        return text[at] if at not in places else _edge_of(nodes[places[at]], way)

    room = max(0, DEEPEST - inner)
    filling = iter(nodes)
    opened: list[list[Inline]] = [[]]
    unmarked: list[bool] = []
    deepest = 0
    for piece in edges(text, neighbour):
        if isinstance(piece, str):
            opened[-1] += _filled(piece, filling)
        elif piece.opens:
            unmarked.append(len(opened) > room)
            if unmarked[-1]:
                opened[-1].append(Text(piece.delimiter))
            else:
                opened.append([])
                deepest = max(deepest, len(opened) - 1)
        elif unmarked.pop():
            opened[-1].append(Text(piece.delimiter))
        else:
            children = _joined(opened.pop())
            opened[-1].append(Marked(piece.kind, children, piece.delimiter))
    return _joined(opened[0]), inner + deepest


def _edge_of(node: Node, way: int) -> str:
    match node:
        case Break():
            return "\n"
        case Escaped(text) | Text(text) | Link((Text(text),), bare=True) if text:
            return text[-1 if way < 0 else 0]
    return "`"  # a mark ended there


def _filled(text: str, nodes: Iterator[Node]) -> tuple[Inline, ...]:
    """The text with its nodes in their places."""
    if NODE not in text:
        return (Text(text),) if text else ()
    first, *others = text.split(NODE)
    filled: list[Inline] = [Text(first)]
    for other in others:
        node = next(nodes)
        filled += [Text(node.text) if isinstance(node, Escaped) else node, Text(other)]
    return _joined(filled)


def _joined(nodes: list[Inline]) -> tuple[Inline, ...]:
    """The nodes without two texts side by side and without empty ones."""
    joined: list[Inline] = []
    words: list[str] = []
    for node in nodes:
        if isinstance(node, Text):
            words.append(node.text)
            continue
        if any(words):
            joined.append(Text("".join(words)))
        words.clear()
        joined.append(node)
    if any(words):
        joined.append(Text("".join(words)))
    return tuple(joined)
