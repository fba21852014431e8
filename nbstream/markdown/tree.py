"""The block tree: what the block phase builds and the dialect draws.

Knows neither how a line is parsed nor what HTML looks like.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = [
    "LONGEST_MATH",
    "MOST_LOOSENED",
    "NOTHING",
    "NOT_IN_PLACE",
    "Block",
    "Fence",
    "Kind",
    "Marker",
    "Remark",
    "end_line",
]

Kind: TypeAlias = Literal[
    "code",
    "definitions",
    "document",
    "footnote",
    "heading",
    "item",
    "list",
    "math",
    "paragraph",
    "quote",
    "remark",
    "rule",
    "settled",
    "table",
]

NOT_IN_PLACE = frozenset({"definitions", "footnote"})
"""The kinds of blocks that are not shown where they stand."""

# Code in no language. nbconvert writes most of these names above it, and shows it in another font for `text`; what is
# called `math` would be a formula on GitHub and in pandoc.
_NO_LANGUAGES = {"math", "plain", "plaintext", "text", "txt"}
# As R Markdown and Quarto write it: `{r, echo=FALSE}`, `{.python}`.
_BRACED = re.compile(r"\{\.?([A-Za-z][\w+#-]*)[,}]?")
LONGEST_MATH = 8_000
"""A longer formula is shown as it was written: it would have to be drawn at once, here and by what typesets it."""

NOTHING: list[Any] = []
"""The children, or the lines, of a closed block that has none: a list of its own is one more for Python's collector."""

MOST_LOOSENED = 2_000
"""Making a list loose changes all of its items; one with more of them stays as it is."""


class Remark(NamedTuple):
    """A line in plain words, not Markdown, that stands between two stretches of a text, in a block of its own.

    Attributes:
        words: What it says; of an image, what it says to those who do not see it.
        detail: More about it, which a page shows folded and a saved text leaves out.
        url: An address that follows the words, as a link where it may be one.
        source: A data URL of an image or a sound that is shown in place of the words, see `remarks`.
        size: How large the image is shown, as in `"640x480"`.
    """

    words: str
    detail: str = ""
    url: str = ""
    source: str = ""
    size: str = ""

    @property
    def lines(self) -> list[str]:
        """Its fields, as the lines of a block."""
        return list(self)


@dataclass(frozen=True, slots=True)
class Marker:
    """A list marker: `bullet` is the character that makes a list of its own (`-`, `+`, `*`, `.` or `)`)."""

    bullet: str
    number: int | None
    indent: int
    width: int


@dataclass(frozen=True, slots=True)
class Fence:
    r"""The opening of fenced code (its run, indentation and info string) or of a math block (`$$`, `\[`)."""

    run: str
    indent: int
    info: str = ""


@dataclass(slots=True, eq=False)
class Block:
    """One node.

    Attributes:
        kind: What it is; a paragraph of nothing but definitions becomes `definitions`, and `settled` are children that
            nobody looks into any more, of which only `cache` is left.
        start: The number of its first line.
        end: The number of its last own line with content.
        open: False once nothing can be added.
        children: The blocks inside a container.
        lines: The lines of a leaf; the label of a footnote; the fields of a remark.
        level: The level of a heading; 1 for a math block that was properly ended.
        loose: Whether blank lines separate the items of a list; of an item, whether they separate its children although
            its list is tight, because it is too long to be changed.
        task: The mark in the check box of an item (a space or an `x`), if it has one; of a list, that of its last one.
        marker: The marker of an item while it is open, and of the first item for a list.
        fence: How fenced code or a math block was opened; None for indented code.
        align: The alignment of the columns of a table.
        cache: Room for a renderer to keep what it made from the node.
    """

    kind: Kind
    start: int = 0
    end: int = 0
    open: bool = True
    children: list[Block] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    level: int = 0
    loose: bool = False
    task: str = ""
    marker: Marker | None = None
    fence: Fence | None = None
    align: tuple[str, ...] = ()
    cache: object = None

    def fork(self) -> Block:
        """Return a copy that can grow without touching this block; children and lines are shared values."""
        twin = copy.copy(self)
        twin.children = self.children.copy()
        twin.lines = self.lines.copy()
        twin.cache = None
        return twin

    @property
    def language(self) -> str:
        """The language of fenced code; empty if it is in none, or none was given."""
        name = self.fence.info.split(maxsplit=1)[0] if self.fence and self.fence.info else ""
        if name.startswith("{"):
            name = found[1] if (found := _BRACED.fullmatch(name)) else ""
        return "" if name.lower() in _NO_LANGUAGES else name

    @property
    def was_math(self) -> bool:
        """Whether it is code that was a formula until it became too long."""
        return self.kind == "code" and self.fence is not None and self.fence.run in {"$$", "\\["}

    @property
    def text(self) -> str:
        """The lines of a leaf as one text."""
        return "\n".join(self.lines)


def end_line(block: Block) -> int:
    """Return the number of the last line with content in `block` or anything inside it."""
    end = block.end
    while block.children:
        block = block.children[-1]
        end = max(end, block.end)
    return end
