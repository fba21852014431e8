"""A string that grows: cheap to append to, cheap to read, flat in memory."""

from __future__ import annotations

__all__ = ["SMALL_PIECES", "Pieces"]

# Small pieces cost more memory than their text, and joining very many takes long; so many are joined into one.
SMALL_PIECES = 1024


class Pieces:
    """Collects strings; joins them when read.

    One thread appends. Any thread may read meanwhile: every change is a single operation. There is no list for a single
    piece, because an answer may have many thousands of texts, and Python looks through every list now and then.

    Example:
        >>> pieces = Pieces()
        >>> pieces.append("Hel"); pieces.append("lo"); pieces.value()
        'Hello'
    """

    __slots__ = ("_held", "_joined")

    def __init__(self) -> None:
        self._held: list[str] | str | None = None
        self._joined = 0  # how many at the beginning of the list have been joined

    def append(self, piece: str) -> None:
        """Add the next piece."""
        held = self._held
        if held is None or isinstance(held, str):
            self._held = piece if held is None else [held, piece]
            return
        held.append(piece)
        if len(held) - self._joined >= SMALL_PIECES:
            held[self._joined :] = ["".join(held[self._joined :])]
            self._joined += 1

    def value(self) -> str:
        """All of it, as one string."""
        held = self._held
        return "".join(held) if isinstance(held, list) else held or ""

    def value_from(self, start: int) -> str:
        """What is behind so many characters, without joining what is before it.

        Example:
            >>> pieces = Pieces()
            >>> pieces.append("Hel"); pieces.append("lo"); pieces.value_from(4)
            'o'
        """
        held = self._held
        if not isinstance(held, list):
            return (held or "")[start:]
        pieces = tuple(held)
        missing = sum(map(len, pieces)) - start
        first, found = len(pieces), 0
        while found < missing:
            first -= 1
            found += len(pieces[first])
        return "".join(pieces[first:])[max(0, found - missing) :]

    @property
    def size(self) -> int:
        """How many characters there are."""
        held = self._held
        return sum(map(len, held)) if isinstance(held, list) else len(held or "")

    def join(self) -> None:
        """Become one string, which is shared with the readers; not much is expected to follow."""
        if isinstance(self._held, list):
            self._held = "".join(self._held)
            self._joined = 1

    def replace(self, text: str) -> None:
        """Replace the content with `text`."""
        self._held = text
        self._joined = 1

    @property
    def count(self) -> int:
        """How many strings hold it."""
        held = self._held
        return len(held) if isinstance(held, list) else int(held is not None)

    def __bool__(self) -> bool:
        return self._held is not None
