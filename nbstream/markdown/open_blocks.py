"""The chain of blocks that are still open: what the current line continues, opens, takes over and closes.

Knows nothing of how a line is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.markdown.footnotes import note_key
from nbstream.markdown.literals import balanced
from nbstream.markdown.references import take_definitions
from nbstream.markdown.tree import LONGEST_MATH, MOST_LOOSENED, NOTHING, Block, Fence, end_line

if TYPE_CHECKING:
    from nbstream.markdown.tree import Kind

__all__ = ["OpenBlocks"]

_DEEPEST = 40


def _can_contain(parent: Block, kind: Kind) -> bool:
    if parent.kind == "list":
        return kind == "item"
    return kind != "item" and parent.kind in {"document", "quote", "item", "footnote"}


def _is_formula(block: Block) -> bool:
    """Whether this is code that GitHub shows as a formula."""
    if block.kind != "code" or block.fence is None or block.fence.info.split()[:1] != ["math"]:
        return False
    text = block.text
    is_one = bool(text.strip()) and "$" not in text and "`" not in text and balanced(text)
    return is_one and len(text) <= LONGEST_MATH


def _lighten(block: Block) -> None:
    """Free what a block needs only as long as it is open."""
    block.children = block.children or NOTHING
    block.lines = block.lines or NOTHING
    if block.kind == "item":
        block.marker = None


class OpenBlocks:
    """The open blocks of one text, and the tree that they belong to."""

    def __init__(self) -> None:
        self.document = Block("document")
        self.references: dict[str, str] = {}
        self.notes: dict[str, Block] = {}
        self._spine = [self.document]
        self._depth = 1
        self._number = 0
        self._math_length = 0  # of the open formula
        self._blank = False  # whether the last line was

    @property
    def container(self) -> Block:
        """The deepest block that the current line continues."""
        return self._spine[self._depth - 1]

    @property
    def tip(self) -> Block:
        """The deepest open block."""
        return self._spine[-1]

    @property
    def full(self) -> bool:
        """Whether blocks are nested so deeply that further markers are text; drawing the tree is recursive."""
        return self._depth > _DEEPEST

    def open(self, block: Block, *, lines_before: int = 0) -> Block:
        """Add `block` where the current line stands, closing what the line does not continue.

        Args:
            block: The block; its line numbers are filled in.
            lines_before: How many lines before the current one it took over from a paragraph.

        Returns:
            The block.
        """
        self._close_to(self._depth)
        while not _can_contain(self.tip, block.kind):
            self._close_to(len(self._spine) - 1)
        parent = self.tip
        block.start, block.end = self._number - lines_before, self._number
        if parent.children and block.start > end_line(parent.children[-1]) + 1:
            self._loosen(parent)
        parent.children.append(block)
        self._spine.append(block)
        self._depth = len(self._spine)
        return block

    def _loosen(self, parent: Block) -> None:
        """A blank line between items, or between the children of an item, makes the whole list loose."""
        owner = parent if parent.kind == "list" else self._spine[-2] if parent.kind == "item" else None
        if owner is None:
            return
        if len(owner.children) <= MOST_LOOSENED:
            owner.loose = True
        elif parent.kind == "item":
            parent.loose = True

    def define_note(self, label: str, block: Block) -> None:
        """Take in a footnote; the first of a label wins.

        Its name is put among the references, too: what waits for one is drawn again when it comes.
        """
        self.notes.setdefault(note_key(label), block)
        self.references.setdefault(note_key(label), "")

    def close_tip(self) -> None:
        """Close the deepest open block: the current line ended it."""
        self._close_to(len(self._spine) - 1)
        self._depth = len(self._spine)

    def take_paragraph(self) -> Block | None:
        """Take the open paragraph away to make something else of it, without the definitions in front.

        Returns:
            The paragraph, or None if definitions were all it held: it stays, closed.
        """
        paragraph = self.tip
        rest = take_definitions(paragraph.text, self.references)
        if not rest:
            self.close_tip()
            return None
        paragraph.lines = rest.split("\n")
        self._drop_tip()
        return paragraph

    def take_last_line(self) -> str:
        """Take the last line of the open paragraph away, and the paragraph with it if that was all."""
        paragraph = self.tip
        line = paragraph.lines.pop()
        paragraph.end -= 1
        if not paragraph.lines:
            self._drop_tip()
        return line

    def _drop_tip(self) -> None:
        self._spine.pop()
        self.tip.children.pop()
        self._depth = len(self._spine)

    def _close_to(self, depth: int) -> None:
        while len(self._spine) > depth:
            block = self._spine.pop()
            block.open = False
            if block.kind == "math" and not block.level and block.lines[0].strip():
                block.kind = "paragraph"
                block.lines[0] = (block.fence.run if block.fence else "") + block.lines[0]
            if block.kind == "paragraph":
                rest = take_definitions(block.text, self.references)
                block.kind = "paragraph" if rest else "definitions"
                block.lines = rest.split("\n")
            elif _is_formula(block):
                block.kind, block.lines, block.level = "math", ["", *block.lines, ""], 1
                block.fence = Fence("$$", block.fence.indent if block.fence else 0)
            elif block.kind == "code" and block.fence is None:
                while block.lines and not block.lines[-1].strip():
                    block.lines.pop()
            _lighten(block)
