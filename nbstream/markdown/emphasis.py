"""Emphasis, strong emphasis and strikethrough: CommonMark's delimiter runs, in time linear in the text.

Marks the text with control characters, which no text holds, in place of delimiters; the HTML writer translates them.
Python-Markdown's own patterns read `***both***`, `f(**k)` and runs next to punctuation in ways of their own. Knows
nothing of links, code or HTML output.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LITERAL", "TAGS", "mark", "unclosed"]

_RUN = re.compile(r"\*+|_+|~+")
_DELETED = ("\x12", "\x13")
_MARK = {("*", 1): ("\x0e", "\x0f"), ("*", 2): ("\x10", "\x11"), ("~", 1): _DELETED, ("~", 2): _DELETED}
_ALONE = {"*": "\x14", "_": "\x15", "~": "\x16"}

TAGS = {
    "\x0e": "<em>",
    "\x0f": "</em>",
    "\x10": "<strong>",
    "\x11": "</strong>",
    "\x12": "<del>",
    "\x13": "</del>",
}
"""What stands for each tag."""

LITERAL = {alone: ch for ch, alone in _ALONE.items()}
"""What stands for a delimiter that delimits nothing."""


@dataclass(slots=True)
class _Run:
    """The delimiter run of that number: `left` delimiters are not used yet; tags to put before and after them."""

    number: int
    start: int
    ch: str
    size: int
    left: int
    opens: bool
    closes: bool
    ended: str = ""
    started: str = ""

    @property
    def written(self) -> str:
        return self.ended + _ALONE[self.ch] * self.left + self.started


def mark(text: str, neighbour: Callable[[str, int, int], str]) -> str:
    r"""Return `text` with every delimiter replaced by what stands for a tag or for the delimiter itself.

    Args:
        text: The text of a leaf.
        neighbour: Returns the character that stands at a position; it gets the text, the position and the direction
            (-1 or 1) in which to look.

    Example:
        >>> mark("a *b*", lambda text, at, way: text[at])
        'a \x0eb\x0f'
    """
    runs = _runs(text, neighbour)
    _pair(runs)
    parts: list[str] = []
    position = 0
    for run in runs:
        parts += [text[position : run.start], run.written]
        position = run.start + run.size
    return "".join(parts) + text[position:]


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
    for found in _RUN.finditer(text):
        start, end = found.span() if found[0][0] == "~" else _past_tildes(text, *found.span())
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
    space_before, punctuation_before, wide_before = _kind(before)
    space_after, punctuation_after, wide_after = _kind(after)
    # Chinese, Japanese and Korean put no spaces around words: there a wide character counts as a space.
    opens = not space_after and (not punctuation_after or space_before or punctuation_before or wide_before)
    closes = not space_before and (not punctuation_before or space_after or punctuation_after or wide_after)
    if ch == "_":
        opens, closes = (
            opens and (not closes or punctuation_before),
            closes and (not opens or punctuation_after),
        )
    elif ch == "~" and size > 2:
        opens = closes = False
    return _Run(number, found.start(), ch, size, size, opens, closes)


@lru_cache(maxsize=1024)
def _kind(ch: str) -> tuple[bool, bool, bool]:
    """Whether `ch` is white space, is narrow punctuation, is of a wide script."""
    category = unicodedata.category(ch)
    # Emoji are not punctuation: they stand for words.
    wide = category != "So" and unicodedata.east_asian_width(ch) in {"W", "F"}
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
    start, end = _MARK["*" if opener.ch == "_" else opener.ch, size]
    opener.left -= size
    closer.left -= size
    opener.started = start + opener.started
    closer.ended += end
