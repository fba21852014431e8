"""A growing Markdown text cut where it can no longer change, for displays that cannot unprint.

What is printed for good is whole top-level blocks, and the finished lines of code, items of lists and rows of tables,
which grow longest. Pure: text in, pieces of Markdown out.
"""

from __future__ import annotations

import copy
import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from nbstream.display.terminal_work import MOST_TAIL_WORK, takes_too_long, work_of_code, work_of_text
from nbstream.markdown.blocks import BlockParser
from nbstream.markdown.cursor import CODE_INDENT
from nbstream.markdown.links import labels_in
from nbstream.markdown.tree import end_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.markdown.tree import Block, Kind

__all__ = ["LONGEST_PARAGRAPH", "GrowingBlocks", "Piece"]

LONGEST_PARAGRAPH = 8_000
"""A longer one is printed as it was written: it can only be laid out at once, when it ends."""

# How many lines of code, or characters of it, are gathered before they are printed: a lexer that begins in the middle
# may mistake a string.
_CODE_LINES, _CODE_LENGTH = 30, 1_500
# Colouring takes ten times as long as anything else; of the characters of one block of code, no more have colours.
_MOST_COLOURED = 50_000
# With how many cells the complete rows of a table are printed.
_TABLE_CELLS = 100
# More than the longest tail that a display shows; what is left out of an open block appears once the block closes.
_TAIL_LINES, _TAIL_ROWS, _TAIL_LENGTH = 60, 16, 2_500


_CONTAINERS = ("list", "quote")


class Piece(NamedTuple):
    """A part of the text that can be rendered alone.

    Attributes:
        kind: The kind of the block that it is, or is a part of.
        source: Its Markdown, with the definitions that it needs.
        begins: Whether a block begins with it, so that it stands apart from what was printed before.
        number: The number of its first item, if it is the rest of an ordered list, whatever number is written there.
        as_written: Whether it is to be shown as it was written, because drawing it would take too long.
        block: What has been parsed of it, if that is all of it.
        references: The definitions that it needs then.
    """

    kind: Kind
    source: str
    begins: bool = True
    number: int | None = None
    as_written: bool = False
    block: Block | None = None
    references: Mapping[str, str] = MappingProxyType({})


class GrowingBlocks:
    r"""Cuts one growing text.

    Example:
        >>> blocks = GrowingBlocks()
        >>> [piece.source for piece in blocks.append("# Title\nSome **te")]
        ['# Title']
        >>> [piece.source for piece in blocks.tail()]
        ['Some **te']
        >>> [piece.source for piece in blocks.finish()]
        ['Some **te']
    """

    def __init__(self) -> None:
        self._parser = BlockParser()
        self._lines: list[str] = []  # the complete ones that are still needed
        self._first = 1  # the number of the first of them
        self._parts: list[str] = []  # of the last line
        self._printed = 0  # the number of the last line that was given out
        self._dropped = 0  # how many items of the open list have been given out and forgotten
        self._coloured = 0  # how many characters of the open code may have colours

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
        return [piece for block in blocks for piece in self._end_of(block, lines)]

    def _feed(self, line: str) -> None:
        self._lines.append(line)
        self._parser.feed(line)

    def _settled(self) -> list[Piece]:
        children = self._parser.document.children
        pieces = []
        while children and not children[0].open:
            block = children.pop(0)
            pieces += self._given_out(block, end_line(block))
            self._dropped = self._coloured = 0
        if children:
            pieces += self._given_out(children[0], self._final_part(children[0]))
            if children[0].kind in _CONTAINERS:
                self._dropped += max(0, len(children[0].children) - 2)
                children[0].children[:-2] = []  # none of them is looked at again
        needed = max(children[0].start, self._printed + 1) if children else self._first + len(self._lines)
        del self._lines[: needed - self._first]
        self._first = needed
        return pieces

    def _given_out(self, block: Block, end: int) -> list[Piece]:
        """What is new of a block up to the line `end`."""
        pieces: list[Piece] = []
        for as_written, grouped in itertools.groupby(_units(block), lambda unit: _is_too_much(block, unit)):
            units = list(grouped)
            last = min(end, max(map(end_line, units)))
            if last <= self._printed:
                continue
            begin = max(block.start, self._printed + 1)
            if block.kind != "definitions":
                piece = self._piece(block, begin, last, self._lines, as_written=as_written)
                pieces.append(piece if as_written else self._parsed(piece, block, units, begin, last))
                self._coloured += len(piece.source)
            self._printed = last
        return pieces

    def _parsed(self, piece: Piece, block: Block, units: list[Block], begin: int, end: int) -> Piece:
        """The piece with what has been parsed of it, if that is all of it: to parse it takes longer than to draw it."""
        units = [unit for unit in units if begin <= end_line(unit) and unit.start <= end]
        whole = all(begin <= unit.start and end_line(unit) <= end and not unit.open for unit in units)
        if not whole or block.kind == "footnote":
            return piece
        if units[0] is not block and len(units) < len(block.children):
            block = copy.copy(block)
            block.children = units
        return piece._replace(block=block, references=self._parser.references)

    def _final_part(self, block: Block) -> int:
        """The last line of an open block up to which it can no longer change, or 0."""
        if block.kind == "code" and block.fence is not None:
            final = block.start + len(block.lines)
            waiting = block.lines[max(0, self._printed - block.start) :]
            return final if len(waiting) >= _CODE_LINES or sum(map(len, waiting)) >= _CODE_LENGTH else 0
        if block.kind == "table":
            final = block.start + len(block.lines)
            rows = final - max(self._printed, block.start + 1)
            return final if rows * len(block.align) >= _TABLE_CELLS else 0
        final = 0
        if block.kind in _CONTAINERS and len(block.children) > 1:
            final = end_line(block.children[-2])
        if (units := _units(block)) and _is_too_much(block, units[-1]):
            # The last line of a paragraph may yet be the head of a table.
            final = end_line(block) - (block.kind == "paragraph")
        return final

    def _end_of(self, block: Block, lines: list[str]) -> list[Piece]:
        """What is shown of an open block: its last lines, as many as are drawn in no time."""
        end = self._first + len(lines) - 1
        begin = max(block.start, self._printed + 1, end - (_TAIL_ROWS if block.kind == "table" else _TAIL_LINES) + 1)
        if begin > end:
            return []
        as_written = bool(units := _units(block)) and _is_too_much(block, units[-1])
        lines = [*lines[:-1], _end_of_line(block, lines[-1])]
        place, room = end, MOST_TAIL_WORK - _work(block, lines[-1])
        while place > begin and room >= 0:
            room -= _work(block, lines[place - 1 - self._first])
            place -= room >= 0
        return [self._piece(block, place, end, lines, as_written=as_written)]

    def _piece(self, block: Block, begin: int, end: int, lines: list[str], *, as_written: bool) -> Piece:
        """The given lines of a block, so that they are parsed as they are within it."""
        chosen, number = lines[begin - self._first : end - self._first + 1], None
        if block.was_math or as_written:
            kind: Kind = "math" if block.was_math else block.kind
            return Piece(kind, "\n".join(chosen), begins=self._printed < block.start, as_written=True)
        if block.kind == "code" and block.fence is not None and begin > block.start:
            info = block.fence.info if self._coloured <= _MOST_COLOURED else ""
            chosen = [block.fence.run + info, *chosen]
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
        if self._parser.references and block.kind not in {"code", "math"} and "[" in text:
            labels = labels_in(text) & self._parser.references.keys()
            known = ((label, self._parser.references[label]) for label in sorted(labels) if label[:1] != "^")
            text += "".join(f"\n\n[{label}]: <{url}>" for label, url in known)
        return Piece(block.kind, text, begins=self._printed < block.start, number=number)


def _units(block: Block) -> list[Block]:
    """What of a block is printed on its own."""
    return block.children if block.kind in _CONTAINERS else [block]


def _is_too_much(block: Block, unit: Block) -> bool:
    """Whether a unit of a block at the top is to be shown as it was written."""
    if unit is block and (block.kind in {"math", "table"} or (block.kind == "code" and block.fence is not None)):
        return False  # it is printed in parts
    too_long = block.kind == "paragraph" and sum(map(len, block.lines)) > LONGEST_PARAGRAPH
    return too_long or takes_too_long(unit)


def _work(block: Block, line: str) -> int:
    """The work of a line, alone."""
    if block.kind == "code":
        return work_of_code(len(line), block.language)
    return work_of_text(line)


def _end_of_line(block: Block, line: str) -> str:
    kept = line[-_TAIL_LENGTH:]
    while _work(block, kept) > MOST_TAIL_WORK:
        kept = kept[len(kept) // 2 :]
    return line if kept == line else kept.partition(" ")[2] or kept
