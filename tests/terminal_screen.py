"""A terminal in small: what is on the screen, and in the scrollback, after some output.

It knows the few sequences that are used and fails at any other. As most terminals do, it rewraps its lines when it is
resized.
"""

from __future__ import annotations

import io
import os
import re
import unicodedata

__all__ = ["Screen"]

_TOKEN = re.compile(r"\x1b\[(\d*)([AJm])|\x1b\[[\d;]+m|\x1b\[0?m|([^\x1b])|\x1b.{0,8}", re.DOTALL)


class Screen(io.StringIO):
    """A terminal to write to.

    Attributes:
        written: Everything that was written.
        overshot: How many rows the cursor was sent above the screen; what is there cannot be erased.
    """

    encoding = "utf-8"

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        super().__init__()
        self.size = os.terminal_size((columns, rows))
        self.written = ""
        self.overshot = 0
        self._lines: list[list[str]] = [[]]  # a cell each; the second cell of a wide character is empty
        self._line = 0
        self._cell = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written += text
        for found in _TOKEN.finditer(text):
            count, command, ch = found.groups()
            if ch is not None:
                self._put(ch)
            elif command == "A":
                self._up(int(count or 1))
            elif command == "J":
                self._lines[self._line][self._cell :] = []
                self._lines[self._line + 1 :] = []
            else:
                assert found[0].endswith("m"), f"an unknown sequence: {found[0]!r}"
        return len(text)

    @property
    def text(self) -> str:
        """All lines, those scrolled away included."""
        return "\n".join("".join(line).rstrip() for line in self._lines)

    def _put(self, ch: str) -> None:
        line = self._lines[self._line]
        if ch == "\n":
            self._line, self._cell = self._line + 1, 0
            if self._line == len(self._lines):
                self._lines.append([])
        elif ch == "\r":
            self._cell -= self._cell % self.size.columns
        elif unicodedata.combining(ch) or ch in "\u200d\ufe0f":
            line[self._cell - 1] += ch
        else:
            assert ch.isprintable(), f"a character that acts: {ch!r}"
            cells = [ch, ""] if unicodedata.east_asian_width(ch) in "WF" else [ch]
            line[self._cell : self._cell + len(cells)] = cells
            self._cell += len(cells)

    def _rows(self, line: list[str]) -> int:
        return max(1, -(-len(line) // self.size.columns))

    def _up(self, count: int) -> None:
        above = sum(map(self._rows, self._lines[: self._line])) + self._cell // self.size.columns
        below = sum(map(self._rows, self._lines[self._line :])) - self._cell // self.size.columns
        highest = max(0, above + below - self.size.lines)
        target = above - count
        self.overshot = max(self.overshot, highest - target)
        target = max(target, highest)
        self._line = 0
        while target >= self._rows(self._lines[self._line]):
            target -= self._rows(self._lines[self._line])
            self._line += 1
        self._cell = target * self.size.columns
