"""Footnotes: which number a label has, and the section at the end that holds the notes.

A number goes to each label at its first use, in drawing order, whether or not a note for it has come yet: so a number
that has been shown for good never changes, however the text was cut. What may still change is drawn as a draft. Plain
numbers, no links: an id in a page that is shared with other answers could not be unique.
Knows neither how a note is parsed nor how its blocks are drawn.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbstream.markdown.links import label_at, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nbstream.markdown.tree import Block

__all__ = ["Footnotes", "note_key", "note_reference"]

_BLANK = re.compile(r"\s")
# Stand around what is written for a reference in a note. No text holds them: see `source.clean`.
_OPEN, _CLOSE = "\x04", "\x05"


def note_key(label: str) -> str:
    """Return the name of the note with that label; no link reference definition has such a name.

    Example:
        >>> note_key("My-Note")
        '^my-note'
    """
    return f"^{normalise(label)}"


def note_reference(text: str, start: int) -> tuple[str, int] | None:
    """Return the label of the footnote reference that starts at `start`, as it is written, and where it ends.

    Example:
        >>> note_reference("so[^my-note].", 2)
        ('my-note', 12)
    """
    found = label_at(text, start)
    if found is None or not found[1].startswith("^") or found[1] == "^" or _BLANK.search(found[1]):
        return None
    return found[1][1:], found.end()


class Footnotes:
    """The footnotes of one text.

    Example:
        >>> notes = Footnotes()
        >>> notes.number("^b"), notes.number("^a"), notes.number("^b")
        (1, 2, 1)
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._keys: list[str] = []  # in order
        self._later: list[str] = []  # of the references in notes that were drawn ahead
        self._in_note = False

    def number(self, key: str) -> int:
        """Return the number of a reference, drawn now."""
        if key not in self._numbers:
            self._keys.append(key)
            self._numbers[key] = len(self._keys)
        return self._numbers[key]

    def mark(self, key: str, *, shown: bool = True) -> str:
        """Return what is written for a reference, drawn now: its number, or in a note what stands for that.

        Args:
            key: Its label.
            shown: Whether it is seen; if not, nothing is written, but it counts.
        """
        if not self._in_note:
            number = self.number(key)
            return str(number) if shown else ""
        self._later.append(key)
        return f"{_OPEN}{len(self._later) - 1}{'' if shown else '-'}{_CLOSE}"

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Draw a note inside before it is known which numbers its references get: they count in the section."""
        self._in_note = True
        try:
            yield
        finally:
            self._in_note = False

    def _with_numbers(self, html: str) -> str:
        if _OPEN not in html:
            return html
        first, *others = html.split(_OPEN)
        parts = [first]
        for other in others:
            place, _, rest = other.partition(_CLOSE)
            number = self.number(self._later[int(place.rstrip("-"))])
            parts += ["" if place[-1] == "-" else str(number), rest]
        return "".join(parts)

    def numbered(self, definitions: Mapping[str, Block]) -> Iterator[tuple[int, Block]]:
        """Yield the notes that were referred to, with their numbers; what is drawn meanwhile may add to them."""
        for key in self._keys:  # which grows
            if key in definitions:
                yield self._numbers[key], definitions[key]

    def seen(self) -> int:
        """Return how many labels have a number."""
        return len(self._keys)

    def since(self, seen: int) -> tuple[str, ...]:
        """Return the labels that have got a number since, in order."""
        return tuple(self._keys[seen:])

    @contextmanager
    def draft(self) -> Iterator[None]:
        """Forget the references that are drawn inside: the text may still become something else."""
        known = len(self._keys)
        try:
            yield
        finally:
            for key in self._keys[known:]:
                del self._numbers[key]
            del self._keys[known:]

    def section(self, definitions: Mapping[str, Block], draw: Callable[[Block], str]) -> Iterator[str]:
        """Yield the HTML of the notes that were referred to, not sanitised, note by note; nothing if there are none.

        Args:
            definitions: The notes.
            draw: Returns the HTML inside a note, drawn ahead; its references add their notes behind.
        """
        expected = 0
        for number, note in self.numbered(definitions):
            if number != expected:
                # Only a reference without a note leaves a gap in the numbers.
                yield "</ol>" if expected else '<div class="nbs-footnotes">'
                yield f'<ol start="{number}">' if number > 1 else "<ol>"
            yield f"<li>\n{self._with_numbers(draw(note))}\n</li>"
            expected = number + 1
        if expected:
            yield "</ol>\n</div>"
