"""Lines for a terminal: runs of text in one style each, wrapped or folded to its width, and written with its escapes.

Knows nothing of Markdown. Costs time in proportion to the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rich.cells import cell_len, chop_cells
from rich.segment import Segment, Segments

from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console
    from rich.style import Style

__all__ = ["Ink", "Line", "Row", "Run", "folded", "wrapped"]

_WORD = re.compile(r"\s*\S+\s*")
_TAB = 4


class Run(NamedTuple):
    """Some text in one style."""

    text: str
    style: Style


Row: TypeAlias = list[Run]
"""What stands in one line."""


class Line(NamedTuple):
    """One line as it is written, without its line end, and how many columns it takes."""

    text: str
    width: int


class Ink:
    """Writes rows in the colours of one terminal.

    Args:
        console: The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._escapes: dict[Style, tuple[str, str]] = {}

    def line(self, row: Row) -> Line:
        """Write a row without white space at its end, and without characters that act."""
        whole = "".join([run.text for run in row]).rstrip()
        if plain(whole) is not whole:
            return self.line([Run(plain(text), style) for text, style in row])
        written: list[str] = []
        left, after = len(whole), ""
        now: Style | None = None
        for text, style in row:
            if left <= 0:
                break
            if style is not now:
                before, next_after = self._escapes.get(style) or self._escapes_of(style)
                written += [after, before]
                now, after = style, next_after
            written.append(text[:left])
            left -= len(text)
        return Line("".join([*written, after]), cell_len(whole))

    def _escapes_of(self, style: Style) -> tuple[str, str]:
        with self._console.capture() as written:
            self._console.print(Segments([Segment("x", style)]), end="", crop=False, no_wrap=True)
        before, _, after = written.get().partition("x")
        self._escapes[style] = before, after
        return before, after


def wrapped(runs: Iterable[Run], width: int) -> list[Row]:
    """Return rows that break between words where that is possible, and at each line end.

    Args:
        runs: The text.
        width: How many columns there are.
    """
    runs = _expanded(runs)
    text = "".join(run.text for run in runs)
    if "\n" not in text and cell_len(text) <= width:
        return [runs]
    return _cut(runs, _word_breaks(text, width))


def folded(runs: Iterable[Run], width: int) -> list[Row]:
    """Return rows that break wherever they are full, and at each line end."""
    runs = _expanded(runs)
    return _cut(runs, _breaks("".join(run.text for run in runs), width))


def _expanded(runs: Iterable[Run]) -> Row:
    """The runs with spaces for tabs, and without empty ones."""
    found, column = [run for run in runs if run.text], 0
    if not any("\t" in run.text for run in found):
        return found
    for number, (text, style) in enumerate(found):
        expanded = f"{' ' * column}{text}".expandtabs(_TAB)
        found[number] = Run(expanded[column:], style)
        column = len(expanded.rpartition("\n")[2]) % _TAB
    return found


def _cut(runs: Row, breaks: Iterator[int]) -> list[Row]:
    """The rows that begin at these places of the text; line ends are left out."""
    rows: list[Row] = [[]]
    at, place = 0, next(breaks, None)
    for text, style in runs:
        begin = 0
        while place is not None and place <= at + len(text):
            rows[-1].append(Run(text[begin : place - at].rstrip("\n"), style))
            rows.append([])
            begin, place = place - at, next(breaks, None)
        if begin < len(text):
            rows[-1].append(Run(text[begin:], style))
        at += len(text)
    return rows


def _breaks(text: str, width: int) -> Iterator[int]:
    at = 0
    for line in text.split("\n"):
        if at:
            yield at
        if cell_len(line) > width:
            place = at
            for part in chop_cells(line, width)[:-1]:
                place += len(part)
                yield place
        at += len(line) + 1


def _word_breaks(text: str, width: int) -> Iterator[int]:
    at = 0
    for line in text.split("\n"):
        if at:
            yield at
        if (columns := cell_len(line)) > width:
            yield from (_plain_breaks if columns == len(line) else _wide_breaks)(line, width, at)
        at += len(line) + 1


def _plain_breaks(line: str, width: int, at: int) -> Iterator[int]:
    """The breaks in a line whose characters take a column each: word for word takes ten times as long."""
    begin, end = 0, len(line.rstrip())
    while end - begin > width:
        space = line.rfind(" ", begin, begin + width + 1)
        if space < 0 or not line[begin:space].strip():
            begin += width
        else:
            begin = space + 1
            while line[begin] == " ":
                begin += 1
        yield at + begin


def _wide_breaks(line: str, width: int, at: int) -> Iterator[int]:
    column = 0
    for word in _WORD.finditer(line):
        length = cell_len(word[0].rstrip())
        place = at + word.start()
        if column + length <= width:
            column += cell_len(word[0])
            continue
        if column:
            yield place
        column = cell_len(word[0])
        if length > width:
            *parts, last = chop_cells(word[0], width)
            for part in parts:
                place += len(part)
                yield place
            column = cell_len(last)
