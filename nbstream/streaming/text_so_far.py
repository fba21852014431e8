"""What is new of a text that grows, without reading again what has been read: linear in the text, however often asked.

Texts grow at their ends, nearly always. Where a server takes something back, all of it is read once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from nbstream.parts import PARAGRAPH_BREAK
from nbstream.text.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GrowingText", "NewText", "TextSoFar", "TextsOfRound"]


class GrowingText(Protocol):
    """A text part of an answer, which one thread writes; any thread may read it."""

    new_paragraph: bool

    @property
    def rewrites(self) -> int:
        """How often it has been replaced."""
        ...

    @property
    def size(self) -> int:
        """How many characters there are."""
        ...

    def text_from(self, start: int) -> str:
        """What it says behind so many characters."""
        ...


class TextsOfRound(NamedTuple):
    """The texts of the round of an answer that is read.

    Attributes:
        earlier: The text of all earlier rounds.
        texts: Those of this one, in their order.
    """

    earlier: str
    texts: tuple[GrowingText, ...]


class NewText(NamedTuple):
    """What is new of a text.

    Attributes:
        piece: The next piece.
        begins_anew: Whether it is all of the text once more, because the server has taken something back.
    """

    piece: str
    begins_anew: bool


class _Read(NamedTuple):
    text: GrowingText
    rewrites: int
    size: int


class TextSoFar:
    """Reads one growing answer. Not thread-safe.

    Args:
        texts: The texts as they are now.
    """

    def __init__(self, texts: Callable[[], TextsOfRound]) -> None:
        self._texts = texts
        self._earlier = ""
        self._read: list[_Read] = []
        self._given = Pieces()

    def new(self) -> NewText:
        """What has come since this was asked last."""
        earlier, texts = self._texts()
        if earlier is self._earlier and self._goes_on(texts):
            new = NewText(self._rest_of(texts), begins_anew=False)
        else:
            new = self._compared(earlier, texts)
        if new.piece:
            self._given.append(new.piece)
        return new

    def _goes_on(self, texts: tuple[GrowingText, ...]) -> bool:
        """Whether only the end of what has been read has changed."""
        if len(texts) < len(self._read):
            return False
        known = zip(self._read, texts, strict=False)
        same = all(read.text is text and read.rewrites == text.rewrites for read, text in known)
        return same and all(read.text.size == read.size for read in self._read[:-1])

    def _rest_of(self, texts: tuple[GrowingText, ...]) -> str:
        """What is behind what has been read."""
        pieces: list[str] = []
        known = len(self._read)
        begun = any(read.size for read in self._read)
        for place, text in enumerate(texts[max(0, known - 1) :], max(0, known - 1)):
            start = self._read[place].size if place < known else 0
            rewrites, piece = text.rewrites, text.text_from(start)
            if piece and not start and (text.new_paragraph if begun else self._earlier):
                pieces.append(PARAGRAPH_BREAK)
            begun = begun or bool(piece)
            pieces.append(piece)
            self._read[place:] = [_Read(text, rewrites, start + len(piece))]
        return "".join(pieces)

    def _compared(self, earlier: str, texts: tuple[GrowingText, ...]) -> NewText:
        """Read all of it, and see whether it begins as what has been given out."""
        given = self._given.value()
        self._earlier, self._read = earlier, []
        whole = earlier + self._rest_of(texts)
        if whole.startswith(given):
            return NewText(whole[len(given) :], begins_anew=False)
        self._given = Pieces()
        return NewText(whole, begins_anew=True)
