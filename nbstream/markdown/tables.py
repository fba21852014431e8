"""GFM tables: the delimiter row and how a row splits into cells.

Knows nothing of the line algorithm.
"""

from __future__ import annotations

import re

__all__ = ["alignment", "fit", "split_row"]

_DELIMITER_ROW = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELL_BREAK = re.compile(r"(?<!\\)\|")
_ALIGN = {(False, False): "", (True, False): "left", (False, True): "right", (True, True): "center"}


def split_row(line: str) -> list[str]:
    r"""Return the cells of a row: split at each unescaped `|`, outer pipes dropped, `\|` read as `|`.

    Example:
        >>> split_row(r"| a | b \| c |")
        ['a', 'b | c']
    """
    cells = _CELL_BREAK.split(line.strip())
    if not cells[0]:
        cells = cells[1:]
    if cells and not cells[-1]:
        cells = cells[:-1]
    return [cell.strip().replace("\\|", "|") for cell in cells]


def alignment(header: str, line: str) -> tuple[str, ...] | None:
    """Return the alignment of each column if `line` is a delimiter row for `header`, else None."""
    if "-" not in line or not _DELIMITER_ROW.fullmatch(line) or not ("|" in line or ":" in line):
        return None
    marks = split_row(line)
    if len(marks) != len(split_row(header)):
        return None
    return tuple(_ALIGN[mark.startswith(":"), mark.endswith(":")] for mark in marks)


def fit(cells: list[str], width: int) -> list[str]:
    """Return `cells` cut or padded with empty cells to `width`."""
    return cells[:width] + [""] * (width - len(cells))
