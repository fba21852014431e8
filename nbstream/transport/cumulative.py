"""Events for the pieces of a server each of whose pieces may be the whole so far."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.events import MOST_ANSWERS, Event, TextDelta, Warned
from nbstream.text.cumulative import CUMULATIVE, CumulativePieces

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pieces"]

_CUMULATIVE = Warned("cumulative_text", CUMULATIVE)


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
        if pieces is None and len(self._answers) < MOST_ANSWERS:
            pieces = self._answers[choice] = CumulativePieces()
        new = piece if pieces is None else pieces.new_in(piece)
        if new is None:
            return [self._revised(piece, choice), _CUMULATIVE]
        if pieces is None or pieces.are_plain:
            self.plain.add(choice)
            self._answers.pop(choice, None)
        said = [self._said(new, choice)] if new else []
        return [replace(each, last=True) if last and isinstance(each, TextDelta) else each for each in said]
