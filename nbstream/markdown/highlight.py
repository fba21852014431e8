"""Colour for code in a known language: Pygments tokens as classes, never as inline styles.

Knows nothing of Markdown. Code that takes too long, or whose tokens do not spell it, has no colours: some lexers
repeat, drop or rewrite text.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pygments.formatters.html import HtmlFormatter
    from pygments.lexer import Lexer

__all__ = ["LONGEST_LINE", "Colouring", "colouring_of", "is_too_long"]

LONGEST_LINE = 500
"""Code with a longer line has no colours: some patterns take time by the square of it, and nobody reads such lines."""

# Colouring takes a hundred times as long as drawing; code beyond so many characters stays plain.
_LONGEST = 20_000
# Of processor time: several times what long blocks of ordinary code take.
_MOST_SECONDS = 0.1
_AT_ONCE = 16

_log = logging.getLogger("nbstream")
# Answers are drawn on threads of their own, and Pygments prepares a lexer at its first use without a lock.
_preparing = threading.Lock()


def colouring_of(code: str, language: str, slow: set[str] | None = None) -> Colouring | None:
    r"""Return what finds the colours of code; None if the language is unknown or the code too long.

    Args:
        code: The code.
        language: One of the names that Pygments has for a language.
        slow: The lexers of the same answer that took too long before; may grow.

    Example:
        >>> colouring_of("x < 1\n", "no such language") is None
        True
    """
    if not code or not language or is_too_long(code.split("\n"), len(code)):
        return None
    lexer = _lexer(language.lower())
    return None if lexer is None else Colouring(code, lexer, set() if slow is None else slow)


def is_too_long(lines: Iterable[str], length: int) -> bool:
    """Whether code has no colours because of the length of some of its lines, or of the whole."""
    return length > _LONGEST or any(len(line) > LONGEST_LINE for line in lines)


@lru_cache(256)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        with _preparing:
            return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(1)
def _formatter() -> HtmlFormatter[str]:
    # Not from `pygments.formatters`: that replaces itself while it is imported, which fails on a second thread.
    from pygments.formatters.html import HtmlFormatter

    return HtmlFormatter(nowrap=True)


class Colouring:
    r"""Finds the tokens of code, a few at a time.

    Args:
        code: The code.
        lexer: Finds its tokens.
        slow: The names of lexers that took too long before; no more time is spent on what is in them. May grow.

    Attributes:
        given_up: Whether finding them took too long.

    Example:
        >>> colouring = colouring_of("x < 1\n", "python")
        >>> colouring.advance()
        True
        >>> colouring.html
        '<span class="n">x</span> <span class="o">&lt;</span> <span class="mi">1</span>\n'
    """

    def __init__(self, code: str, lexer: Lexer, slow: set[str]) -> None:
        self.given_up = False
        self._name, self._slow = lexer.name, slow
        self._code = code
        self._found: list[tuple[Any, str]] = []
        self._rest: Iterator[tuple[Any, str]] | None = lexer.get_tokens(code)
        self._taken = 0.0

    def advance(self, seconds: float = math.inf) -> bool:
        """Go on for so many seconds of processor time; return whether there is nothing left to do."""
        if self._rest is not None and self._name in self._slow:
            self._rest, self.given_up = None, True
        began = now = time.thread_time()
        latest = began + min(seconds, _MOST_SECONDS - self._taken)
        while self._rest is not None and now < latest:
            some = self._some(self._rest)
            self._found += some
            if len(some) < _AT_ONCE:
                self._rest = None
            now = time.thread_time()
        self._taken += now - began
        if self._rest is not None and self._taken >= _MOST_SECONDS:
            self._slow.add(self._name)
            self._rest, self.given_up = None, True  # some patterns take time by the square of the length
        return self._rest is None

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return self._rest is None

    @property
    def tokens(self) -> list[tuple[Any, str]] | None:
        """Each token's type and text, which together are the code; None if there are none to be had."""
        if self._rest is not None or self.given_up or "".join(text for _, text in self._found) != self._code:
            return None
        return self._found

    @property
    def html(self) -> str | None:
        """The code with a span for each token; None without `tokens`."""
        if (tokens := self.tokens) is None:
            return None
        import pygments

        return pygments.format(iter(tokens), _formatter())

    @staticmethod
    def _some(rest: Iterator[tuple[Any, str]]) -> list[tuple[Any, str]]:
        try:
            return list(itertools.islice(rest, _AT_ONCE))
        except Exception:  # noqa: BLE001  of somebody else's lexer, for which the answer must not stop
            _log.debug("Pygments could not read some code", exc_info=True)
            return []
