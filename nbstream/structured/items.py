"""The elements of a list in a JSON text that grows, each as soon as it is whole. Pure, and linear in the text."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["ItemReader"]

_STRUCTURE = re.compile(r'["\[\]{},]')
_REST_OF_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
# Objects of numbers, words and strings, each with the comma behind it. Nothing is tried twice, so it is linear.
_FLAT_OBJECTS = re.compile(
    r"""(?:\s*+\{[^{}\[\]"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^{}\[\]"]*+)*+\}\s*+,)++""", re.DOTALL
)


class ItemReader:
    """Finds the elements of the first list in a growing text of JSON.

    Every character is looked at once. An element is handed over when it is whole, and never changes.

    Attributes:
        ended: Whether the list has been closed.

    Example:
        >>> reader = ItemReader()
        >>> reader.feed('{"value": [{"a": 1}, {"a"')
        [{'a': 1}]
        >>> reader.feed(': 2}, 3')
        [{'a': 2}]
        >>> reader.feed("4]}")
        [34]
    """

    def __init__(self) -> None:
        self.ended = False
        self._depth = 0
        self._list_depth: int | None = None  # at which the elements stand
        self._begins = False  # whether the list has just begun
        self._in_string = self._escaped = False
        self._tried = 0  # where what is no JSON has been read up to, in the piece
        self._element: list[str] = []

    def feed(self, text: str) -> list[Any]:
        """The elements that the next piece of the text completes; what is not JSON is left out."""
        found: list[Any] = []
        begin = at = self._tried = 0  # of what belongs to the element that is open
        while at < len(text) and not self.ended:
            if self._in_string:
                at = self._end_of_string(text, at)
            elif (match := _STRUCTURE.search(text, at)) is None:
                break
            else:
                at = match.end()
                if ends := self._ends_element(match[0]):
                    self._complete(text[begin : at - 1], found)
                if ends or self._begins:
                    at = begin = self._take_flat_objects(text, at, found)
                    self._begins = False
        if self._list_depth is not None and not self.ended:
            self._element.append(text[begin:])
        return found

    def _ends_element(self, sign: str) -> bool:
        """Take a sign of the structure; whether an element ends before it."""
        inside = self._depth == self._list_depth
        if sign == '"':
            self._in_string = True
        elif sign in "[{":
            self._depth += 1
            if sign == "[" and self._list_depth is None:
                self._list_depth, self._begins = self._depth, True
        elif sign in "]}":
            self._depth -= 1
            self.ended = self.ended or inside
            return inside
        return sign == "," and inside

    def _take_flat_objects(self, text: str, at: int, found: list[Any]) -> int:
        """Read all whole flat objects from a place between elements at once, many times faster than sign by sign.

        Returns:
            The place behind them, or the same place if there are none, or if they are not JSON.
        """
        match = None if self.ended or at < self._tried else _FLAT_OBJECTS.match(text, at)
        if match is None:
            return at
        try:
            found += json.loads(f"[{match[0][:-1]}]")
        except ValueError:  # the others among them are found one at a time
            self._tried = match.end()
            return at
        return match.end()

    def _end_of_string(self, text: str, at: int) -> int:
        """Where the string that is open ends in this piece, if it does."""
        if self._escaped:
            self._escaped = False
            return at + 1
        match = _REST_OF_STRING.match(text, at)
        end = at if match is None else match.end()
        if end < len(text):
            self._in_string = text[end] != '"'
            self._escaped = text[end] == "\\" and end + 1 == len(text)
            return end + 1
        return end

    def _complete(self, rest: str, found: list[Any]) -> None:
        element, self._element = "".join([*self._element, rest]), []
        if element.strip():
            try:
                found.append(json.loads(element))
            except ValueError:
                return
