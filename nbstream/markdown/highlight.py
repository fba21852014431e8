"""Colour for code in a known language: Pygments tokens as classes, never as inline styles.

Knows nothing of Markdown.
"""

from __future__ import annotations

import itertools
import math
import time
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pygments.lexer import Lexer

__all__ = ["Colouring", "has_colours"]


# Of processor time: several times what long blocks of ordinary code take.
_MOST_SECONDS = 0.1
_AT_ONCE = 16


@cache
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def has_colours(language: str) -> bool:
    """Whether code in a language can be coloured.

    Example:
        >>> has_colours("python"), has_colours("no such language")
        (True, False)
    """
    return bool(language) and _lexer(language.lower()) is not None


class Colouring:
    r"""Finds the tokens of code, a few at a time.

    Args:
        code: The code.
        language: A language that `has_colours`.

    Example:
        >>> colouring = Colouring("x < 1", "python")
        >>> colouring.advance()
        True
        >>> colouring.html
        '<span class="n">x</span> <span class="o">&lt;</span> <span class="mi">1</span>\n'
    """

    def __init__(self, code: str, language: str) -> None:
        lexer = _lexer(language.lower())
        assert lexer is not None
        self._tokens: list[tuple[Any, str]] = []
        self._rest: Iterator[tuple[Any, str]] | None = lexer.get_tokens(code)
        self._taken = 0.0
        self._given_up = False

    def advance(self, seconds: float = math.inf) -> bool:
        """Go on for so many seconds of processor time; return whether there is nothing left to do."""
        began = now = time.thread_time()
        latest = began + min(seconds, _MOST_SECONDS - self._taken)
        while self._rest is not None and now < latest:
            some = list(itertools.islice(self._rest, _AT_ONCE))
            self._tokens += some
            if len(some) < _AT_ONCE:
                self._rest = None
            now = time.thread_time()
        self._taken += now - began
        if self._rest is not None and self._taken >= _MOST_SECONDS:
            self._rest, self._given_up = None, True  # some patterns take time by the square of the length
        return self._rest is None

    @property
    def html(self) -> str | None:
        """The code with a span for each token; None if it took too long to find them."""
        if self._given_up:
            return None
        import pygments
        from pygments.formatters import HtmlFormatter

        return pygments.format(iter(self._tokens), HtmlFormatter(nowrap=True)).rstrip("\n") + "\n"
