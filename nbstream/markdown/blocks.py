"""The block phase: CommonMark's line-by-line algorithm with GFM tables and math blocks, kept as running state.

Each line is parsed once, against the chain of blocks that are still open. Raw HTML is text here.
Knows nothing of inline marks, HTML output or streaming; how a block starts is in `starts`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbstream.markdown.cursor import CODE_INDENT, Cursor
from nbstream.markdown.open_blocks import OpenBlocks
from nbstream.markdown.references import take_definitions
from nbstream.markdown.source import clean, lines_of
from nbstream.markdown.starts import math_end, start_block
from nbstream.markdown.tree import LONGEST_MATH, Block, Remark

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BlockParser", "parse"]

# How many lines of a paragraph are looked at for a definition that has ended, so that it is not read again and again.
_LONGEST_DEFINITION = 20
# Of the lines of a paragraph so many are kept apart: all that are there are copied and joined at each update.
_MOST_LINES = 200
_VERBATIM = ("code", "math")
_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_FENCE_END = re.compile(r"(`{3,}|~{3,})[ \t]*")


class BlockParser(OpenBlocks):
    """Builds the block tree from complete lines.

    Example:
        >>> parser = BlockParser()
        >>> for line in ("Steps:", "- one"):
        ...     parser.feed(line)
        >>> parser.close()
        >>> [block.kind for block in parser.document.children]
        ['paragraph', 'list']
    """

    def fork(self) -> BlockParser:
        """Return a parser in the same state whose future does not touch this one; costs the open blocks only."""
        twin = BlockParser()
        twin.references = self.references.copy()
        twin.notes = self.notes.copy()
        twin._number = self._number
        twin._math_length = self._math_length
        twin._blank = self._blank
        twin._spine = [block.fork() for block in self._spine]
        for parent, child in zip(twin._spine, twin._spine[1:], strict=False):
            parent.children[-1] = child
        twin.document = twin._spine[0]
        return twin

    def feed(self, line: str) -> None:
        """Parse one line, given without its line end."""
        self._number += 1
        blank = not line.strip(" \t")
        if blank and self._blank and self.tip.kind not in _VERBATIM:
            return  # the one before has changed what there was to change, however deep the blocks are
        self._blank = blank
        cursor = Cursor(line)
        if self._continue(cursor):
            return
        while self.container.kind not in _VERBATIM:
            started = start_block(self, cursor)
            if started == "line":
                return
            if started is None:
                break
        self._add_text(cursor)

    def interrupt(self, remark: Remark | None = None) -> None:
        """Close every open block but the document: what follows begins a block of its own.

        Definitions and notes hold for the whole document, whatever stands between them and their use.

        Args:
            remark: What stands there.
        """
        self._close_to(1)
        self._depth = 1
        self._blank = False
        if remark is not None:
            self.open(Block("remark", lines=remark.lines))
            self.close_tip()

    def close(self) -> None:
        """Close every open block: the text has ended."""
        self._close_to(0)

    def _continue(self, cursor: Cursor) -> bool:
        """Match the line against the open blocks; return whether it was used up (it closed a fence)."""
        self._depth = 1
        for block in self._spine[1:]:
            if block.kind == "code" and block.fence is not None and _ends_fence(cursor, block):
                block.end = self._number
                self._close_to(self._depth)
                return True
            if not self._continues(cursor, block):
                break
            self._depth += 1
        return False

    def _continues(self, cursor: Cursor, block: Block) -> bool:
        kind = block.kind
        if kind == "item":
            return _continue_item(cursor, block)
        if kind == "quote":
            if cursor.indented or not cursor.text.startswith(">"):
                return False
            cursor.skip_indent()
            cursor.skip_text(1)
            cursor.skip_optional_space()
            block.end = self._number
            return True
        if kind == "footnote":
            return _continue_footnote(cursor)
        if kind == "code" and block.fence is None:
            if cursor.indented:
                cursor.skip_columns(CODE_INDENT)
            elif not cursor.blank:
                return False
            else:
                cursor.skip_indent()
            return True
        if kind in {"paragraph", "table"}:
            return not cursor.blank
        if kind == "code" and block.fence is not None:
            cursor.skip_columns(min(block.fence.indent, cursor.indent))
        # Content after the opening `$$` and then a blank line: it never was display math.
        return not (kind == "math" and cursor.blank and block.lines[0].strip())

    def _add_text(self, cursor: Cursor) -> None:
        tip = self.tip
        if self._depth < len(self._spine) and not cursor.blank and tip.kind == "paragraph":
            self._grow(tip, cursor.text)
            return
        self._close_to(self._depth)
        tip = self.tip
        if tip.kind == "math":
            self._add_math(tip, cursor)
        elif tip.kind == "code":
            tip.lines.append(cursor.rest)
            tip.end = self._number if tip.fence or not cursor.blank else tip.end
            if tip.fence and tip.fence.run[0] in "$\\" and math_end(tip, cursor.rest):
                self.close_tip()
        elif tip.kind in {"paragraph", "table"}:
            self._grow(tip, cursor.text)
        elif not cursor.blank:
            self._open_paragraph(cursor.text)

    def _open_paragraph(self, text: str) -> None:
        paragraph = self.open(Block("paragraph"))
        item = self._spine[-2]
        if item.kind == "item" and len(item.children) == 1 and (task := _TASK.match(text)):
            item.task, text = task[1], text[task.end() :]
            self._spine[-3].task = item.task
        self._grow(paragraph, text)

    def _add_math(self, block: Block, cursor: Cursor) -> None:
        found = math_end(block, cursor.rest)
        if found is None:
            before = self._math_length if len(block.lines) > 1 else len(block.lines[0])
            self._math_length = before + 1 + len(cursor.rest)
            self._grow(block, cursor.rest)
            if self._math_length > LONGEST_MATH and block.fence:
                block.kind = "code"
                block.lines[0] = block.fence.run + block.lines[0]
            return
        body, tail = found
        self._grow(block, body)
        block.level = 1
        self.close_tip()
        if tail:
            self._grow(self.open(Block("paragraph")), tail)

    def _grow(self, block: Block, line: str) -> None:
        if (
            line.startswith("[")
            and block.lines
            and block.kind == "paragraph"
            and len(block.lines) <= _LONGEST_DEFINITION
        ):
            self._take_definitions(block)
        if len(block.lines) > _MOST_LINES and block.kind == "paragraph":
            block.lines = ["\n".join(block.lines)]
        block.lines.append(line)
        block.end = self._number

    def _take_definitions(self, block: Block) -> None:
        """Take the definitions out of a paragraph that holds nothing else."""
        found: dict[str, str] = {}
        if not take_definitions(block.text, found):
            for label, url in found.items():
                self.references.setdefault(label, url)
            block.lines.clear()


def parse(texts: Iterable[str | Remark]) -> BlockParser:
    """Parse a whole document: Markdown, and remarks between stretches of it.

    Example:
        >>> parser = parse(["See [this].", Remark("Tool call: look_up"), "[this]: /a"])
        >>> [block.kind for block in parser.document.children], parser.references
        (['paragraph', 'remark', 'definitions'], {'this': '/a'})
    """
    parser = BlockParser()
    for text in texts:
        if isinstance(text, Remark):
            parser.interrupt(text)
        else:
            for line in lines_of(clean(text)):
                parser.feed(line)
    parser.close()
    return parser


def _ends_fence(cursor: Cursor, block: Block) -> bool:
    if cursor.indented or block.fence is None:
        return False
    found = _FENCE_END.fullmatch(cursor.text)
    return found is not None and found[1].startswith(block.fence.run)


def _continue_item(cursor: Cursor, item: Block) -> bool:
    marker = item.marker
    if marker is None:
        return False
    if cursor.blank:
        cursor.skip_indent()
        return bool(item.children)
    if cursor.indent < marker.indent + marker.width:
        return False
    cursor.skip_columns(marker.indent + marker.width)
    return True


def _continue_footnote(cursor: Cursor) -> bool:
    if cursor.indented:
        cursor.skip_columns(CODE_INDENT)
        return True
    return cursor.blank
