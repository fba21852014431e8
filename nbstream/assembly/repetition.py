"""Recognises what servers say twice. Pure: pieces in, what is new in them out.

There is a last piece that is everything, pieces each of which is everything so far, and a continuation that says again
what it continues. A short or monotonous text may well be said twice, so it is never taken for a repetition.
"""

from __future__ import annotations

__all__ = ["CumulativePieces", "Overlap", "without_repetition"]

_SHORTEST, _SHORTEST_OVERLAP = 5, 40

# A text that nobody would take for monotonous after so many characters is not read to its end.
_LOOKED_AT = 1000

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
            self.found = self._extensions > 1 and len(before) >= _SHORTEST and not _is_monotonous(before)
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
            elif not _is_monotonous(self._before[place:]):
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
        return len(said) >= _SHORTEST_OVERLAP and start in (self._places or ()) and not _is_monotonous(said)

    def _after_space(self, piece: str) -> str:
        while piece and self._space and piece[0] == self._space[0]:
            piece, self._space = piece[1:], self._space[1:]
        self.is_over = bool(piece)
        return piece

    def _released(self) -> str:
        self.is_over = True
        held, self._held = "".join(self._held), []
        return held


def _is_monotonous(text: str) -> bool:
    """Whether a text is one thing over and over, perhaps cut off in the middle of it."""
    text = text[:_LOOKED_AT]
    borders = [0] * len(text)  # of each beginning: how much of its end is its beginning too
    for end in range(1, len(text)):
        size = borders[end - 1]
        while size and text[end] != text[size]:
            size = borders[size - 1]
        borders[end] = size + (text[end] == text[size])
    return bool(text) and 2 * (len(text) - borders[-1]) <= len(text)
