"""Marks written so that every parser pairs them as they were read: CommonMark's rules, kept on the safe side.

A delimiter opens or closes by the characters beside it. Where these would keep it from doing so, as they do between a
Chinese full stop and the next word, a word joiner is put on both sides: it is shown as nothing, and counts as a letter.
Knows nothing of links, code or escapes.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from nbstream.markdown.source import JOINER

__all__ = ["Mark", "Piece", "joined"]

# What would be read together with what is behind it: `}` before code ends a role of MyST.
_CALLS_FOR_GAP = {"`": {"`", "$", "}"}, "$": {"`", "$"}, "<": {"`", "$"}, "[": {"!"}}


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
        'a**b.\u2060**\u2060c'
    """
    pieces = [piece for piece in pieces if piece.text]
    for number, piece in enumerate(pieces):
        if piece.mark is not None and piece.mark.delimiter[0] == "_" and _fails(pieces, number):
            piece.mark.delimiter = "*" * len(piece.mark.delimiter)
            piece.mark.switched = True
    return "".join(_written(pieces, number) for number in range(len(pieces)))


def _written(pieces: list[Piece], number: int) -> str:
    piece = pieces[number]
    before = pieces[number - 1].text[-1] if number else "\n"
    text = piece.text
    if piece.mark is None:
        return JOINER + text if before in _CALLS_FOR_GAP.get(text[0], ()) else text
    first, last = _run(pieces, number)
    before = pieces[first - 1].text[-1] if first else "\n"
    after = pieces[last + 1].text[0] if last + 1 < len(pieces) else "\n"
    if _needs_joiner(before, after) if piece.opens else _needs_joiner(after, before):
        # mistune looks outside only, the others inside.
        return JOINER * (number == first) + text + JOINER * (number == last)
    is_apart = number != first or before != text[0] or (text[0] == "_" and pieces[first - 1].mark is None)
    return text if is_apart else JOINER + text


def _run(pieces: list[Piece], number: int) -> tuple[int, int]:
    """The first and the last of the edges that are read as one run, which opens or closes as one."""
    first = last = number
    while first and _is_one(pieces[first - 1], pieces[first]):
        first -= 1
    while last + 1 < len(pieces) and _is_one(pieces[last], pieces[last + 1]):
        last += 1
    return first, last


def _is_one(one: Piece, other: Piece) -> bool:
    if one.mark is None or other.mark is None or one.opens != other.opens:
        return False
    same = one.mark.delimiter[0] == other.mark.delimiter[0]
    return same and not (one.mark.switched or other.mark.switched)


def _fails(pieces: list[Piece], number: int) -> bool:
    """Whether `_` marks nothing there: within a word, or where a joiner would be needed, which is like a letter."""
    opens = pieces[number].opens
    before = pieces[number - 1].text[-1] if number else "\n"
    after = pieces[number + 1].text[0] if number + 1 < len(pieces) else "\n"
    outside, inside = (before, after) if opens else (after, before)
    return outside.isalnum() or _needs_joiner(outside, inside)


def _needs_joiner(outside: str, inside: str) -> bool:
    """Whether a mark between these two characters would not open or close what is inside."""
    if not _maybe_punctuation(inside):
        return False
    return not (outside.isspace() or (outside.isascii() and _maybe_punctuation(outside)))


def _maybe_punctuation(ch: str) -> bool:
    """Whether some parser takes a character for punctuation: symbols are in the newer specification only."""
    return unicodedata.category(ch)[0] in "PS"
