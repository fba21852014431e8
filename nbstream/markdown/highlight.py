"""Colour for code in a known language: Pygments tokens as classes, never as inline styles.

Knows nothing of Markdown.
"""

from __future__ import annotations

import time
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pygments.lexer import Lexer

__all__ = ["has_colours", "highlight"]


# Several times what ordinary code takes.
_SECONDS, _SECONDS_A_CHARACTER = 0.05, 0.00005


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


def highlight(code: str, language: str) -> str:
    """Return `code` as HTML, with a span for each token if the language is known and its tokens are soon found.

    Example:
        >>> highlight("x < 1", "no such language")
        'x &lt; 1'
    """
    lexer = _lexer(language.lower()) if language else None
    tokens = None if lexer is None else _tokens(lexer, code)
    if tokens is None:
        return escape(code, quote=False)
    import pygments
    from pygments.formatters import HtmlFormatter

    return pygments.format(iter(tokens), HtmlFormatter(nowrap=True)).rstrip("\n") + "\n"


def _tokens(lexer: Lexer, code: str) -> list[tuple[Any, str]] | None:
    """The tokens of code, or None if they take much longer than code does: some patterns are quadratic."""
    latest = time.thread_time() + _SECONDS + _SECONDS_A_CHARACTER * len(code)
    tokens: list[tuple[Any, str]] = []
    for token in lexer.get_tokens(code):
        tokens.append(token)
        if not len(tokens) % 16 and time.thread_time() > latest:
            return None
    return tokens
