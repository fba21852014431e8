"""The inline phase: the text of one leaf as a tree of marks, by CommonMark's algorithm, in time linear in the text.

One pass from left to right takes out what is literal and pairs brackets and tags; whatever has been taken out stands as
one character in what is left, which `inline_marks` reads. Knows nothing of blocks or of what is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nbstream.markdown.footnotes import note_key, note_reference
from nbstream.markdown.inline_marks import DEEPEST, NODE, Escaped, arranged
from nbstream.markdown.inline_tree import Break, Code, Formula, Image, Link, Marked, Note, Text, plain_text
from nbstream.markdown.links import inline_target, label_at, normalise, safe_url, unescape
from nbstream.markdown.literals import Literals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.markdown.inline_marks import Node
    from nbstream.markdown.inline_tree import Inline, MarkKind

__all__ = ["parse_inline"]

# Those of `SPECIAL`, and brackets.
_TOKEN = re.compile(r"[`\\$&<!\[\]](?:(?<=`)`*|(?<=\$)\$*|(?<=!)\[|(?<=[\\&<\[\]]))")


class _Scope(NamedTuple):
    """A bracket or tag that is open: where it stands in the text, and how much had been taken in before it."""

    at: int
    end: int
    part: int
    node: int
    image: bool = False


class _Target(NamedTuple):
    """What the brackets before it lead to."""

    url: str
    end: int


def parse_inline(text: str, references: Mapping[str, str], missing: set[str]) -> tuple[Inline, ...]:
    """Parse the text of one leaf.

    Args:
        text: The text, clean.
        references: The link reference definitions; the names of notes are among them.
        missing: Labels that have no definition yet are added to it.

    Returns:
        What it consists of, in order. No two `Text` stand side by side.

    Example:
        >>> parse_inline("*a* `b`", {}, set())
        (Marked(kind='em', children=(Text(text='a'),), delimiter='*'), Text(text=' '), Code(code='b'))
    """
    return _Parser(text, references, missing).run()


class _Parser:
    def __init__(self, text: str, references: Mapping[str, str], missing: set[str]) -> None:
        self._text = text
        self._references = references
        self._missing = missing
        self._literals = Literals(text)
        self._parts: list[str] = []
        self._nodes: list[Node] = []
        self._depths: list[int] = []  # of the nodes
        self._brackets: list[_Scope] = []
        self._closed_to_links = 0  # how many of the first brackets hold a link, so that they are none themselves
        self._tags: dict[str, list[_Scope]] = {}
        self._too_deep = -1  # the part that opened what nests too deeply; what is around it does so, too

    def run(self) -> tuple[Inline, ...]:
        text, position = self._text, 0
        while found := _TOKEN.search(text, position):
            start, end = found.span()
            if start > position:
                self._parts.append(text[position:start])
            if found[0] == "]":
                position = self._close_bracket(start)
            elif found[0][-1] == "[":
                image = found[0] == "!["
                self._brackets.append(_Scope(start, end, len(self._parts), len(self._nodes), image))
                self._parts.append(found[0])
                position = end
            else:
                position = self._literal(start, end)
        self._parts.append(text[position:])
        children, _ = arranged("".join(self._parts), self._nodes, self._depths)
        return children

    def _literal(self, start: int, end: int) -> int:
        """Take in the literal construct at `start`, or the characters up to `end`; return where it ends."""
        span = self._literals.at(start)
        if span is None:
            self._parts.append(self._text[start:end])
            return end
        if span.kind == "element":
            self._element(span.text, start, span.end)
            return span.end
        node: Node
        match span.kind:
            case "text":
                node = Escaped(span.text)
            case "break":
                node = Break()
            case "code":
                node = Code(span.text)
            case "inline" | "display" | "environment":
                node = Formula(span.kind, span.text, self._text[start : span.end])
            case "url" | "mail":
                url = safe_url(f"mailto:{span.text}" if span.kind == "mail" else span.text)
                shown = Text(span.text)
                node = Link((shown,), url, bare=True) if url else Text(self._text[start : span.end])
        self._put(node)
        return span.end

    def _element(self, tag: str, start: int, end: int) -> None:
        if tag == "<br>":
            self._put(Break(tag=True))
            return
        name = tag.strip("</>")
        opened = self._tags.setdefault(name, [])
        if not tag.startswith("</"):
            opened.append(_Scope(start, end, len(self._parts), len(self._nodes)))
            self._parts.append(self._text[start:end])
            return
        if opened:
            scope = opened.pop()
            if inside := self._inside(scope):
                self._replace(scope, Marked(_ELEMENTS[name], inside[0]), inside[1] + 1)
                return
        self._put(Text(self._text[start:end]))

    def _close_bracket(self, close: int) -> int:
        """Take in the `]` at `close` and what it ends; return where that ends."""
        if not self._brackets:
            self._parts.append("]")
            return close + 1
        scope = self._brackets.pop()
        number = len(self._brackets)
        may_link = scope.image or number >= self._closed_to_links
        self._closed_to_links = min(self._closed_to_links, number)
        opener = scope.end - 1
        target = self._target(opener, close)
        note = None
        if self._text.startswith("^", opener + 1) and not (target and self._text.startswith("(", close + 1)):
            note = note_reference(self._text, opener)
        key = None if note is None else note_key(unescape(note[0]))
        if key is not None and target is None:
            self._put_note(scope, key, close)
            return close + 1
        if target is not None and may_link and (inside := self._inside(scope)):
            self._put_link(scope, *inside, target, key)
            return target.end
        self._parts.append("]")
        return close + 1

    def _put_note(self, scope: _Scope, key: str, close: int) -> None:
        known = key in self._references
        if not known:
            self._missing.add(key)
        note = Note(key, self._text[scope.end - 1 : close + 1], known)
        self._replace(scope, note, 0)
        if scope.image:
            self._parts.insert(-1, "!")

    def _put_link(
        self, scope: _Scope, children: tuple[Inline, ...], depth: int, target: _Target, key: str | None
    ) -> None:
        url = safe_url(target.url)
        refused = target.url if url is None else ""
        if scope.image:
            self._replace(scope, Image(plain_text(children), url, refused), 0)
        else:
            self._replace(scope, Link(children, url, note=key, refused=refused), depth + 1)
            self._closed_to_links = len(self._brackets)

    def _target(self, start: int, close: int) -> _Target | None:
        """What the brackets from `start` to `close` lead to, if they are those of a link."""
        text = self._text
        if target := inline_target(text, close + 1):
            return _Target(target.url, target.end)
        label, end = text[start + 1 : close], close + 1
        if text.startswith("[]", end):
            end += 2
        elif (named := label_at(text, end)) and not named[1].startswith("^"):
            label, end = named[1], named.end()
        elif not label_at(text, start):
            return None
        if label.startswith("^"):
            return None  # a footnote
        name = normalise(unescape(label))
        if name in self._references:
            return _Target(self._references[name], end)
        if name:
            self._missing.add(name)
        return None

    def _put(self, node: Node) -> None:
        self._parts.append(NODE)
        self._nodes.append(node)
        self._depths.append(0)

    def _inside(self, scope: _Scope) -> tuple[tuple[Inline, ...], int] | None:
        """What has been taken in since a bracket or tag was opened, and how deep it is; None if that is too deep."""
        if scope.part < self._too_deep:
            return None
        if max(self._depths[scope.node :], default=0) >= DEEPEST:
            self._too_deep = scope.part
            return None
        inside = "".join(self._parts[scope.part + 1 :])
        return arranged(inside, self._nodes[scope.node :], self._depths[scope.node :])

    def _replace(self, scope: _Scope, node: Inline, depth: int) -> None:
        """Put a node in the place of all that has been taken in since, and forget what was opened meanwhile."""
        del self._parts[scope.part :], self._nodes[scope.node :], self._depths[scope.node :]
        for opened in (self._brackets, *self._tags.values()):
            while opened and opened[-1].part >= scope.part:
                opened.pop()
        self._closed_to_links = min(self._closed_to_links, len(self._brackets))
        self._put(node)
        self._depths[-1] = depth


_ELEMENTS: dict[str, MarkKind] = {"kbd": "kbd", "sub": "sub", "sup": "sup"}
