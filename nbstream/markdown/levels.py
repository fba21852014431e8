"""An element on the page whose parts come one after the other, and the lines of code that it ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbstream.markdown.frames import Frame
    from nbstream.markdown.growing_code import GrowingCode
    from nbstream.markdown.tree import Block

__all__ = ["Level", "child_of", "coloured", "grown_code", "open_code"]

# How often a page that begins now has more code coloured before it is shown.
_READ_AT_FIRST = 4


@dataclass(slots=True)
class Level:
    """An element on the page whose parts come one after the other.

    Attributes:
        frame: What stands around the parts; if that changes, the element is rebuilt.
        committed: How many parts are on the page for good.
        tail: The HTML after them, or None if it is unknown because it has grown further down.
        below: The element that is the only part in the tail, if it has parts of its own.
        source: The text that has been committed of a paragraph.
        parts: The HTML that has been committed.
        folded: How many children nobody looks into any more.
        code: The colours of its lines, if it is code in a language.
        pending: The HTML of lines that are final, but have not been committed.
    """

    frame: Frame
    committed: int = 0
    tail: str | None = None
    below: Level | None = None
    source: str = ""
    parts: list[str] = field(default_factory=list)
    folded: int = 0
    code: GrowingCode | None = None
    pending: list[str] = field(default_factory=list)


def child_of(block: Block | None, number: int) -> Block | None:
    """The child of a block that has this number, if there are so many."""
    return block.children[number] if block is not None and number < len(block.children) else None


def open_code(level: Level, parsed: Block) -> tuple[GrowingCode | None, list[str]]:
    """The colours of the code that an element ends with, if it does, and the complete lines of that."""
    if level.below is None:
        return level.code, parsed.lines
    child = child_of(parsed, level.committed)
    return (None, []) if child is None or not child.open else open_code(level.below, child)


def coloured(level: Level, code: GrowingCode, shown: Block, parsed: Block) -> str:
    """The HTML of code that the page is given whole; the colours of what is too much for once come later."""
    for _ in range(_READ_AT_FIRST):
        level.pending += code.advance(parsed.lines)
    rest = _joined([*level.pending, *_lines(code, shown, len(level.pending))], 0)
    level.tail = rest + level.frame.end
    return f"{level.frame.opening}{rest}{level.frame.closing}"


def grown_code(level: Level, code: GrowingCode, shown: Block, parsed: Block | None) -> tuple[str, str]:
    """The HTML of the lines that have become final, and of those after them."""
    complete = parsed.lines if parsed is not None else []
    final, start = [*level.pending, *code.advance(complete)], level.committed
    level.pending = []
    level.committed += len(final)
    return _joined(final, start), _joined(_lines(code, shown, level.committed), level.committed)


def _lines(code: GrowingCode, shown: Block, start: int) -> list[str]:
    """The HTML of each line from `start` on, which are not final."""
    plain = shown.lines[start + len(code.lines) :]
    return [*code.lines, *(escape(line, quote=False) for line in plain)]


def _joined(lines: list[str], start: int) -> str:
    return "\n".join(["", *lines] if start and lines else lines)
