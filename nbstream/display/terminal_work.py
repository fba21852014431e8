"""How much work it is to draw something for a terminal: counted, not timed, so that a text looks the same everywhere.

A unit is about a third of a microsecond, what a character of plain words takes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbstream.markdown.highlight import LONGEST_LINE

if TYPE_CHECKING:
    from nbstream.markdown.tree import Block

__all__ = ["MOST_TAIL_WORK", "takes_too_long", "work_of_code", "work_of_text"]

MOST_TAIL_WORK = 6_000
"""How much is drawn of the open end, which is drawn at each frame: two milliseconds."""

# What takes longer is printed as it was written: it can only be laid out at once. Ten milliseconds.
_MOST_WORK = 33_000
_MARK = re.compile(r"[`*_~\[\]<$\\&!|@]|://")
_EACH_MARK, _EACH_BLOCK, _EACH_LINE, _EACH_COLOURED = 25, 60, 20, 8
_DEEP = 8


def work_of_text(text: str) -> int:
    """Return the work of Markdown, in characters."""
    return len(text) + _EACH_MARK * len(_MARK.findall(text)) + _EACH_BLOCK * (1 + text.count("\n"))


def work_of_code(length: int, language: str) -> int:
    """Return the work of so many characters in a line of code."""
    return _EACH_LINE + length * (_EACH_COLOURED if language and length <= LONGEST_LINE else 1)


def takes_too_long(block: Block) -> bool:
    """Whether drawing a block at once would take so long that other things have to wait.

    Example:
        >>> from nbstream.markdown.blocks import parse
        >>> [takes_too_long(parse(["*a* " * times]).document.children[0]) for times in (100, 1_000)]
        [False, True]
    """
    return _room_after(block, _MOST_WORK) < 0


def _room_after(block: Block, room: int, depth: int = 0) -> int:
    """What is left of some work after that of a block; less than nothing once there is too much."""
    room -= _EACH_BLOCK + _EACH_LINE * len(block.lines)
    if room >= 0:
        room -= _EACH_LINE * sum(line.count("\n") for line in block.lines)  # some have been joined
        # Deep inside other blocks there are few columns, and much in front of them.
        room -= sum(map(len, block.lines)) * (1 + depth // _DEEP)
    if room >= 0 and block.kind not in {"code", "math"}:
        room -= _EACH_MARK * sum(len(_MARK.findall(line)) for line in block.lines)
    for child in block.children:
        if room < 0:
            break
        room = _room_after(child, room, depth + 1)
    return room
