"""The elements of a list in a JSON text that grows, each as soon as it is whole. Pure, and linear in the text."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["ItemReader"]

_decode = json.JSONDecoder().raw_decode

_STRUCTURE = re.compile(r'["\[\]{},]')
_REST_OF_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
# Objects of numbers, words and strings, each with the comma behind it. Nothing is tried twice, so it is linear.
_FLAT_OBJECT = r"""\s*+\{[^{}\[\]"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^{}\[\]"]*+)*+\}\s*+"""
_FLAT_OBJECTS = re.compile(rf"(?:{_FLAT_OBJECT},)++", re.DOTALL)
# Ends of a piece with which it is worth while to wait for the next: half an object, or one whose comma is to come.
_HALF = re.compile(r"\{[^}]*+\Z")
_WITHOUT_COMMA = re.compile(rf"{_FLAT_OBJECT}\Z", re.DOTALL)


class ItemReader:
    """Finds the elements of the first list in a growing text of JSON.

    Every character is looked at a few times at most, and what comes in small pieces costs little more than in one: an
    object is read when it ends. An element is handed over when it is whole, and never changes.

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
        self._held: list[str] = []  # an object that has begun, from the place between elements
        self._waits_for = ""  # what the next piece must hold so that it is looked at
        self._waited = False  # for the comma of a whole object; a comma comes at once, if at all

    def feed(self, text: str) -> list[Any]:
        """The elements that the next piece of the text completes; what is not JSON is left out."""
        if held := self._held:
            held.append(text)
            if self._waits_for not in text:
                return []
            text, self._held = "".join(held), []
        return self._read(text)

    def _read(self, text: str) -> list[Any]:
        found: list[Any] = []
        self._tried = 0
        begin = at = 0  # of what belongs to the element that is open
        if self._is_between:
            at = begin = self._take_flat_objects(text, 0, found)
            waited, self._waited = self._waited and not at, False
            if not waited and self._holds(text, at):
                return found
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
                    if self._holds(text, at):
                        return found
        if self._list_depth is not None and not self.ended:
            self._element.append(text[begin:])
        return found

    @property
    def _is_between(self) -> bool:
        """Whether nothing of an element has been read."""
        return not self.ended and self._depth == self._list_depth and not self._in_string and not self._element

    def _holds(self, text: str, at: int) -> bool:
        """Whether the rest of a piece, which begins between elements, is kept until more of its object has come."""
        if self.ended or at < self._tried or self._depth != self._list_depth:
            return False
        rest = text[at:].lstrip()
        if not rest:
            rest, self._waits_for = " ", ""  # which is in any piece
        elif _HALF.match(rest):
            self._waits_for = "}"
        elif _WITHOUT_COMMA.match(rest):
            self._waits_for, self._waited = "", True
        else:
            return False
        self._held = [rest]
        return True

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
            found += _decode(f"[{match[0][:-1]}]")[0]
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
