"""Tables for terminals whose cells hold nothing but words: laid out as `rich` would, in a fraction of its time.

Knows nothing of colours: the first two lines are the head and the rule below it.
"""

from __future__ import annotations

import re

from rich.cells import cell_len

from nbstream.markdown.tables import alignment, cells

__all__ = ["TableLayout"]

_MARKUP = re.compile(r"[\\`*_~\[<&$!]")
# Laying out a cell takes a tenth of a millisecond. More of them in one piece are all very short.
_MOST_CELLS = 120
# Beneath so many columns for each, the cells of a table could not be read.
_NARROWEST = 4


class TableLayout:
    r"""The layout of one table, printed piece by piece.

    Example:
        >>> print(*TableLayout().lines("|a|b|\n|-|-:|\n|words|1|", 20), sep="\n")
         a      b
         ────────
         words  1
    """

    def __init__(self) -> None:
        self._widths: list[int] = []

    def lines(self, source: str, width: int) -> list[str] | None:
        """Return the lines of a table, or of what is left of it below its head.

        Args:
            source: The table, or some of its rows with the head above them.
            width: How many columns the terminal has.

        Returns:
            The head, the rule and the rows; the source where the table has too many columns; None if there is more than
            words in it, or if words have to be wrapped.
        """
        head, *others = source.split("\n")
        align = alignment(head, others[0]) if others else None
        if align is None:
            return None
        delimiters, *rest = others
        if len(align) * _NARROWEST > width:
            return [head, delimiters, *rest]
        many = len(rest) * len(align) > _MOST_CELLS
        if not many and _MARKUP.search(source):
            return None
        rows = [[*cells(line, len(align)), *[""] * len(align)][: len(align)] for line in (head, *rest)]
        widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
        if len(self._widths) == len(widths):
            widths = list(map(max, widths, self._widths))
        rule = "─" * (sum(widths) + 2 * len(widths) - 2)
        if len(rule) >= width:
            return [head, delimiters, *rest] if many else None
        self._widths = widths
        written = [_row(row, widths, align) for row in rows]
        return [written[0], f" {rule}", *written[1:]]


def _row(row: list[str], widths: list[int], align: tuple[str, ...]) -> str:
    padded = [_padded(cell, width - cell_len(cell), side) for cell, width, side in zip(row, widths, align, strict=True)]
    return f" {'  '.join(padded)}".rstrip()


def _padded(cell: str, room: int, side: str) -> str:
    before = {"right": room, "center": room // 2}.get(side, 0)
    return f"{' ' * before}{cell}{' ' * (room - before)}"
