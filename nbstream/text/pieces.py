"""A string that grows: cheap to append to, cheap to read, flat in memory."""

from __future__ import annotations

__all__ = ["SMALL_PIECES", "Pieces"]

# Small pieces cost more memory than their text, and joining very many takes long; so many are joined into one.
SMALL_PIECES = 1024


class Pieces:
    """Collects strings; joins them when read.

    One thread appends. Any thread may read meanwhile: every change is a single operation on one list.

    Example:
        >>> pieces = Pieces()
        >>> pieces.append("Hel"); pieces.append("lo"); pieces.value()
        'Hello'
    """

    __slots__ = ("_joined", "_list")

    def __init__(self) -> None:
        self._list: list[str] = []
        self._joined = 0  # how many at the beginning of the list have been joined

    def append(self, piece: str) -> None:
        """Add the next piece."""
        self._list.append(piece)
        if len(self._list) - self._joined >= SMALL_PIECES:
            self._list[self._joined :] = ["".join(self._list[self._joined :])]
            self._joined += 1

    def value(self) -> str:
        """All of it, as one string."""
        return "".join(self._list)

    @property
    def size(self) -> int:
        """How many characters there are."""
        return sum(map(len, self._list))

    def join(self) -> None:
        """Become one string, which is shared with the readers; not much is expected to follow."""
        if len(self._list) > 1:
            self._list[:] = ["".join(self._list)]
            self._joined = 1

    def replace(self, text: str) -> None:
        """Replace the content with `text`."""
        self._list[:] = [text]
        self._joined = 1

    @property
    def count(self) -> int:
        """How many strings hold it."""
        return len(self._list)

    def __bool__(self) -> bool:
        return bool(self._list)
