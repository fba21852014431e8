"""Text that arrives in pieces: whole on reading, and always encodable."""

from __future__ import annotations

from nbstream.text.pieces import Pieces
from nbstream.text.plain import encodable

__all__ = ["TextBuffer"]


class TextBuffer:
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

    __slots__ = ("_after", "_half", "_pieces")

    def __init__(self, after: TextBuffer | None = None) -> None:
        self._pieces = Pieces()
        self._half = ""
        self._after = after

    def append(self, piece: str) -> None:
        """Add the next piece, which may be empty."""
        if piece.isascii() and not self._half:
            self._pieces.append(piece)  # nearly always
            return
        if self._after is not None and not self._pieces and "\udc00" <= piece[:1] <= "\udfff":
            self._half = self._after.take_half()
        text = self._half + piece
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        self._pieces.append(encodable(text))

    @property
    def size(self) -> int:
        """How many characters there are."""
        return self._pieces.size

    def take_half(self) -> str:
        """Return the half that waits for its other half, if one does."""
        half, self._half = self._half, ""
        return half

    def replace(self, text: str) -> None:
        """Replace the content with `text`."""
        self._half = ""
        self._pieces.replace(encodable(text))

    def join(self) -> None:
        """Become one string, which is shared with the readers."""
        self._pieces.join()

    def close(self) -> bool:
        """Nothing follows: a half that waited for its other half is lost.

        Returns:
            Whether there was one, so that the text has changed.
        """
        if not self._half:
            return False
        self._pieces.append("\ufffd")
        self._half = ""
        return True

    def value(self) -> str:
        """The text so far. Any thread may read while one appends, so reading changes nothing."""
        return self._pieces.value()
