"""Recognises a server each of whose pieces is the whole so far, as some send them unless they are told otherwise. Pure.

A short or monotonous text may well be said twice, so it is never taken for a repetition.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.events import Event, TextDelta, Warned
from nbstream.text.monotony import is_monotonous

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CumulativePieces", "Pieces"]

_SHORTEST = 5
_CUMULATIVE = Warned("cumulative_text", "Each piece repeated all before it; the repetitions were dropped.")


class Pieces:
    """The pieces of one kind, of all the answers to a request.

    Attributes:
        plain: The answers whose pieces are like any server's, which need not be looked at.
    """

    def __init__(self, said: Callable[[str, int], Event], revised: Callable[[str, int], Event]) -> None:
        self.plain: set[int] = set()
        self._said = said
        self._revised = revised
        self._answers: dict[int, CumulativePieces] = {}

    def take(self, piece: str, choice: int, *, last: bool = False) -> list[Event]:
        """What the next piece of an answer that is not plain stands for; `last` if it comes with a finish reason."""
        pieces = self._answers.get(choice)
        if pieces is None:
            pieces = self._answers[choice] = CumulativePieces()
        new = pieces.new_in(piece)
        if new is None:
            return [self._revised(piece, choice), _CUMULATIVE]
        if pieces.are_plain:
            self.plain.add(choice)
            del self._answers[choice]
        said = [self._said(new, choice)] if new else []
        return [replace(each, last=True) if last and isinstance(each, TextDelta) else each for each in said]


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
        self._whole = ""
        self._extensions = 0

    def new_in(self, piece: str) -> str | None:
        """What the next piece adds; `None` if it is to take the place of all that was taken for pieces before."""
        before, self._whole = self._whole, piece
        if piece.startswith(before):
            if self.found:
                return piece[len(before) :]
            self._extensions += bool(before) and len(piece) > len(before)
            self.found = self._extensions > 1 and len(before) >= _SHORTEST and not is_monotonous(before)
            return None if self.found else piece
        if not self.found:
            self.are_plain = True
            return piece
        if before.startswith(piece):  # an earlier one once more
            self._whole = before
            return ""
        # Half a character or a space at the end may have become something else; otherwise it is a mere piece.
        if len(piece) >= len(before) - 1 and piece.startswith(before[: len(before) * 3 // 4]):
            return None
        self._whole = before + piece
        return piece
