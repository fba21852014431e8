"""Markdown drawn for a terminal in the styles of `rich`: a piece of a text in, printable lines out.

The blocks and marks are those of the other displays. What a terminal cannot show is written as it was: HTML is text,
formulas keep their characters, an address is printed and never hidden behind words.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.style import Style
from rich.syntax import Syntax
from rich.theme import Theme

from nbstream.display.growing_blocks import LONGEST_PARAGRAPH
from nbstream.display.terminal_inline import InlineRuns
from nbstream.display.terminal_table import TableLayout
from nbstream.display.terminal_text import Ink, Line, Run, folded, wrapped
from nbstream.display.terminal_work import MOST_TAIL_WORK, work_of_text
from nbstream.markdown.blocks import parse
from nbstream.markdown.highlight import colouring_of, is_among_the_first
from nbstream.markdown.tables import LONGEST_ROW, cells
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from nbstream.display.growing_blocks import Piece
    from nbstream.display.terminal_text import Row
    from nbstream.markdown.tree import Block

__all__ = ["Line", "MarkdownPrinter"]


# Of processor time, for the colours of some code and for each of its characters: several times what is ordinary.
_SECONDS, _SECONDS_EACH = 0.005, 0.00001
_MOST_TIMES_SLOW = 2
# What is nested so deeply that fewer columns are left is not moved further to the right.
_NARROWEST = 20
_CLOSERS = {"$$": "$$", "\\[": "\\]"}


class MarkdownPrinter:
    """Draws pieces of an answer for one terminal, in its colours.

    Args:
        out: The terminal.
    """

    def __init__(self, out: TextIO) -> None:
        theme = Theme({"markdown.code": "bold cyan"})  # no black box on a light terminal
        self._console = Console(file=out, theme=theme, force_jupyter=False, highlight=False, markup=False, emoji=False)
        # Before 14.3, rich has no style for the heads of tables; a theme may lack any.
        self._style_of = functools.cache(functools.partial(self._console.get_style, default="none"))
        self._plain = Style.null()
        self._ink = Ink(self._console)
        self._table: TableLayout | None = None  # the last one at the top, which may go on
        self._slow: list[str] = []  # the languages whose colours took too long, each time
        self._languages: set[str] = set()

    @property
    def capable(self) -> bool:
        """Whether the terminal moves its cursor as it is told to."""
        console = self._console
        return console.is_terminal and not console.is_dumb_terminal and not console.legacy_windows

    def draw(self, piece: Piece, width: int) -> list[Line]:
        """The lines of a piece, none of them wider than `width`; much that is shown as it was written is one line."""
        if piece.as_written:
            return _as_written(plain(piece.source), width)
        if piece.kind == "math":
            return self._written(wrapped([Run(piece.source, self._plain)], width))
        blocks, references = [piece.block] if piece.block is not None else None, piece.references
        if blocks is None:
            parsed = parse([piece.source])
            blocks, references = parsed.document.children, parsed.references
        self._inlines = InlineRuns(self._style_of, references)
        if piece.kind == "table" and blocks and blocks[0].kind == "table":
            lines = self._written(self._table_rows(blocks[0], width, self._plain, piece))
            return _without_margins(lines) if piece.begins else lines
        rows = [row for block in blocks for row in self._rows(block, width, self._plain, piece.number)]
        lines = self._written(rows)
        return lines if piece.kind == "code" else _without_margins(lines)

    def note(self, words: str, width: int) -> list[Line]:
        """The lines of a remark that is not the model's."""
        return self._written(wrapped([Run(words, self._style_of("dim"))], width))

    def _written(self, rows: Iterable[Row]) -> list[Line]:
        return list(map(self._ink.line, rows))

    def _rows(self, block: Block, width: int, base: Style, number: int | None = None) -> list[Row]:
        match block.kind:
            case "paragraph" | "heading":
                if block.level:
                    base += self._style_of(f"markdown.h{block.level}")
                return self._leaf(block.text, width, base)
            case "rule":
                return [[Run("─" * width, base + self._style_of("markdown.hr"))]]
            case "code":
                return self._code(block, width, base)
            case "math":
                run = block.fence.run if block.fence else ""
                text = f"{run}{block.text}{_CLOSERS.get(run, '') if block.level else ''}"
                return wrapped([Run(text, base)], width)
            case "table":
                return self._table_rows(block, width, base)
            case "quote":
                base += self._style_of("markdown.block_quote")
                return self._inside(block, "▌ ", "▌ ", width, base, base)
            case "footnote":
                return self._inside(block, f"[^{block.text}]: ", "    ", width, base, base)
            case "list":
                return self._items(block, width, base, number)
        return []

    def _leaf(self, text: str, width: int, base: Style, before: str = "") -> list[Row]:
        return wrapped([Run(before, base), *self._inlines.runs(text, base)], width)

    def _items(self, block: Block, width: int, base: Style, number: int | None) -> list[Row]:
        base += self._style_of("markdown.item")
        if block.marker is None or block.marker.number is None:
            style = base + self._style_of("markdown.item.bullet")
            items = (self._inside(item, " • ", "   ", width, base, style) for item in block.children)
            return [row for rows in items for row in rows]
        style = base + self._style_of("markdown.item.number")
        first = block.marker.number if number is None else number
        room = len(str(first + len(block.children))) + 1
        rows: list[Row] = []
        for place, item in enumerate(block.children, first):
            rows += self._inside(item, f"{place}".rjust(room) + " ", " " * (room + 1), width, base, style)
        return rows

    def _inside(self, block: Block, first: str, other: str, width: int, base: Style, style: Style) -> list[Row]:
        """The rows of what a block contains, behind what stands before the first of them and before the others."""
        room = width - len(other)
        if room < _NARROWEST:
            first = other = ""
            room = width
        rows: list[Row] = []
        for child in block.children:
            if block.task and not rows and child.kind == "paragraph":
                rows += self._leaf(child.text, room, base, f"[{block.task}] ")
            else:
                rows += self._rows(child, room, base)
        head, *others = rows or [[]]
        return [[Run(first, style), *head], *(_behind(Run(other, base), row) for row in others)]

    def _code(self, block: Block, width: int, base: Style) -> list[Row]:
        """Code in the terminal's own colours, without a background that would be wrapped when the window narrows."""
        if not block.lines:
            return []
        theme = Syntax.get_theme("ansi_dark")
        # Without a line end, some lexers take the last line for another.
        code = block.text + "\n"
        runs = [Run(text, base + theme.get_style_for_token(kind)) for kind, text in self._tokens(code, block.language)]
        rows = wrapped(runs, max(1, width - 2))[:-1]
        return [[Run("  ", base), *row] for row in rows]

    def _tokens(self, code: str, language: str) -> list[tuple[Any, str]]:
        from pygments.token import Text as Plain

        # The first time may be that of a language in it, which has to be prepared.
        coloured = self._slow.count(language) < _MOST_TIMES_SLOW and is_among_the_first(language, self._languages)
        colouring = colouring_of(code, language) if coloured else None
        if colouring is not None and colouring.wait() and not colouring.advance(_SECONDS + _SECONDS_EACH * len(code)):
            self._slow.append(language)
            colouring = None
        return (colouring and colouring.tokens) or [(Plain, code)]

    def _table_rows(self, block: Block, width: int, base: Style, piece: Piece | None = None) -> list[Row]:
        """The rows of a table; of the rest of one, without its head."""
        begins = piece is None or piece.begins
        table = TableLayout(block.align, base) if begins or self._table is None else self._table
        if piece is not None:
            self._table = table
        if not table.fits(width):
            lines = piece.source.split("\n") if piece is not None else block.lines
            return folded([Run("\n".join(lines if begins else lines[2:]), base)], width)
        header = base + self._style_of("markdown.table.header")
        head = [self._inlines.runs(cell, header) for cell in cells(block.lines[0], len(block.align))]
        laid_out = table.rows([head, *(self._cells(line, block, base) for line in block.lines[1:])], width)
        rows = [row for lines in (laid_out if begins else laid_out[1:]) for row in lines]
        if begins:
            rows.insert(len(laid_out[0]), [Run(table.rule(width), header)])
        return rows

    def _cells(self, line: str, block: Block, base: Style) -> list[list[Run]]:
        if len(line) > LONGEST_ROW or work_of_text(line) > MOST_TAIL_WORK:
            return [[Run(line, base)]]
        return [self._inlines.runs(cell, base) for cell in cells(line, len(block.align))]


def _as_written(text: str, width: int) -> list[Line]:
    if len(text) > LONGEST_PARAGRAPH:
        return [Line(text, len(text))]  # the terminal parts and wraps it in no time
    parts = (part for line in text.split("\n") for part in chop_cells(line, width) or [""])
    return [Line(part, cell_len(part)) for part in parts]


def _behind(before: Run, row: Row) -> Row:
    if row and row[0].style is before.style:
        return [Run(before.text + row[0].text, before.style), *row[1:]]
    return [before, *row]


def _without_margins(lines: list[Line]) -> list[Line]:
    shown = [number for number, line in enumerate(lines) if line.width]
    return lines[shown[0] : shown[-1] + 1] if shown else []
