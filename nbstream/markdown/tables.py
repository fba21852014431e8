"""GFM tables: the delimiter row and how a row splits into cells.

A `|` within a formula ends no cell, as in JupyterLab, if that makes the row as wide as the table. Knows nothing of the
line algorithm.
"""

from __future__ import annotations

import re

from nbstream.markdown.literals import Literals

__all__ = ["LONGEST_HEAD", "LONGEST_ROW", "alignment", "cells", "filled"]

_DELIMITER_ROW = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELL_BREAK = re.compile(r"(?<!\\)\|")

LONGEST_HEAD = 8_000
"""Whether a line is the head of a table is asked again as the next line grows; nobody writes longer ones."""

LONGEST_ROW = 8_000
"""A longer one is shown as it was written: it can only be drawn at once, and nobody writes such rows."""

_ALIGN = {(False, False): "", (True, False): "left", (False, True): "right", (True, True): "center"}
# A short row in a wide table has no more of the cells that nobody wrote; it looks the same without them.
_MOST_EMPTY = 8
_MOST_COLUMNS = 500
# Stands for a `|` in a formula; no text holds it, see `source.clean`.
_BAR = "\x03"
_FORMULA = re.compile(r"\$+|\\")


def cells(line: str, width: int) -> list[str]:
    r"""Return the cells of a row of a table: split at each unescaped `|`, outer pipes dropped, `\|` read as `|`.

    Args:
        line: The row.
        width: How many columns the table has; a row is cut or filled up to them, but with a few empty cells only.

    Example:
        >>> cells(r"| a | b \| c |", 2), cells("| $P(A|B)$ | x |", 2)
        (['a', 'b | c'], ['$P(A|B)$', 'x'])
    """
    found = _split(line)
    if len(found) != width and ("$" in line or "\\" in line):
        other = _split(_masked(line))
        if len(other) == width:
            return [cell.replace(_BAR, "|") for cell in other]
    return filled(found[:width], width)


def filled(row: list[str], width: int) -> list[str]:
    """Return a row with empty cells up to the width of the table, but with a few only."""
    return row + [""] * min(_MOST_EMPTY, width - len(row))


def _split(line: str) -> list[str]:
    cells = _CELL_BREAK.split(line.strip())
    if not cells[0]:
        cells = cells[1:]
    if cells and not cells[-1]:
        cells = cells[:-1]
    return [cell.strip().replace("\\|", "|") for cell in cells]


def _masked(line: str) -> str:
    """The row with every `|` in a formula replaced."""
    literals, parts, position = Literals(line), [], 0
    while found := _FORMULA.search(line, position):
        span = literals.at(found.start())
        end = span.end if span else found.end()
        formula = span is not None and span.kind in {"inline", "display", "environment"}
        parts.append(line[position : found.start()])
        parts.append(line[found.start() : end].replace("|", _BAR) if formula else line[found.start() : end])
        position = end
    return "".join(parts) + line[position:]


def alignment(header: str, line: str) -> tuple[str, ...] | None:
    """Return the alignment of each column if `line` is a delimiter row for `header`, else None."""
    if "-" not in line or not ("|" in line or ":" in line):
        return None
    if line.count("|") > _MOST_COLUMNS or len(header) > LONGEST_HEAD or not _DELIMITER_ROW.fullmatch(line):
        return None
    marks = _split(line)
    if len(marks) != len(_split(header)) and len(marks) != len(_split(_masked(header))):
        return None
    return tuple(_ALIGN[mark.startswith(":"), mark.endswith(":")] for mark in marks)
