"""Keeps thoughts that come in two ways from being said twice.

The ways are thoughts and their summary, or thoughts apart from the text and between tags in it. What the second way
says is held back while it repeats the first. When it says something else, all of it is said, so nothing is lost. White
space does not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.assembly.builders import Words

__all__ = ["Said", "Thoughts", "Way"]

Way: TypeAlias = Literal["thoughts", "summary", "tags"]
"""How thoughts come: apart from the text, as a summary apart from it, or between tags in it."""

Said: TypeAlias = "list[tuple[Words | None, str]]"
"""Pieces to be said, and where; `None` is where the answer is."""

# How far the second way may be ahead of the first: what nobody has said yet is not kept from the reader for long.
_AHEAD = 256


class Thoughts:
    """The thoughts of one answer."""

    def __init__(self) -> None:
        self.only_way: Way | None = None
        """How all thoughts so far have come; `None` if they came in two ways, or none came."""
        self._first: Way | None = None
        self._words: dict[str | None, list[Words]] = {}  # by item
        self._ways: dict[str | None, Way] = {}  # the first one of each item
        self._echoes: dict[str | None, _Echo] = {}

    def note(self, words: Words) -> None:
        """Note that thoughts are to be said in these words."""
        self._words.setdefault(words.item_id, []).append(words)

    def come_only(self, way: Way) -> bool:
        """Whether all thoughts so far have come this way; then the next piece need not be looked at."""
        if self._first is None:
            self._first = self.only_way = way
        elif way != self._first:
            self.only_way = None
        return self.only_way is not None

    def take(self, piece: str, way: Way, words: Words | None) -> Said:
        """What is to be said after the next piece.

        Args:
            piece: The piece.
            way: How it comes.
            words: Where it is to be said; `None` if that is where the answer is.
        """
        # A text repeats the thoughts of any item.
        item = None if words is None or self._first == "tags" else words.item_id
        first = self._ways.get(item)
        if first is None:
            so_far = self._so_far(item)
            first = self._ways[item] = self._first if so_far and self._first is not None else way
        if way != first:
            echo = self._echoes.get(item)
            if echo is None:
                echo = self._echoes[item] = _Echo(self._so_far(item))
            return echo.second(piece, words)
        echo = self._echoes.get(item)
        return [(None, piece), *(echo.first(piece) if echo is not None else ())]

    def close(self) -> Said:
        """What is to be said because nothing follows."""
        rest = [said for echo in self._echoes.values() for said in echo.rest()]
        self._echoes.clear()
        return rest

    def _so_far(self, item: str | None) -> str:
        every = self._words.values() if item is None else [self._words.get(item, [])]
        return "".join(words.text for each in every for words in each if words.kind == "reasoning")


class _Echo:
    """Compares two sequences of pieces.

    Args:
        first: What the first one has said already.
    """

    def __init__(self, first: str) -> None:
        self._text = _squeezed(first)
        self._at = 0  # how much of it has come a second time
        self._more: list[str] = []
        self._ahead = ""  # what only the second one has said
        self._held: Said = []
        self._differs = False

    def first(self, piece: str) -> Said:
        """Take a piece of the first one; return what is to be said of the second."""
        if self._differs:
            return []
        said = _squeezed(piece)
        both = min(len(said), len(self._ahead))
        if said[:both] != self._ahead[:both]:
            return self._released()
        self._ahead = self._ahead[both:]
        self._more.append(said[both:])
        return []

    def second(self, piece: str, words: Words | None) -> Said:
        """Take a piece of the second one; return what is to be said of it."""
        if self._differs:
            return [(words, piece)]
        self._held.append((words, piece))
        said = _squeezed(piece)
        if not self._ahead:
            if len(self._text) - self._at < len(said):
                self._text = "".join((self._text[self._at :], *self._more))
                self._at = 0
                self._more.clear()
            there = self._text[self._at : self._at + len(said)]
            if not said.startswith(there):
                return self._released()
            self._at += len(there)
            said = said[len(there) :]
        self._ahead += said
        return self._released() if len(self._ahead) > _AHEAD else []

    def rest(self) -> Iterator[tuple[Words | None, str]]:
        """What only the second one has said."""
        missing = 0 if self._differs else len(self._ahead)
        rest: Said = []
        for words, piece in reversed(self._held if missing else ()):
            end = len(piece)
            while missing and end:
                end -= 1
                missing -= not piece[end].isspace()
            rest.append((words, piece[end:]))
            if not missing:
                break
        yield from reversed(rest)

    def _released(self) -> Said:
        self._differs = True
        held, self._held = self._held, []
        return held


def _squeezed(text: str) -> str:
    return "".join(text.split())
