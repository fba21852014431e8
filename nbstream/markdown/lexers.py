"""Pygments' lexers. Each is imported and compiled when its language is first named, on a thread that ends after it.

That takes up to a fifth of a second of pure Python, during which an answer goes on without colours. Knows nothing of
Markdown, and nothing of what the lexers are for.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
from collections import deque
from concurrent.futures import Future
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexer import Lexer

__all__ = ["Ready", "formatter", "lexer_of"]

# A fork waits so long for what is being imported. A child would never see the end of it.
_PATIENCE_SECONDS = 30.0
_LOOKUPS = {"get_lexer_by_name", "get_lexer_for_mimetype"}

_log = logging.getLogger("nbstream")


class Ready(NamedTuple):
    """A lexer that can be used without importing or compiling anything.

    Attributes:
        lexer: The lexer, as are those that its own code names.
        looks_up: Whether it looks up others by names that are in what it reads, as that of Markdown does.
    """

    lexer: Lexer
    looks_up: bool


def lexer_of(language: str) -> Future[Ready | None]:
    """Return what will be the lexer of a language, or None if there is none; it is being made ready from now on.

    Where no thread can be started, it is made ready here and now.

    Args:
        language: One of the names that Pygments, or a plugin of it, has for a language.

    Example:
        >>> lexer_of("python").result().lexer.name, lexer_of("no such language").result()
        ('Python', None)
    """
    return _lexers.get(language.lower())


@functools.cache
def formatter() -> HtmlFormatter[str]:
    """What writes tokens as HTML."""
    # Not from `pygments.formatters`: that replaces itself while it is imported, which fails on a second thread.
    from pygments.formatters.html import HtmlFormatter

    return HtmlFormatter(nowrap=True)


@functools.cache
def _own_names() -> frozenset[str]:
    from pygments.lexers import get_all_lexers

    return frozenset(name for _, names, *_ in get_all_lexers(plugins=False) for name in names)


def _plugins() -> dict[str, type[Lexer]]:
    from importlib.metadata import entry_points

    kinds: dict[str, type[Lexer]] = {}
    for entry in entry_points(group="pygments.lexers"):
        try:
            kind = entry.load()
            kinds = dict.fromkeys(kind.aliases, kind) | kinds
        except Exception:  # noqa: BLE001  of somebody else's package, without which others go on
            _log.debug("Pygments could not load %s", entry, exc_info=True)
    return kinds


def _named_by(kind: type[Lexer]) -> tuple[set[type[Lexer]], set[str]]:
    """The lexers that the code of one names, because it makes those of embedded code as it comes, and all it names."""
    from pygments.lexer import Lexer

    kinds: set[type[Lexer]] = set()
    names: set[str] = set()
    seen: dict[int, Any] = {}
    found: list[Any] = [kind]
    while found:
        each = found.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        if isinstance(each, type):
            if issubclass(each, Lexer) and each.__module__ != Lexer.__module__:
                kinds.add(each)
                found += [value for base in each.__mro__ if issubclass(base, Lexer) for value in vars(base).values()]
        elif isinstance(each, dict):
            found += each.values()
        elif isinstance(each, list | tuple):
            found += each
        elif isinstance(each, FunctionType):
            codes = [each.__code__, *(code for code in each.__code__.co_consts if isinstance(code, CodeType))]
            used = {name for code in codes for name in code.co_names}
            names |= used
            found += [value for name in used if isinstance(value := each.__globals__.get(name), type)]
            found += [cell.cell_contents for cell in each.__closure__ or ()]
    return kinds, names


class _Lexers:
    """Those that have been asked for in this process."""

    def __init__(self) -> None:
        self._importing = threading.RLock()  # held while one is made ready
        self._lock = threading.Lock()
        self._futures: dict[str, Future[Ready | None]] = {}
        self._asked: deque[str] = deque()
        self._thread: threading.Thread | None = None
        self._kinds: dict[str, type[Lexer]] | None = None  # of all plugins, once one of them was asked for
        self._unknown: Future[Ready | None] = Future()
        self._unknown.set_result(None)

    def get(self, language: str) -> Future[Ready | None]:
        with self._lock:
            future = self._futures.get(language)
            if future is None:
                if self._kinds is not None and language not in self._kinds and language not in _own_names():
                    return self._unknown  # an answer may name any number of these
                future = self._futures[language] = Future()
                self._asked.append(language)
            if future.done() or (self._thread is not None and self._thread.is_alive()):
                return future
            _hold_up_forks(self)
            self._thread = threading.Thread(target=self._make_ready, name="nbstream-lexers", daemon=True)
            with contextlib.suppress(RuntimeError):  # in a browser, at the end of the program, or where there are many
                self._thread.start()
                return future
            self._thread = None
        self._make_ready()
        return future

    def _make_ready(self) -> None:
        """Make ready what was asked for, and end."""
        while True:
            with self._importing:
                with self._lock:
                    if not self._asked:
                        self._thread = None
                        return
                    language = self._asked[0]
                ready, forgotten = None, False
                try:
                    ready = self._ready(language)
                    forgotten = ready is None
                except Exception:  # noqa: BLE001  of somebody else's lexer, for which the answer must not stop
                    _log.debug("Pygments could not prepare the lexer of %s", language, exc_info=True)
                finally:
                    with self._lock:
                        self._asked.popleft()
                        future = self._futures.pop(language) if forgotten else self._futures[language]
                    future.set_result(ready)  # who waits for it is told here, and may ask for others

    def _ready(self, language: str) -> Ready | None:
        # The body of a mail would be guessed, which imports all lexers there are.
        options = {"stripnl": False, "ensurenl": False, "body_lexer": "text"}
        if language in _own_names():
            from pygments.lexers import get_lexer_by_name

            lexer = get_lexer_by_name(language, **options)
        else:
            self._kinds = self._kinds or _plugins()
            if language not in self._kinds:
                return None
            lexer = self._kinds[language](**options)
        formatter()
        kinds, names = _named_by(type(lexer))
        for kind in kinds:
            with contextlib.suppress(Exception):  # some want arguments
                kind()  # which compiles what it consists of
        return Ready(lexer, not names.isdisjoint(_LOOKUPS))

    def before_fork(self) -> None:
        self._held = [lock for lock in (self._importing, self._lock) if lock.acquire(timeout=_PATIENCE_SECONDS)]

    def after_fork(self) -> None:
        for lock in reversed(self._held):
            lock.release()


_lexers = _Lexers()


@functools.cache
def _hold_up_forks(lexers: _Lexers) -> None:
    if hasattr(os, "register_at_fork"):
        after = lexers.after_fork
        os.register_at_fork(before=lexers.before_fork, after_in_parent=after, after_in_child=after)
