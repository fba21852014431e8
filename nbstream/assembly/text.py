"""Text that arrives in pieces: whole on reading, and always encodable."""

from __future__ import annotations

from nbstream.text.pieces import Pieces
from nbstream.text.plain import encodable

__all__ = ["TextBuffer"]


class TextBuffer(Pieces):
    r"""Collects pieces; joins them when read.

    A character outside the Basic Multilingual Plane can come as two JSON escapes in two pieces. The first half is held
    back until the second arrives, so that what is read can always be encoded; an unpaired half becomes U+FFFD.

    Args:
        after: The text that this one comes after, whose last character may end here: something else can come between
            its two halves.

    Example:
        >>> buffer = TextBuffer()
        >>> buffer.append("Hi \ud83d"); buffer.value()
        'Hi '
        >>> buffer.append("\ude00"); buffer.value()
        'Hi 😀'
    """

    __slots__ = ("_after", "_half", "rewrites")

    def __init__(self, after: TextBuffer | None = None) -> None:
        super().__init__()
        self._half = ""
        self._after = after
        self.rewrites = 0
        """How often it has been replaced."""

    def append(self, piece: str) -> None:
        """Add the next piece, which may be empty."""
        if piece.isascii() and not self._half:
            super().append(piece)  # nearly always
            return
        if self._after is not None and not self and "\udc00" <= piece[:1] <= "\udfff":
            self._half = self._after.take_half()
        text = self._half + piece
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        super().append(encodable(text))

    def take_half(self) -> str:
        """Return the half that waits for its other half, if one does."""
        half, self._half = self._half, ""
        return half

    def replace(self, text: str) -> None:
        """Replace the content with `text`."""
        self._half = ""
        super().replace(encodable(text))
        self.rewrites += 1

    def close(self) -> bool:
        """Nothing follows: a half that waited for its other half is lost.

        Returns:
            Whether there was one, so that the text has changed.
        """
        if not self._half:
            return False
        super().append("\ufffd")
        self._half = ""
        return True
