"""Recognises what servers say twice: in a last piece that is everything, in a continuation of what there is. Pure.

A short or monotonous text may well be said twice, so it is never taken for a repetition.
"""

from __future__ import annotations

from nbstream.text.monotony import is_monotonous

__all__ = ["Overlap", "without_repetition"]

_SHORTEST, _SHORTEST_OVERLAP = 5, 40

# A monotonous text matches in very many places, of which none will be believed.
_CANDIDATES = 64


def without_repetition(before: str, piece: str) -> str:
    """What is new in a last piece, if it repeats all that came before it, as some servers' last piece does.

    Example:
        >>> without_repetition("Hello", "Hello!"), without_repetition("Ha", "Ha!")
        ('!', 'Ha!')
    """
    if len(before) < _SHORTEST or len(set(before)) < 3 or not piece.startswith(before):
        return piece
    return piece[len(before) :]


class Overlap:
    """Recognises that a continuation says again the end of what it continues, or all of it.

    What may be a repetition is held back until it is clear. White space where the two meet does not matter.

    Args:
        before: What is continued.
    """

    def __init__(self, before: str) -> None:
        self._before = before.rstrip()
        self._space = before[len(self._before) :]  # that may come once more after the repetition
        self.dropped = False
        self.begins_anew = False
        """Whether it says the beginning once more, and then something else."""
        self._held: list[str] = []
        self._begun = ""  # the first characters, while there are too few of them
        self._size = 0
        self._places: list[int] | None = None  # where in the text before it may have begun
        self.is_over = len(self._before) < _SHORTEST_OVERLAP

    @property
    def holds(self) -> bool:
        """Whether something is held back."""
        return bool(self._held)

    def new_in(self, piece: str) -> str:
        """What is known to be new after the next piece."""
        if self.is_over or not piece:
            return piece
        if self.dropped:
            return self._after_space(piece)
        self._held.append(piece)
        if self._places is None:
            self._begun = piece = (self._begun + piece).lstrip()
            if len(piece) < _SHORTEST_OVERLAP:
                last = len(self._before) - _SHORTEST_OVERLAP + len(piece)
                return self._released() if piece and self._before.find(piece, 0, last) < 0 else ""
            self._places = list(self._found(piece[:_SHORTEST_OVERLAP]))
        return self._matched(piece)

    def close(self) -> str:
        """What is new, because nothing follows."""
        if self.is_over or self.dropped or not self._held:
            return ""
        if not self._repeats_beginning():
            return self._released()
        self._held.clear()
        self.is_over = self.dropped = True
        return ""

    def _matched(self, piece: str) -> str:
        assert self._places is not None
        places = []
        for place in self._places:
            there = self._before[place + self._size : place + self._size + len(piece)]
            if not piece.startswith(there):
                continue
            if place + self._size + len(piece) < len(self._before):
                places.append(place)
            elif not is_monotonous(self._before[place:]):
                self._held.clear()
                self.dropped = True
                return self._after_space(piece[len(there) :])
        if not places:
            self.begins_anew = self._repeats_beginning()
            return self._released()
        self._places = places
        self._size += len(piece)
        return ""

    def _found(self, beginning: str) -> list[int]:
        places: list[int] = []
        place = self._before.find(beginning)
        while place >= 0 and len(places) < _CANDIDATES:
            places.append(place)
            place = self._before.find(beginning, place + 1)
        return places

    def _repeats_beginning(self) -> bool:
        """Whether what is held back has said the beginning once more so far."""
        start = len(self._before) - len(self._before.lstrip())
        said = self._before[start : start + self._size]
        return len(said) >= _SHORTEST_OVERLAP and start in (self._places or ()) and not is_monotonous(said)

    def _after_space(self, piece: str) -> str:
        while piece and self._space and piece[0] == self._space[0]:
            piece, self._space = piece[1:], self._space[1:]
        self.is_over = bool(piece)
        return piece

    def _released(self) -> str:
        self.is_over = True
        held, self._held = "".join(self._held), []
        return held
