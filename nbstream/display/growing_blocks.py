"""A growing Markdown text cut where it can no longer change, for displays that cannot unprint.

What is printed for good is whole top-level blocks, and the finished lines of code, items of lists and rows of tables,
which grow longest. Pure: text in, pieces of Markdown out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbstream.markdown.blocks import BlockParser
from nbstream.markdown.cursor import CODE_INDENT
from nbstream.markdown.links import labels_in
from nbstream.markdown.tree import end_line

if TYPE_CHECKING:
    from nbstream.markdown.tree import Block, Kind

__all__ = ["LONGEST_PARAGRAPH", "GrowingBlocks", "Piece"]

LONGEST_PARAGRAPH = 8_000
"""A longer one is printed as it was written: it can only be laid out at once, when it ends."""

# How many lines of code are gathered before they are printed: a lexer that begins in the middle may mistake a string.
_CODE_LINES = 30
# With how many cells the complete rows of a table are printed: laying one out takes a tenth of a millisecond.
_TABLE_CELLS = 100
# More than the longest tail that a display shows; what is left out of an open block appears once the block closes.
_TAIL_LINES, _TAIL_ROWS, _TAIL_LENGTH = 60, 16, 2_500


class Piece(NamedTuple):
    """A part of the text that can be rendered alone.

    Attributes:
        kind: The kind of the block that it is, or is a part of.
        source: Its Markdown, with the definitions that it needs.
        begins: Whether a block begins with it, so that it stands apart from what was printed before.
        number: The number of its first item, if it is the rest of an ordered list, whatever number is written there.
    """

    kind: Kind
    source: str
    begins: bool = True
    number: int | None = None


class GrowingBlocks:
    r"""Cuts one growing text.

    Example:
        >>> blocks = GrowingBlocks()
        >>> blocks.append("# Title\nSome **te")
        [Piece(kind='heading', source='# Title', begins=True, number=None)]
        >>> blocks.tail()
        [Piece(kind='paragraph', source='Some **te', begins=True, number=None)]
        >>> blocks.finish()
        [Piece(kind='paragraph', source='Some **te', begins=True, number=None)]
    """

    def __init__(self) -> None:
        self._parser = BlockParser()
        self._lines: list[str] = []  # the complete ones that are still needed
        self._first = 1  # the number of the first of them
        self._parts: list[str] = []  # of the last line
        self._printed = 0  # the number of the last line that was given out
        self._dropped = 0  # how many items of the open list have been given out and forgotten

    def append(self, text: str) -> list[Piece]:
        """Take in the next piece of the text, without carriage returns; return what has become final."""
        *complete, last = text.split("\n")
        for line in complete:
            self._feed("".join([*self._parts, line]))
            self._parts.clear()
        self._parts.append(last)
        return self._settled() if complete else []

    def finish(self) -> list[Piece]:
        """Return the rest of what has arrived: what comes after it, if anything, begins a block of its own."""
        if last := "".join(self._parts):
            self._feed(last)
        self._parts.clear()
        self._parser.interrupt()
        return self._settled()

    def tail(self) -> list[Piece]:
        """What is still open, as it looks now. Of a long block it is the end."""
        parser, lines = self._parser.fork(), self._lines
        if last := "".join(self._parts):
            parser.feed(last)
            lines = [*lines, last]
        # An open paragraph may yet be a definition, but as long as it is the last line it is better shown.
        blocks = [block for block in parser.document.children if block.kind != "definitions"]
        return [self._end_of(block, lines) for block in blocks]

    def _feed(self, line: str) -> None:
        self._lines.append(line)
        self._parser.feed(line)

    def _settled(self) -> list[Piece]:
        children = self._parser.document.children
        pieces = []
        while children and not children[0].open:
            block = children.pop(0)
            pieces += self._given_out(block, end_line(block))
            self._dropped = 0
        if children:
            pieces += self._given_out(children[0], self._final_part(children[0]))
        needed = max(children[0].start, self._printed + 1) if children else self._first + len(self._lines)
        del self._lines[: needed - self._first]
        self._first = needed
        return pieces

    def _given_out(self, block: Block, end: int) -> list[Piece]:
        """What is new of a block up to the line `end`."""
        if end <= self._printed:
            return []
        begin = max(block.start, self._printed + 1)
        pieces = [] if block.kind == "definitions" else [self._piece(block, begin, end, self._lines)]
        self._printed = end
        return pieces

    def _final_part(self, block: Block) -> int:
        """The last line of an open block up to which it can no longer change, or 0."""
        if block.kind == "code" and block.fence is not None:
            final = block.start + len(block.lines)
            return final if final - max(self._printed, block.start) >= _CODE_LINES else 0
        if block.kind == "table":
            final = block.start + len(block.lines)
            rows = final - max(self._printed, block.start + 1)
            return final if rows * len(block.align) >= _TABLE_CELLS else 0
        if block.kind == "list" and len(block.children) > 1:
            self._dropped += len(block.children) - 2
            block.children[:-2] = []  # none of them is looked at again
            return end_line(block.children[-2])
        return 0

    def _end_of(self, block: Block, lines: list[str]) -> Piece:
        end = self._first + len(lines) - 1
        begin = max(block.start, self._printed + 1, end - _TAIL_LINES + 1)
        if block.kind == "table" and end - begin > _TAIL_ROWS:
            begin = end - _TAIL_ROWS + 1
        length = sum(map(len, lines[begin - self._first :]))
        while begin < end and length > _TAIL_LENGTH:
            length -= len(lines[begin - self._first])
            begin += 1
        piece = self._piece(block, begin, end, lines)
        if len(piece.source) <= _TAIL_LENGTH:
            return piece
        return piece._replace(source=piece.source[-_TAIL_LENGTH:].partition(" ")[2])

    def _piece(self, block: Block, begin: int, end: int, lines: list[str]) -> Piece:
        """The given lines of a block, so that they are parsed as they are within it."""
        chosen, number = lines[begin - self._first : end - self._first + 1], None
        if block.was_math:
            return Piece("math", "\n".join(chosen), begins=self._printed < block.start)
        if block.kind == "code" and block.fence is not None and begin > block.start:
            chosen = [block.fence.run + block.fence.info, *chosen]
        elif block.kind == "table" and begin > block.start + 1:
            chosen = [block.lines[0], "|" + "-|" * len(block.align), *chosen]
        elif block.kind == "list" and block.marker is not None and block.marker.number is not None:
            before = sum(item.start < begin for item in block.children)
            number = block.marker.number + self._dropped + before
        elif block.kind == "footnote":
            # Other parsers take it for a link reference definition, which shows nothing, and what is indented for code.
            first, *rest = [line.removeprefix(" " * CODE_INDENT) for line in chosen]
            chosen = [f"\\{first}" if begin == block.start else first, *rest]
        text = "\n".join(chosen)
        as_written = block.kind in {"code", "math"} or (block.kind == "paragraph" and len(text) > LONGEST_PARAGRAPH)
        if self._parser.references and not as_written and "[" in text:
            labels = labels_in(text) & self._parser.references.keys()
            known = ((label, self._parser.references[label]) for label in sorted(labels) if label[:1] != "^")
            text += "".join(f"\n\n[{label}]: <{url}>" for label, url in known)
        return Piece(block.kind, text, begins=self._printed < block.start, number=number)
