"""The text of the one leaf that is growing: drawn again only where what is new may change what was there.

Knows the leaf and the inline marks; nothing of blocks, HTML policies or pages.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from nbstream.markdown.healing import heal
from nbstream.markdown.references import take_definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.markdown.tree import Block

__all__ = ["OpenText", "cuts", "open_text"]

# Words and punctuation that is neither a mark nor part of a URL; white space before a line end may make it a hard one.
_WORDS = re.compile(r"(?:[^\W_]|[ ,;'\"?\-]|[.:!](?=\s|\Z)|(?<=[^\s\\])\n)*")
# What new words may join: the text ends outside of anything that they could become part of.
_WORD_AT_END = re.compile(r"(?:^|\s)(?!www\.)[^\s\\:/@&*_~`\[\]()<>$!#|]*[:!]?\Z")
# A piece of a long text has about so many characters; if no mark is closed by then, so many at most.
_PIECE, _LONGEST_PIECE = 600, 4800
_STEP = 100
_GAP = re.compile(r"(?<!\\)\s+")
_FLANKING_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")


def open_text(block: Block) -> str:
    """Return the text of a leaf as it is to be seen.

    An open one may begin with definitions, and a last line that begins with a pipe may be the head of a table.
    """
    lines = block.lines[:-1] if block.open and block.lines[-1].startswith("|") else block.lines
    return take_definitions("\n".join(lines), {}).strip()


def cuts(text: str, start: int = 0) -> Iterator[int]:
    """Yield where a text is cut into pieces that are drawn alone: at gaps between words where no mark is open.

    What is in front of a cut decides it, so a growing text is cut where the whole one is. Marks that stay open for
    thousands of characters are cut through.

    Args:
        text: The text so far, without white space at its end.
        start: A cut, or 0.
    """
    at = start + _PIECE
    while gap := _GAP.search(text, at):
        at = gap.start() + _STEP
        if gap.start() - start > _LONGEST_PIECE or _closed(text[start : gap.start()]):
            start = gap.start()
            yield start
            at = start + _PIECE


def _closed(piece: str) -> bool:
    return (
        piece.count("[") == piece.count("]")
        and not piece.count("*") % 2
        and not len(_FLANKING_UNDERSCORE.findall(piece)) % 2
        and heal(piece) == piece
    )


class OpenText:
    """Draws a text that grows at its end.

    Args:
        draw: Makes HTML of a whole text.
    """

    def __init__(self, draw: Callable[[str], str]) -> None:
        self._draw = draw
        self._text = ""
        self._html = ""
        self._extensible = False

    def html(self, text: str) -> str:
        """Return the HTML of the text, with the marks that are half open completed."""
        known = len(self._text)
        extensible = self._extensible and text.startswith(self._text) and _WORD_AT_END.search(text, 0, known)
        if extensible and _WORDS.fullmatch(text, known):
            self._html += escape(text[known:], quote=False)
        else:
            healed = heal(text)
            self._html = self._draw(healed)
            self._extensible = healed == text
        self._text = text
        return self._html
