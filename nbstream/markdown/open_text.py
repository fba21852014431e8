"""The text of the one leaf that is growing: drawn again only where what is new may change what was there.

Knows the leaf and the inline marks; nothing of blocks, HTML policies or pages.
"""

from __future__ import annotations

import itertools
import re
from html import escape
from typing import TYPE_CHECKING

from nbstream.markdown.healing import heal
from nbstream.markdown.references import LONGEST_OPEN, take_definitions
from nbstream.markdown.tables import LONGEST_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.markdown.tree import Block

__all__ = ["OpenText", "cuts", "open_text"]

# Words and punctuation that is neither a mark nor part of a URL; white space before a line end may make it a hard one.
_WORDS = re.compile(r"(?:[^\W_]|[ ,;'\"?\-]|[.:!](?=\s|\Z)|(?<=[^\s\\])\n)*")
# What new words may join: the text ends outside of anything that they could become part of.
_WORD_AT_END = re.compile(r"(?:^|\s)(?!www\.)[^\s\\:/@&*_~`\[\]()<>$!#|]*[:!]?\Z")
# A piece of a long text has about so many characters. If marks are open by then, it has so many at most, and so many of
# the characters that marks are made of: drawing them is what takes time.
_PIECE, _LONGEST_PIECE, _MOST_MARKS = 600, 4800, 300
_STEP = 100
# How far behind these a gap is waited for; where there is none, words are cut through as well.
_LONGEST_WORD = 200
_GAP = re.compile(r"(?<!\\)\s+")
_MARK = re.compile(r"[`*_~\[\]<$\\&@]|://|www")
# A growing text with more marks, or of so many markers without a word, is shown as it is written until it is a piece.
_MOST_OPEN_MARKS = 200
_MARKERS = re.compile(rf"[\W_]{{{_MOST_OPEN_MARKS},}}")
_FLANKING_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")


def open_text(block: Block) -> str:
    """Return the text of a leaf as it is to be seen.

    An open one may begin with definitions, and a last line that begins with a pipe may be the head of a table.
    """
    last = block.lines[-1]
    lines = block.lines[:-1] if block.open and last.startswith("|") and len(last) <= LONGEST_HEAD else block.lines
    text = "\n".join(lines)
    return (take_definitions(text, {}) if block.open and len(text) <= LONGEST_OPEN else text).strip()


def cuts(text: str, start: int = 0) -> Iterator[int]:
    """Yield where a text is cut into pieces that are drawn alone: at gaps between words where no mark is open.

    What is in front of a cut decides it, so a growing text is cut where the whole one is. Marks that stay open for
    long are cut through.

    Args:
        text: The text so far, without white space at its end.
        start: A cut, or 0.
    """
    while len(text) > start + _PIECE and (cut := _next_cut(text, start)) is not None:
        yield cut
        start = cut


def _next_cut(text: str, start: int) -> int | None:
    if (gap := _GAP.match(text, start)) and gap.end() - start > _PIECE:
        return gap.end() - 1  # nothing is read in so much space
    marks = _MARK.finditer(text, start, start + _LONGEST_PIECE + 3)  # the longest has three characters
    dense = next(itertools.islice(marks, _MOST_MARKS, None), None)
    limit = min(start + _LONGEST_PIECE, dense.start() if dense else len(text))
    at = start + _PIECE
    while at < limit and (gap := _GAP.search(text, at, limit)):
        if _closed(text[start : gap.start()]):
            return gap.start()
        at = gap.start() + max(_STEP, (gap.start() - start) // 6)
    limit = max(limit, start + _PIECE)
    if limit >= len(text):
        return None
    last = limit + _LONGEST_WORD
    if gap := _GAP.search(text, limit, last):
        return gap.start()
    if last >= len(text):
        return None
    return last - 1 if text[last - 1] == "\\" else last


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
        elif _is_dense(text):
            self._html, self._extensible = escape(text, quote=False), False
        else:
            healed = heal(text)
            self._html = self._draw(healed)
            self._extensible = healed == text
        self._text = text
        return self._html


def _is_dense(text: str) -> bool:
    return len(text) > _MOST_OPEN_MARKS and (
        _MARKERS.fullmatch(text) is not None or len(_MARK.findall(text)) > _MOST_OPEN_MARKS
    )
