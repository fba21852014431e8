"""Code that is still being written gets its colours line by line: only its last lines are read again.

A lexer reads from a beginning. Where one has begun anew within the code and sees what it saw before, it may as well
begin there from then on. Whether that was right is decided when the code is complete and is read as a whole.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nbstream.markdown.highlight import colouring_of, is_too_long
from nbstream.markdown.lexers import lexer_of
from nbstream.markdown.safety import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from nbstream.markdown.highlight import Colouring
    from nbstream.markdown.lexers import Ready

__all__ = ["GrowingCode"]

# So many of the last lines are read again with each new one: a comment or string that ends later changes them.
_KEPT_LINES = 10
# So much is read at once; more is there only if a page has just been reloaded.
_MOST_AT_ONCE = 1_000
# Of processor time, for reading the last lines once. Ordinary code takes a tenth of it.
_MOST_SECONDS = 0.008
# How often that may be exceeded, because it may be the machine's doing: it is busy, or Python collects garbage.
_MOST_LATE = 3


class GrowingCode:
    """The colours of the complete lines of one block of code.

    Args:
        language: One of the names that Pygments has for a language.

    Attributes:
        lines: The HTML of the last lines that have colours; it may still change.

    Example:
        >>> from nbstream.markdown.lexers import lexer_of
        >>> _ = lexer_of("python").result()
        >>> code = GrowingCode("python")
        >>> code.advance(["x = 1"])
        []
        >>> code.lines
        ['<span class="n">x</span> <span class="o">=</span> <span class="mi">1</span>']
    """

    def __init__(self, language: str) -> None:
        self.lines: list[str] = []
        self._language = language
        self._final = 0  # how many lines were given out
        self._length = 0  # of the code that has been looked at
        self._known = 0  # and how many lines that is
        self._late = 0
        self._given_up = False

    def advance(self, code: Sequence[str]) -> list[str]:
        """Read what is new; return the HTML of the lines that have become final, which are those before `lines`.

        As long as the lexer is not there, nothing is read.

        Args:
            code: All complete lines so far.
        """
        if self._given_up:
            return self._give_up(code)
        if (end := self._end(code)) == self._known:
            return []
        length = self._length + sum(len(line) + 1 for line in code[self._known : end])
        colouring = None if is_too_long(code[self._final : end], length) else self._colouring(code[self._final : end])
        if colouring is not None and not colouring.ready:
            return []
        drawn = None if colouring is None else _drawn(colouring)
        if drawn is None and colouring is not None and not colouring.done and self._late < _MOST_LATE:
            self._late += 1
            return []
        self._known, self._length = end, length
        if drawn is None:
            return self._give_up(code)
        cut = self._cut(code[self._final : end], drawn)
        final, self.lines = drawn[:cut], drawn[cut:]
        self._final += cut
        return final

    @property
    def lexer(self) -> Future[Ready | None]:
        """What reads it, or will."""
        return lexer_of(self._language)

    def awaited(self, code: Sequence[str]) -> Future[Ready | None] | None:
        """Return what `advance` waits for: a lexer that is there if it can go on; None if nothing is left to read.

        Args:
            code: All complete lines so far.
        """
        if self._given_up or (end := self._end(code)) == self._known:
            return None
        colouring = self._colouring(code[self._final : end])
        return None if colouring is None else colouring.awaited

    def _end(self, code: Sequence[str]) -> int:
        end, length = self._known, 0
        while end < len(code) and length <= _MOST_AT_ONCE:
            length += len(code[end])
            end += 1
        return end

    def _give_up(self, code: Sequence[str]) -> list[str]:
        """What has colours keeps them, and what comes has none."""
        final = [*self.lines, *(escape(line, quote=False) for line in code[self._final + len(self.lines) :])]
        self._given_up, self._final, self.lines = True, len(code), []
        return final

    def _colouring(self, code: Sequence[str]) -> Colouring | None:
        return colouring_of("".join(f"{line}\n" for line in code), self._language)

    def _cut(self, code: Sequence[str], drawn: Sequence[str]) -> int:
        """How many of the lines need not be read again."""
        if len(code) < 2 * _KEPT_LINES:
            return 0
        for cut in _beginnings(code):
            colouring = self._colouring(code[cut:])
            if colouring is not None and _drawn(colouring) == drawn[cut:]:
                return cut
        return 0


def _drawn(colouring: Colouring) -> list[str] | None:
    """The HTML of each line, if that can be had in no time."""
    if not colouring.advance(_MOST_SECONDS) or (html := colouring.html) is None:
        return None
    return sanitise(html).split("\n")[:-1]


def _beginnings(code: Sequence[str]) -> Iterator[int]:
    """Where reading may begin anew: at the last line that is not indented, else at the last one."""
    places = [place for place in range(len(code) - _KEPT_LINES, 0, -1) if code[place].strip()]
    outer = next((place for place in places if not code[place][0].isspace()), None)
    if outer is not None:
        yield outer
    if places and places[0] != outer:
        yield places[0]
