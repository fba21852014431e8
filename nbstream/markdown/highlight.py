"""Colour for code in a known language: Pygments tokens as classes, never as inline styles.

Knows nothing of Markdown.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

__all__ = ["has_colours", "highlight"]


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
    """Return `code` as HTML, with a span for each token if the language is known.

    Example:
        >>> highlight("x < 1", "no such language")
        'x &lt; 1'
    """
    lexer = _lexer(language.lower()) if language else None
    if lexer is None:
        return escape(code, quote=False)
    import pygments
    from pygments.formatters import HtmlFormatter

    return pygments.highlight(code, lexer, HtmlFormatter(nowrap=True)).rstrip("\n") + "\n"
