"""Text cut into pieces about as long as a real tokenizer's. Pure; joined again the pieces are the text."""

from __future__ import annotations

import re
import unicodedata

# A word or number takes the space before it along; long words break. Anything is matched by some alternative.
PIECE = re.compile(r" ?[^\W\d_]{1,6}| ?\d{1,3}|(?:\r?\n)+| ?[^\w\s]{1,3}|[ \t]+|.", re.DOTALL)

ZERO_WIDTH_JOINER = "\u200d"
# Not combining by category, and yet never first in what a reader sees as one character:
# Hangul vowels and finals, emoji skin tones, flag tags.
CONTINUING = re.compile("[\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
REGIONAL_INDICATORS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def split(text: str) -> list[str]:
    """Cut `text` into tokens, never inside what a reader sees as one character.

    Example:
        >>> split("Streaming answers, in place.")
        ['Stream', 'ing', ' answer', 's', ',', ' in', ' place', '.']
    """
    pieces: list[str] = []
    for match in PIECE.finditer(text):
        piece = match.group()
        if pieces and _continues(pieces[-1], piece[0]):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def _continues(before: str, character: str) -> bool:
    """Whether `character` belongs to the last visible character of `before`."""
    if before.endswith(ZERO_WIDTH_JOINER):
        return True
    if character.isascii():
        return False
    if character in REGIONAL_INDICATORS:  # a flag is two of them
        return (len(before) - len(before.rstrip(REGIONAL_INDICATORS))) % 2 == 1
    return (
        character == ZERO_WIDTH_JOINER
        or unicodedata.category(character).startswith("M")  # accents, vowel signs, variation selectors
        or CONTINUING.match(character) is not None
    )
