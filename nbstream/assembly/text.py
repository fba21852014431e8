"""Text that arrives in pieces: whole on reading, and always encodable. Must not know what the text is for."""

from __future__ import annotations

from nbstream.pieces import Pieces
from nbstream.plain import encodable

__all__ = ["TextBuffer"]


class TextBuffer:
    r"""Collects pieces; joins them when read.

    A character outside the Basic Multilingual Plane can come as two JSON escapes in two pieces. The first half is held
    back until the second arrives, so that what is read can always be encoded; a half that stays alone becomes U+FFFD.

    Args:
        beginning: What is there already.

    Example:
        >>> buffer = TextBuffer()
        >>> buffer.append("Hi \ud83d"); buffer.value()
        'Hi '
        >>> buffer.append("\ude00"); buffer.value()
        'Hi 😀'
    """

    __slots__ = ("_half", "_pieces")

    def __init__(self, beginning: str = "") -> None:
        self._pieces = Pieces()
        self._half = ""
        self.append(beginning)

    def append(self, piece: str) -> None:
        """Add the next piece, which may be empty."""
        if piece.isascii() and not self._half:
            self._pieces.append(piece)  # nearly always
            return
        text = self._half + piece
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        self._pieces.append(encodable(text))

    def replace(self, text: str) -> None:
        """Forget what there is and hold `text` instead."""
        self._half = ""
        self._pieces.replace(encodable(text))

    def close(self) -> None:
        """Nothing follows: a half that waited for its other half is lost."""
        if self._half:
            self._pieces.append("\ufffd")
            self._half = ""

    def value(self) -> str:
        """The text so far. Any thread may read while one appends, so reading changes nothing."""
        return self._pieces.value()
