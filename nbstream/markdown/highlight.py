"""Colour for code in a known language: Pygments tokens as classes, never as inline styles.

Knows nothing of Markdown. Code that takes too long, or whose tokens do not spell it, has no colours: some lexers
repeat, drop or rewrite text.
"""

from __future__ import annotations

import itertools
import logging
import math
import re
import time
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

from nbstream.markdown.lexers import formatter, lexer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from nbstream.markdown.lexers import Ready

__all__ = ["LONGEST_LINE", "Colouring", "colouring_of", "is_among_the_first", "is_too_long"]

LONGEST_LINE = 500
"""Code with a longer line has no colours: some patterns take time by the square of it, and nobody reads such lines."""

# Colouring takes a hundred times as long as drawing; code beyond so many characters stays plain.
_LONGEST = 20_000
# Of processor time: several times what long blocks of ordinary code take.
_MOST_SECONDS = 0.1
_AT_ONCE = 16
# What one step counts at most, because a step that takes longer may be the machine's doing: Python collects garbage.
_MOST_OF_STEP = 0.05
# In so many languages the code of one answer has colours: each takes a while before its first use.
_MOST_LANGUAGES = 40
# So many languages may be named in one piece of code: the lexer of each has to be made ready.
_MOST_NAMED = 10

_log = logging.getLogger("nbstream")
# How Markdown, reStructuredText, wikis, SQL and HTTP say what the language of something in them is.
_NAMED = re.compile(
    r"(?:```[ \t]*|::[ \t]+|\blang=[\"']?|\blanguage[ \t]+'?|content-type:[ \t]*[\w.-]+/(?:[\w.-]+\+)?)([\w+#-]+)",
    re.IGNORECASE,
)


def colouring_of(code: str, language: str, slow: set[str] | None = None) -> Colouring | None:
    r"""Return what finds the colours of code; None if there are none to be found.

    The language is not known before its lexer has been looked for.

    Args:
        code: The code.
        language: One of the names that Pygments has for a language.
        slow: The lexers of the same answer that took too long before; may grow.

    Example:
        >>> colouring_of("x < 1\n" * 10_000, "python") is None
        True
    """
    if not code or not language or is_too_long(code.split("\n"), len(code)):
        return None
    lexer = lexer_of(language)
    if lexer.done() and lexer.result() is None:
        return None
    return Colouring(code, lexer, set() if slow is None else slow)


def is_among_the_first(language: str, languages: set[str]) -> bool:
    """Whether code in a language has colours: it does if it is one of the first few in an answer.

    Args:
        language: The language.
        languages: Those that have colours in the same answer; may grow.
    """
    if language and len(languages) < _MOST_LANGUAGES:
        languages.add(language.lower())
    return language.lower() in languages


def is_too_long(lines: Iterable[str], length: int) -> bool:
    """Whether code has no colours because of the length of some of its lines, or of the whole."""
    return length > _LONGEST or any(len(line) > LONGEST_LINE for line in lines)


class Colouring:
    r"""Finds the tokens of code, a few at a time.

    Args:
        code: The code.
        lexer: Finds its tokens; None if there is none.
        slow: The names of lexers that took too long before; no more time is spent on what is in them. May grow.

    Attributes:
        given_up: Whether finding them took too long.
        done: Whether there is nothing left to do.

    Example:
        >>> colouring = colouring_of("x < 1\n", "python")
        >>> colouring.advance()
        True
        >>> colouring.html
        '<span class="n">x</span> <span class="o">&lt;</span> <span class="mi">1</span>\n'
    """

    def __init__(self, code: str, lexer: Future[Ready | None], slow: set[str]) -> None:
        self.given_up = self.done = False
        self._code, self._lexer, self._slow = code, lexer, slow
        self._name = ""
        self._found: list[tuple[Any, str]] = []
        self._rest: Iterator[tuple[Any, str]] | None = None
        self._taken = 0.0

    @property
    def ready(self) -> bool:
        """Whether its lexer is there, and those of what is embedded in the code."""
        return self.wait(0.0)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for that so many seconds, or as long as it takes; return whether it is so."""
        if self._rest is not None or self.done:
            return True
        if not _are_done([self._lexer], seconds):
            return False
        if (ready := self._lexer.result()) is None:
            self.done = True
            return True
        named = self._named(ready)
        if len(named) > _MOST_NAMED:
            self._end(given_up=True)
        elif not _are_done([lexer_of(name) for name in named], seconds):
            return False
        else:
            self._rest = ready.lexer.get_tokens(self._code)
        self._name = ready.lexer.name
        return True

    @property
    def awaited(self) -> Future[Ready | None] | None:
        """A lexer without which it cannot go on; one that is there if it can; None if nothing is left to do."""
        if self.done:
            return None
        if self._rest is None and self._lexer.done() and (ready := self._lexer.result()) is not None:
            named = self._named(ready)
            lexers = map(lexer_of, named) if len(named) <= _MOST_NAMED else ()
            return next((each for each in lexers if not each.done()), self._lexer)
        return self._lexer

    def _named(self, ready: Ready) -> set[str]:
        return set(_NAMED.findall(self._code)) if ready.looks_up else set()

    def advance(self, seconds: float = math.inf) -> bool:
        """Go on for so many seconds of processor time, or wait so long; return whether there is nothing left to do."""
        if not self.wait(None if seconds == math.inf else seconds):
            return False
        if self._name in self._slow and not self.done:
            self._end(given_up=True)
        now = time.thread_time()
        latest = now + seconds
        while self._rest is not None and now < latest and self._taken < _MOST_SECONDS:
            some = self._some(self._rest)
            self._found += some
            if len(some) < _AT_ONCE:
                self._end()
            began, now = now, time.thread_time()
            self._taken += min(now - began, _MOST_OF_STEP)
        if self._rest is not None and self._taken >= _MOST_SECONDS:
            self._slow.add(self._name)
            self._end(given_up=True)  # some patterns take time by the square of the length
        return self.done

    def _end(self, *, given_up: bool = False) -> None:
        self._rest, self.done, self.given_up = None, True, given_up

    @property
    def tokens(self) -> list[tuple[Any, str]] | None:
        """Each token's type and text, which together are the code; None if there are none to be had."""
        if not self.done or self.given_up or "".join(text for _, text in self._found) != self._code:
            return None
        return self._found

    @property
    def html(self) -> str | None:
        """The code with a span for each token; None without `tokens`."""
        if (tokens := self.tokens) is None:
            return None
        import pygments

        return pygments.format(iter(tokens), formatter())

    @staticmethod
    def _some(rest: Iterator[tuple[Any, str]]) -> list[tuple[Any, str]]:
        try:
            return list(itertools.islice(rest, _AT_ONCE))
        except Exception:  # noqa: BLE001  of somebody else's lexer, for which the answer must not stop
            _log.debug("Pygments could not read some code", exc_info=True)
            return []


def _are_done(futures: Sequence[Future[Ready | None]], seconds: float | None) -> bool:
    return all(each.done() for each in futures) or (seconds != 0 and not wait(futures, seconds).not_done)
