"""A position in one line, counting tabs as CommonMark does (stops of four columns, split when needed).

Knows nothing of blocks.
"""

from __future__ import annotations

__all__ = ["CODE_INDENT", "Cursor"]

CODE_INDENT = 4
_TAB_STOP = 4


class Cursor:
    """Walks over the indentation and markers of one line (given without its line end)."""

    __slots__ = ("_blank", "_column", "_indent", "_split_tab", "_start", "line", "offset")

    def __init__(self, line: str) -> None:
        self.line = line
        self.offset = 0
        self._column = 0
        self._split_tab = False
        self._measure()

    def _measure(self) -> None:
        """Find the next character that is not white space, and how far it is indented from here."""
        line, offset = self.line, self.offset
        self._start, self._indent = offset, 0
        if line[offset : offset + 1] in {" ", "\t"}:
            space = line[offset : len(line) - len(line[offset:].lstrip(" \t"))]
            self._start = offset + len(space)
            before = self._column % _TAB_STOP
            self._indent = len((" " * before + space).expandtabs(_TAB_STOP)) - before
        self._blank = self._start == len(line)

    @property
    def blank(self) -> bool:
        """Whether only white space is left."""
        return self._blank

    @property
    def column(self) -> int:
        """The column of the cursor, from 0."""
        return self._column

    @property
    def indent(self) -> int:
        """The columns between the cursor and the next character that is not white space."""
        return self._indent

    @property
    def indented(self) -> bool:
        """Whether what is left is indented far enough to be code."""
        return self._indent >= CODE_INDENT

    @property
    def text(self) -> str:
        """What is left of the line after its indentation."""
        return self.line[self._start :]

    @property
    def rest(self) -> str:
        """What is left of the line with its indentation; a tab that was split leaves the spaces it still stands for."""
        if self._split_tab:
            return " " * (_TAB_STOP - self._column % _TAB_STOP) + self.line[self.offset + 1 :]
        return self.line[self.offset :]

    def skip_columns(self, count: int) -> None:
        """Move over up to `count` columns of white space."""
        while count > 0 and self.offset < self._start:
            if self.line[self.offset] == "\t":
                width = _TAB_STOP - self._column % _TAB_STOP
                self._split_tab = width > count
                step = min(count, width)
                self._column += step
                count -= step
                self.offset += 0 if self._split_tab else 1
            else:
                self._split_tab = False
                self.offset += 1
                self._column += 1
                count -= 1
        self._measure()

    def skip_indent(self) -> None:
        """Move to the next character that is not white space."""
        self._column += self._indent
        self.offset = self._start
        self._split_tab = False
        self._measure()

    def skip_text(self, count: int) -> None:
        """Move over `count` characters that are not white space."""
        self.offset += count
        self._column += count
        self._split_tab = False
        self._measure()

    def skip_optional_space(self) -> None:
        """Move over one column of white space, if there is one."""
        if self._indent:
            self.skip_columns(1)
