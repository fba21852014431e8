"""Emphasis, strong emphasis and strikethrough: CommonMark's delimiter runs, in time linear in the text.

Knows nothing of links, code or what is written.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from nbstream.markdown.scripts import without_spaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Edge", "edges", "unclosed"]

_RUN = re.compile(r"\*+|_+|~+")
_MOST_TILDES = 2
_Kind: TypeAlias = Literal["del", "em", "strong"]
_KIND: dict[tuple[str, int], _Kind] = {("*", 1): "em", ("*", 2): "strong", ("~", 1): "del", ("~", 2): "del"}


class Edge(NamedTuple):
    """Where a mark opens or closes.

    Attributes:
        kind: The name of its HTML element.
        opens: Whether it opens.
        delimiter: As it is written.
    """

    kind: _Kind
    opens: bool
    delimiter: str


@dataclass(slots=True)
class _Run:
    """The delimiter run of that number: `left` delimiters are not used yet; what closes before and opens after them."""

    number: int
    start: int
    ch: str
    size: int
    left: int
    opens: bool
    closes: bool
    ended: list[Edge] = field(default_factory=list)
    started: list[Edge] = field(default_factory=list)  # the innermost first


def edges(text: str, neighbour: Callable[[str, int, int], str]) -> Iterator[str | Edge]:
    """Yield the text in pieces, with an edge wherever a mark opens or closes; they nest.

    Args:
        text: The text of a leaf.
        neighbour: Returns the character that stands at a position; it gets the text, the position and the direction
            (-1 or 1) in which to look.

    Example:
        >>> [piece if isinstance(piece, str) else piece.kind for piece in edges("a *b*", lambda text, at, _: text[at])]
        ['a ', 'em', 'b', 'em']
    """
    runs = _runs(text, neighbour)
    _pair(runs)
    position = 0
    for run in runs:
        if run.start > position:
            yield text[position : run.start]
        yield from run.ended
        if run.left:
            yield run.ch * run.left
        yield from reversed(run.started)
        position = run.start + run.size
    if position < len(text):
        yield text[position:]


def unclosed(text: str) -> list[tuple[int, str]]:
    """Return the delimiters that open something and that nothing closes: where they stand, and what would close them.

    Example:
        >>> unclosed("a **b *c* d")
        [(2, '**')]
    """
    runs = _runs(text, lambda text, at, _way: text[at])
    return [(run.start, run.ch * run.left) for run in _pair(runs)]


def _runs(text: str, neighbour: Callable[[str, int, int], str]) -> list[_Run]:
    runs: list[_Run] = []
    tildes = "~" in text
    for found in _RUN.finditer(text):
        start, end = _past_tildes(text, *found.span()) if tildes and found[0][0] != "~" else found.span()
        before = neighbour(text, start - 1, -1) if start else "\n"
        after = neighbour(text, end, 1) if end < len(text) else "\n"
        runs.append(_run(len(runs), found, before, after))
    return runs


def _past_tildes(text: str, start: int, end: int) -> tuple[int, int]:
    """As on GitHub, strikethrough between a run and a word does not come between them."""
    while text[start - 1 : start] == "~":
        start -= 1
    while text[end : end + 1] == "~":
        end += 1
    return start, end


def _run(number: int, found: re.Match[str], before: str, after: str) -> _Run:
    ch, size = found[0][0], len(found[0])
    opens, closes = _flanking(ch, before, after) if ch != "~" or size <= _MOST_TILDES else (False, False)
    return _Run(number, found.start(), ch, size, size, opens, closes)


@lru_cache(maxsize=4096)
def _flanking(ch: str, before: str, after: str) -> tuple[bool, bool]:
    """Whether delimiters between these characters can open, and whether they can close."""
    space_before, punctuation_before, wide_before = _kind(before)
    space_after, punctuation_after, wide_after = _kind(after)
    # Some scripts put no spaces around words: there a wide character counts as a space.
    opens = not space_after and (not punctuation_after or space_before or punctuation_before or wide_before)
    closes = not space_before and (not punctuation_before or space_after or punctuation_after or wide_after)
    if ch == "_":
        opens, closes = (
            opens and (not closes or punctuation_before),
            closes and (not opens or punctuation_after),
        )
    return opens, closes


@lru_cache(maxsize=1024)
def _kind(ch: str) -> tuple[bool, bool, bool]:
    """Whether `ch` is white space, is narrow punctuation, is of a script without spaces."""
    category = unicodedata.category(ch)
    # Emoji are not punctuation: they stand for words.
    wide = category != "So" and without_spaces(ch)
    return ch.isspace(), not wide and category[0] in "PS" and category != "So", wide


def _pair(runs: list[_Run]) -> list[_Run]:
    """Pair closing with opening runs, each closer with the nearest opener that fits; return the openers left."""
    stack: list[_Run] = []
    # How far down was already searched for a closer of the same sort: what stands before that will never fit.
    searched: dict[tuple[str, int, bool], int] = {}
    for run in runs:
        sort = (run.ch, run.size if run.ch == "~" else run.size % 3, run.opens)
        while run.closes and run.left:
            at = _opener(stack, run, searched.get(sort, 0))
            if at is None:
                searched[sort] = run.number
                break
            del stack[at + 1 :]
            _join(stack[at], run)
            if not stack[at].left:
                stack.pop()
        if run.opens and run.left:
            stack.append(run)
    return stack


def _opener(stack: list[_Run], closer: _Run, first: int) -> int | None:
    for at in range(len(stack) - 1, -1, -1):
        if stack[at].number < first:
            return None
        if _fits(stack[at], closer):
            return at
    return None


def _fits(opener: _Run, closer: _Run) -> bool:
    if opener.ch != closer.ch:
        return False
    if opener.ch == "~":
        return opener.size == closer.size
    either_way = opener.closes or closer.opens
    return not either_way or (opener.size + closer.size) % 3 != 0 or (opener.size % 3 == 0 and closer.size % 3 == 0)


def _join(opener: _Run, closer: _Run) -> None:
    size = 2 if opener.left >= 2 and closer.left >= 2 else 1
    kind = _KIND["*" if opener.ch == "_" else opener.ch, size]
    delimiter = opener.ch * size if opener.ch != "~" else "~" * opener.size
    opener.left -= size
    closer.left -= size
    opener.started.append(Edge(kind, opens=True, delimiter=delimiter))
    closer.ended.append(Edge(kind, opens=False, delimiter=delimiter))
