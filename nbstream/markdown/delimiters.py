"""Marks written so that every parser pairs them as they were read: CommonMark's rules, kept on the safe side.

A delimiter opens or closes by the characters beside it. Where these would keep it from doing so, as they do between a
Chinese full stop and the next word, a word joiner is put beside it: it is shown as nothing, and counts as a letter.
Knows nothing of links, code or escapes.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

__all__ = ["JOINER", "Mark", "Piece", "joined"]

JOINER = "\u2060"
"""The word joiner."""

_CALLS_FOR_GAP = {"`": {"`", "$"}, "$": {"`", "$"}, "<": {"`", "$"}, "[": {"!"}}


class Mark:
    """Emphasis or strikethrough: both of its edges are written with the same delimiter."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        self.switched = False


class Piece(NamedTuple):
    """What is written; of an edge, `mark` says of what, and `opens` which one."""

    written: str
    mark: Mark | None = None
    opens: bool = False

    @property
    def text(self) -> str:
        """The characters of it."""
        return self.written if self.mark is None else self.mark.delimiter


def joined(pieces: list[Piece]) -> str:
    r"""Return the pieces as one text.

    Example:
        >>> strong = Mark("**")
        >>> joined([Piece("a"), Piece("", strong, opens=True), Piece("b."), Piece("", strong), Piece("c")])
        'a**b.\u2060**c'
    """
    pieces = [piece for piece in pieces if piece.text]
    for number, piece in enumerate(pieces):
        if piece.mark is not None and piece.mark.delimiter[0] == "_" and _within_word(pieces, number):
            piece.mark.delimiter = "*" * len(piece.mark.delimiter)
            piece.mark.switched = True
    return "".join(_written(pieces, number) for number in range(len(pieces)))


def _written(pieces: list[Piece], number: int) -> str:
    piece = pieces[number]
    before = pieces[number - 1].text[-1] if number else "\n"
    if piece.mark is None:
        gap = before in _CALLS_FOR_GAP.get(piece.text[0], ()) and number
        return JOINER + piece.text if gap else piece.text
    after = pieces[number + 1].text[0] if number + 1 < len(pieces) else "\n"
    text = piece.text
    if piece.opens and _needs_joiner(before, after):
        text += JOINER
    if not piece.opens and _needs_joiner(after, before):
        text = JOINER + text
    return JOINER + text if before == piece.text[0] and _apart(pieces[number - 1], piece) else text


def _within_word(pieces: list[Piece], number: int) -> bool:
    """Whether an edge stands where `_` marks nothing."""
    outside = number - 1 if pieces[number].opens else number + 1
    if not 0 <= outside < len(pieces):
        return False
    text = pieces[outside].text
    return (text[-1] if pieces[number].opens else text[0]).isalnum()


def _needs_joiner(outside: str, inside: str) -> bool:
    """Whether a mark between these two characters would not open or close what is inside."""
    if not _maybe_punctuation(inside):
        return False
    return not (outside.isspace() or (outside.isascii() and _maybe_punctuation(outside)))


def _maybe_punctuation(ch: str) -> bool:
    """Whether some parser takes a character for punctuation: symbols are in the newer specification only."""
    return unicodedata.category(ch)[0] in "PS"


def _apart(one: Piece, other: Piece) -> bool:
    """Whether two edges side by side would be read in another way as one run."""
    if one.mark is None or other.mark is None:
        return False
    return one.opens != other.opens or one.mark.switched or other.mark.switched
