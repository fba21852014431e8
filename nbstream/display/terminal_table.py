"""Tables for terminals: columns as wide as their cells, or as the terminal lets them be. Knows nothing of Markdown."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rich.cells import cell_len

from nbstream.display.terminal_text import Row, Run, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

__all__ = ["TableLayout"]

_GAP = 2
# Beneath so many columns for each, the cells of a table could not be read.
_NARROWEST = 4


class TableLayout:
    """The layout of one table, printed piece by piece.

    Args:
        align: How each of its columns is aligned.
        plain: The style of what is between the cells.
    """

    def __init__(self, align: Sequence[str], plain: Style) -> None:
        self._align = align
        self._plain = plain
        self._natural = [0] * len(align)

    def fits(self, width: int) -> bool:
        """Whether the table can be read in so many columns of a terminal."""
        return len(self._align) * _NARROWEST <= width

    def rows(self, table: Sequence[Sequence[Row]], width: int) -> list[list[Row]]:
        """Return the rows of the terminal that each row of the table takes.

        Args:
            table: The cells of each row; those at its end may be missing.
            width: How many columns the terminal has.
        """
        for cells in table:
            for number, cell in enumerate(cells):
                self._natural[number] = max(self._natural[number], _width(cell))
        widths = _shrunk(self._natural, width - 1 - _GAP * (len(self._align) - 1))
        return [self._laid_out(cells, widths) for cells in table]

    def rule(self, width: int) -> str:
        """Return what stands below the head, once its rows have been laid out."""
        room = width - 1 - _GAP * (len(self._align) - 1)
        return f" {'─' * (sum(_shrunk(self._natural, room)) + _GAP * (len(self._align) - 1))}"

    def _laid_out(self, cells: Sequence[Row], widths: Sequence[int]) -> list[Row]:
        parts = [[_stripped(part) for part in wrapped(cell, width)] for cell, width in zip(cells, widths, strict=False)]
        rows: list[Row] = []
        for line in itertools.zip_longest(*parts, fillvalue=()):
            row, owed = list[Run](), 1
            for part, width, side in zip(line, widths, self._align, strict=False):
                room = width - _width(part)
                before = {"right": room, "center": room // 2}.get(side, 0)
                row += [Run(" " * (owed + before), self._plain), *part]
                owed = _GAP + room - before
            rows.append(row)
        return rows or [[]]


def _width(row: Sequence[Run]) -> int:
    return sum(cell_len(run.text) for run in row)


def _stripped(row: Row) -> Row:
    return [*row[:-1], row[-1]._replace(text=row[-1].text.rstrip())] if row else row


def _shrunk(natural: Sequence[int], room: int) -> list[int]:
    """The widths of the columns: as wide as they would be, but the widest as wide as they may be."""
    left, widths = room, [0] * len(natural)
    for rank, (width, number) in enumerate(sorted((width, number) for number, width in enumerate(natural))):
        widths[number] = max(1, min(width, left // (len(natural) - rank)))
        left -= widths[number]
    return widths
