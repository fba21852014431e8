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
    from collections.abc import Callable

    from nbstream.markdown.tree import Block

__all__ = ["OpenText", "open_text", "settled_length"]

# Words and such punctuation as is no mark, and no part of a URL; white space before a line end may make it a hard one.
_WORDS = re.compile(r"(?:[^\W_]|[ ,;'\"?\-]|[.:!](?=\s|\Z)|(?<=[^\s\\])\n)*")
# What new words may join: the text ends outside of anything that they could become part of.
_WORD_AT_END = re.compile(r"(?:^|\s)(?!www\.)[^\s\\:/@&*_~`\[\]()<>$!#|]*[:!]?\Z")
# A text that is longer is drawn piece by piece, and cut where no mark is open, among the last so many words.
_LONG = 600
_TRIES = 12
_GAP = re.compile(r"\s+")


def open_text(block: Block) -> str:
    """Return the text of an open leaf as it looks now: what stands in front may be definitions."""
    return take_definitions(block.text, {}).strip()


def settled_length(text: str, start: int) -> int:
    """Return how much of an open text need not be drawn again while it grows.

    A guess that is good for the eye: once the text is whole, it is drawn once more.

    Args:
        text: The text so far.
        start: What was returned for its beginning.
    """
    if len(text) - start <= _LONG:
        return start
    gaps = [gap.start() for gap in _GAP.finditer(text, start + 1)][:-1]
    for end in gaps[: -_TRIES - 1 : -1]:
        piece = text[start:end]
        if heal(piece) == piece and piece.count("[") == piece.count("]") and not piece.count("*") % 2:
            return end
    return start if len(text) - start < 8 * _LONG or not gaps else gaps[-1]


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
