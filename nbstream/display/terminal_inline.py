"""The inline tree as runs of text in a terminal's styles.

What a terminal cannot show is written as it was in the source; where a link leads is printed behind its words.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from nbstream.display.terminal_text import Run
from nbstream.markdown.inline_parser import parse_inline
from nbstream.markdown.inline_tree import Break, Code, Formula, Image, Link, Marked, Note, Text, plain_text
from nbstream.markdown.open_text import cuts
from nbstream.markdown.words import is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rich.style import Style

    from nbstream.markdown.inline_tree import Inline

__all__ = ["InlineRuns"]

_STYLES = {"em": "markdown.em", "strong": "markdown.strong", "del": "markdown.s"}


class InlineRuns:
    """Lays out the text of leaves.

    Args:
        style_of: The style of a name.
        references: The link reference definitions.
    """

    def __init__(self, style_of: Callable[[str], Style], references: Mapping[str, str]) -> None:
        self._style_of = style_of
        self._references = references

    def runs(self, text: str, base: Style) -> list[Run]:
        """Return the text of one leaf, its soft line breaks as spaces.

        Args:
            text: The text.
            base: The style that the marks in it add to.
        """
        if is_plain(text):
            return [Run(text, base)]
        places = [0, *cuts(text), len(text)]
        parsed = (parse_inline(text[one:other], self._references, set()) for one, other in itertools.pairwise(places))
        return [run for nodes in parsed for run in self._of_all(nodes, base)]

    def _of_all(self, nodes: Iterable[Inline], style: Style) -> Iterator[Run]:
        for node in nodes:
            match node:
                case Text(text):
                    yield Run(text.replace("\n", " "), style)
                case Code(code):
                    yield Run(code, style + self._style_of("markdown.code"))
                case Formula(source=text) | Note(source=text):
                    yield Run(text, style)
                case Break(tag):
                    yield Run("<br>" if tag else "\n", style)
                case Link():
                    yield from self._link(node, style)
                case Image(alt, url, refused):
                    words = f"image: {alt}" if alt else "image"
                    yield from self._link(Link((Text(words),), url, refused=refused), style)
                case Marked(kind, children, delimiter):
                    if delimiter:
                        yield from self._of_all(children, style + self._style_of(_STYLES[kind]))
                        continue
                    yield Run(f"<{kind}>", style)
                    yield from self._of_all(children, style)
                    yield Run(f"</{kind}>", style)

    def _link(self, node: Link, style: Style) -> Iterator[Run]:
        if node.url is None:
            yield from self._of_all(node.children, style)
            yield Run(f" ({node.refused})" if node.refused else "", style)
            return
        if node.bare or node.url == plain_text(node.children):
            yield from self._of_all(node.children, style)
            return
        yield from self._of_all(node.children, style + self._style_of("markdown.link"))
        yield Run(" (", style)
        yield Run(node.url, style + self._style_of("markdown.link_url"))
        yield Run(")", style)
