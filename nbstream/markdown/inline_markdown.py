"""The inline tree as Markdown that means the same to every parser, and can do nothing in any.

Every mark is written here; what stands for itself is written by `words`. Knows nothing of blocks.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from nbstream.markdown.delimiters import Mark, Piece, joined
from nbstream.markdown.footnotes import Footnotes
from nbstream.markdown.formulas import closed_openers, formula, hide_markers, hide_openers, within_dollars
from nbstream.markdown.inline_parser import parse_inline
from nbstream.markdown.inline_tree import Break, Code, Formula, Image, Link, Marked, Note, Text, plain_text
from nbstream.markdown.links import image_note, is_remote
from nbstream.markdown.open_text import cuts
from nbstream.markdown.words import is_plain, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbstream.markdown.inline_tree import Inline

__all__ = ["InlineMarkdown"]

_BACKTICKS = re.compile(r"`+")
_CODE_LINK = re.compile(r"\][(\[:]")
_NO_ALT = re.compile(r"[\[\]\"$`\\<>&@{}*_|~\n]+")


class InlineMarkdown:
    """Writes the text of leaves.

    Args:
        references: The link reference definitions of the document; every reference becomes an inline link. The names of
            its notes are among them.
        source: The document, for what depends on all of its code.
        allow_images: Whether images loaded by http or https stay images.

    Example:
        >>> InlineMarkdown({}, "", allow_images=False).text("*a* <b> [c](javascript:d)")
        '*a* &lt;b> c'
    """

    def __init__(self, references: Mapping[str, str], source: str, *, allow_images: bool) -> None:
        self._references = references
        self._openers = closed_openers(source)
        self._allow_images = allow_images
        self.footnotes = Footnotes()
        self._in_table = False
        self._cut_code = False
        self._alone: frozenset[str] = frozenset()  # delimiters of which the text has one only

    def line(self, text: str, *, in_table: bool = False) -> str:
        """Return `text` made inert, in one line; in a table no `|` is left bare."""
        self._in_table = in_table
        written = self.text(" ".join(line.strip() for line in text.strip().split("\n")))
        self._in_table = False
        return written.replace("\n", " ")

    def plain(self, row: str) -> str:
        """Return a row of a table as text in one cell, with what was written for marks."""
        return words(row.strip(), in_table=True)

    def text(self, text: str) -> str:
        """Return `text` made inert."""
        if is_plain(text):
            return text
        places = [0, *cuts(text), len(text)]
        parsed = (parse_inline(text[one:other], self._references, set()) for one, other in itertools.pairwise(places))
        nodes = tuple(itertools.chain.from_iterable(parsed))
        self._cut_code = _cuts_code(text, nodes)
        self._alone = frozenset(ch for ch in "*_~^$" if text.count(ch) == 1)
        self._number(nodes)
        pieces: list[Piece] = []
        self._write(nodes, pieces, in_link=False)
        return joined(pieces)

    def _number(self, nodes: Iterable[Inline]) -> None:
        """Give the notes their numbers in reading order."""
        for node in nodes:
            match node:
                case Note(key):
                    self.footnotes.number(key)
                case Link(children, note=note):
                    if note is not None:
                        self.footnotes.number(note)
                    self._number(children)
                case Marked(_, children):
                    self._number(children)

    def _write(self, nodes: Iterable[Inline], pieces: list[Piece], *, in_link: bool) -> None:
        dissolved = _dissolved(nodes, in_link=in_link)
        for number, node in enumerate(dissolved):
            match node:
                case Text(text):
                    last = number + 1 == len(dissolved)
                    before_link = in_link if last else isinstance(dissolved[number + 1], Link | Image)
                    pieces.append(Piece(self._words(text, before_link=before_link)))
                case Code(code):
                    pieces.append(Piece(self._code(code)))
                case Formula():
                    pieces.append(Piece(self._formula(node)))
                case Break(tag):
                    pieces.append(Piece("<br>" if tag or self._in_table else "\\\n"))
                case Note():
                    pieces.append(Piece(f"<sup>{self.footnotes.number(node.key)}</sup>"))
                case Link():
                    self._link(node, pieces)
                case Image(alt, url):
                    pieces.append(Piece(self._image(alt, url, in_link=in_link)))
                case Marked():
                    self._marked(node, pieces, in_link=in_link)

    def _marked(self, node: Marked, pieces: list[Piece], *, in_link: bool) -> None:
        if not node.delimiter:
            # VS Code finds no formula after a tag, unless another tag ends between them.
            is_before_formula = any(isinstance(each, Formula) for each in node.children)
            pieces.append(Piece(f"<{node.kind}>{'<span></span>' * is_before_formula}"))
            self._write(node.children, pieces, in_link=in_link)
            pieces.append(Piece(f"</{node.kind}>"))
            return
        mark = Mark("~~" if node.kind == "del" else node.delimiter)
        pieces.append(Piece("", mark, opens=True))
        self._write(node.children, pieces, in_link=in_link)
        pieces.append(Piece("", mark))

    def _link(self, node: Link, pieces: list[Piece]) -> None:
        shown = plain_text(node.children)
        if node.bare and node.url in {shown, f"mailto:{shown}"}:
            pieces.append(Piece(f"<{shown}>"))
            return
        pieces.append(Piece("["))
        self._write(node.children, pieces, in_link=True)
        pieces.append(Piece(f"]({node.url})"))

    def _image(self, alt: str, url: str | None, *, in_link: bool) -> str:
        if url is not None and self._allow_images and is_remote(url):
            alt = " ".join(_NO_ALT.sub(" ", alt).split())
            return f"![{alt}]({url})"
        label = self._words(image_note(alt))
        return label if url is None or in_link else f"[{label}]({url})"

    def _formula(self, node: Formula) -> str:
        body = formula(node.body, one_line=True)
        if self._in_table:
            body = body.replace("\\|", "\\Vert ").replace("|", "\\vert ")
        if node.kind == "environment" and "$" in body:
            return body
        if node.kind == "environment":
            return f"$${within_dollars(body)}$$"
        return f"$${body}$$" if node.kind == "display" else f"${body}$"

    def _code(self, code: str) -> str:
        code = hide_markers(hide_openers(code, self._openers, markup=self._cut_code))
        if self._in_table:
            code = code.replace("|", "\\|")
        inside = set(map(len, _BACKTICKS.findall(code)))
        run = "`" * next(width for width in range(1, len(code) + 2) if width not in inside)
        pad = (
            " " if code.startswith("`") or code.endswith("`") or (code[:1] == code[-1:] == " " and code.strip()) else ""
        )
        return f"{run}{pad}{code}{pad}{run}"

    def _words(self, text: str, *, before_link: bool = True) -> str:
        return words(text, bare=self._alone, before_link=before_link, in_table=self._in_table)


def _dissolved(nodes: Iterable[Inline], *, in_link: bool) -> list[Inline]:
    """The nodes with the text of links in the place of those that are none, and no two texts side by side."""
    dissolved: list[Inline] = []
    for node in nodes:
        is_none = isinstance(node, Link) and (node.url is None or in_link)
        for each in _dissolved(node.children, in_link=in_link) if isinstance(node, Link) and is_none else [node]:
            if isinstance(each, Note) and not each.known:
                each = Text(each.source)  # noqa: PLW2901
            if isinstance(each, Text) and dissolved and isinstance(dissolved[-1], Text):
                dissolved[-1] = Text(dissolved[-1].text + each.text)
            else:
                dissolved.append(each)
    return dissolved


def _cuts_code(text: str, nodes: tuple[Inline, ...]) -> bool:
    """Whether marked's patterns for emphasis take code in a text wrongly, and then cut through the code beside it."""
    code = " ".join(_codes(nodes))
    return "`" in code or _CODE_LINK.search(code) is not None or ("~" in code and text.count("~") > code.count("~"))


def _codes(nodes: Iterable[Inline]) -> Iterable[str]:
    for node in nodes:
        match node:
            case Code(code):
                yield code
            case Link(children=children) | Marked(children=children):
                yield from _codes(children)
