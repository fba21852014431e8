"""How each kind of block starts, tried in order on what is left of a line.

Each function looks at the cursor and either leaves everything alone (None), opens a container and moves the cursor
behind its marker ("container"), or uses the line up ("line"). Knows nothing of how blocks continue or end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbstream.markdown.cursor import CODE_INDENT
from nbstream.markdown.links import unescape
from nbstream.markdown.literals import escaped_bracket
from nbstream.markdown.tables import alignment
from nbstream.markdown.tree import LONGEST_MATH, Block, Fence, Marker

if TYPE_CHECKING:
    from nbstream.markdown.cursor import Cursor
    from nbstream.markdown.open_blocks import OpenBlocks

__all__ = ["math_end", "start_block"]


Started: TypeAlias = Literal["container", "line"] | None

_MAYBE_SPECIAL = re.compile(r"[#`~*+_=<>0-9\-$\\|:\[]")
_HEADING = re.compile(r"(#{1,6})(?:[ \t]+|$)")
_FENCE = re.compile(r"(`{3,})([^`]*)|(~{3,})(.*)")
_SETEXT = re.compile(r"(=+|-+)[ \t]*")
_RULE = re.compile(r"(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,}")
# A longer one is text: all of it would have to be drawn at once if its last character made it none.
_LONGEST_RULE = 1_000
# A longer paragraph is none, whatever is below it: all of it would have to be drawn again.
_LONGEST_HEADING = 8_000
_BULLET = re.compile(r"[*+-](?=[ \t]|$)")
_NUMBER = re.compile(r"(\d{1,9})([.)])(?=[ \t]|$)")
_FOOTNOTE = re.compile(r"\[\^([^\]\s]+)\]:")
_MATH = re.compile(r"(\$\$(?!\$)|\\\[)(.*)")
_MATH_CLOSER = {"$$": "$$", "\\[": "\\]"}


def start_block(parser: OpenBlocks, cursor: Cursor) -> Started:
    """Try every kind of block at the cursor."""
    if cursor.indented:
        return _indented_code(parser, cursor)
    text = cursor.text
    if not _MAYBE_SPECIAL.match(text):
        return None
    for start in _LEAVES if parser.full else _STARTS:
        started = start(parser, cursor, text)
        if started:
            return started
    return None


def _quote(parser: OpenBlocks, cursor: Cursor, text: str) -> Started:
    if not text.startswith(">"):
        return None
    cursor.skip_indent()
    cursor.skip_text(1)
    cursor.skip_optional_space()
    parser.open(Block("quote"))
    return "container"


def _heading(parser: OpenBlocks, _cursor: Cursor, text: str) -> Started:
    found = _HEADING.match(text)
    if found is None:
        return None
    parser.open(Block("heading", level=len(found[1]), lines=[_without_closing_hashes(text[found.end() :].strip())]))
    parser.close_tip()
    return "line"


def _without_closing_hashes(content: str) -> str:
    bare = content.rstrip("#")
    return bare.rstrip(" \t") if not bare or bare[-1] in " \t" else content


def _fence(parser: OpenBlocks, cursor: Cursor, text: str) -> Started:
    found = _FENCE.fullmatch(text)
    if found is None:
        return None
    run, info = (found[1], found[2]) if found[1] else (found[3], found[4])
    parser.open(Block("code", fence=Fence(run, cursor.indent, unescape(info.strip()))))
    return "line"


def _math(parser: OpenBlocks, cursor: Cursor, text: str) -> Started:
    found = _MATH.fullmatch(text) if len(text) <= LONGEST_MATH else None
    if found is None:
        return None
    if found[1] == "\\[" and escaped_bracket(found[2]):
        return None
    block = Block("math", fence=Fence(found[1], cursor.indent))
    ended = math_end(block, found[2])
    if ended is None:
        block.lines = [found[2]]
        parser.open(block)
        return "line"
    body, tail = ended
    if tail or not body.strip():
        return None  # text continues after it: display math inside a paragraph
    block.lines, block.level = [body], 1
    parser.open(block)
    parser.close_tip()
    return "line"


def math_end(block: Block, line: str) -> tuple[str, str] | None:
    """Return what stands before and after the end of math block `block` in `line`, or None if it continues."""
    closer = _MATH_CLOSER[block.fence.run] if block.fence else "$$"
    body, found, tail = line.partition(closer)
    if not found:
        return None
    # Punctuation behind the closing mark belongs to the formula's sentence and would be a paragraph of its own.
    return body, "" if tail.strip() in {"", ".", ",", ";"} else tail.strip()


def _setext(parser: OpenBlocks, _cursor: Cursor, text: str) -> Started:
    if parser.container.kind != "paragraph" or not (found := _SETEXT.fullmatch(text)):
        return None
    if sum(map(len, parser.container.lines)) > _LONGEST_HEADING:
        return None
    paragraph = parser.take_paragraph()
    if paragraph is None:
        return None
    level = 1 if found[1][0] == "=" else 2
    parser.open(Block("heading", level=level, lines=paragraph.lines), lines_before=len(paragraph.lines))
    parser.close_tip()
    return "line"


def _rule(parser: OpenBlocks, _cursor: Cursor, text: str) -> Started:
    if len(text) > _LONGEST_RULE or not _RULE.fullmatch(text):
        return None
    parser.open(Block("rule"))
    parser.close_tip()
    return "line"


def _item(parser: OpenBlocks, cursor: Cursor, text: str) -> Started:
    found = _BULLET.match(text) or _NUMBER.match(text)
    if found is None:
        return None
    number = int(found[1]) if found.re is _NUMBER else None
    content = text[found.end() :].strip()
    if parser.container.kind == "paragraph" and (not content or number not in {None, 1}):
        return None  # only a list that starts at 1 and says something may interrupt a paragraph
    indent = cursor.indent
    cursor.skip_indent()
    cursor.skip_text(found.end())
    gap = cursor.indent
    # A marker followed by code, or by nothing, is one column away from its content.
    gap = gap if content and gap <= CODE_INDENT else 1
    cursor.skip_columns(gap)
    marker = Marker(found[0][-1], number, indent, found.end() + gap)
    holder = parser.container
    if holder.kind != "list" or holder.marker is None or holder.marker.bullet != marker.bullet:
        parser.open(Block("list", marker=marker))
    parser.open(Block("item", marker=marker))
    return "container"


def _footnote(parser: OpenBlocks, cursor: Cursor, text: str) -> Started:
    found = _FOOTNOTE.match(text)
    if found is None:
        return None
    cursor.skip_indent()
    cursor.skip_text(found.end())
    cursor.skip_indent()
    parser.define_note(found[1], parser.open(Block("footnote", lines=[found[1]])))
    return "container"


def _table(parser: OpenBlocks, _cursor: Cursor, text: str) -> Started:
    if parser.container.kind != "paragraph":
        return None
    align = alignment(parser.container.lines[-1], text)
    if align is None:
        return None
    header = parser.take_last_line()
    parser.open(Block("table", align=align, lines=[header]), lines_before=1)
    return "line"


def _indented_code(parser: OpenBlocks, cursor: Cursor) -> Started:
    if parser.tip.kind == "paragraph" or cursor.blank:
        return None
    cursor.skip_columns(CODE_INDENT)
    parser.open(Block("code", lines=[cursor.rest]))
    return "line"


_STARTS = (_quote, _heading, _fence, _math, _setext, _rule, _item, _footnote, _table)
_LEAVES = (_heading, _fence, _math, _setext, _rule, _table)
