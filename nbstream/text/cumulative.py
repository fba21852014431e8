"""Recognises a server each of whose pieces is the whole so far, as some send them unless they are told otherwise. Pure.

A short or monotonous text may well be said twice, so it is never taken for a repetition.
"""

from __future__ import annotations

import re

from nbstream.text.monotony import is_monotonous

__all__ = ["CUMULATIVE", "CumulativePieces"]

CUMULATIVE = "Each piece repeated everything before it; the repetitions were dropped."
"""What to tell the reader."""

_SHORTEST = 5
_MOST_ALIKE = 16  # equal pieces in a row; a server may say again what it has, but not for ever
_WORDS = re.compile(r"\w+")


class CumulativePieces:
    """Recognises a server each of whose pieces is the whole so far.

    Two pieces in a row have to extend the one before, and all of them from the first; only then is it certain.

    Example:
        >>> pieces = CumulativePieces()
        >>> [pieces.new_in(piece) for piece in ("The", "The cat", "The cat sat", "The cat sat.")]
        ['The', 'The cat', None, '.']
    """

    def __init__(self) -> None:
        self.are_plain = False
        """Whether they are pieces like any server's, so that nobody need ask again."""
        self.found = False
        self.whole = ""
        """The last piece."""
        self._extensions = 0
        self._alike = 0

    @property
    def may_be(self) -> bool:
        """Whether each piece so far has extended the one before, though that may be chance."""
        return self._extensions > 0 and not self.are_plain

    def new_in(self, piece: str) -> str | None:
        """What the next piece adds; `None` if it is to take the place of all that was taken for pieces before."""
        before, self.whole = self.whole, piece
        if piece.startswith(before):
            if self.found:
                return piece[len(before) :]
            if len(piece) == len(before):
                self._alike += 1
                self.are_plain = self._alike >= _MOST_ALIKE
            elif before:
                self._alike = 0
                self._extensions += 1
                self.found = self._extensions > 1 and len(before) >= _SHORTEST and not _is_repetition(before)
            return None if self.found else piece
        if not self.found:
            self.are_plain = True
            return piece
        if before.startswith(piece):  # an earlier one once more
            self.whole = before
            return ""
        # Half a character or a space at the end may have become something else; otherwise it is a mere piece.
        if len(piece) >= len(before) - 1 and piece.startswith(before[: len(before) * 3 // 4]):
            return None
        self.whole = before + piece
        return piece


def _is_repetition(text: str) -> bool:
    """Whether a text is one thing, or one word, over and over."""
    words = _WORDS.findall(text[:100].lower())
    return is_monotonous(text) or (len(words) > 1 and len(set(words)) == 1)
