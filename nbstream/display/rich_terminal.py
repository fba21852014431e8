"""A terminal with `rich`: finished Markdown is printed once and scrolls away; only the open end is painted again.

The open end is painted while the caller waits and nobody else writes. It stays well below the height of the screen, and
the cursor stays below it and visible, so that whatever happens the next line is a line of its own.
"""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING, ClassVar

from nbstream.display.growing_blocks import GrowingBlocks
from nbstream.display.rich_markdown import Line, MarkdownPrinter
from nbstream.display.terminal import TerminalSurface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from nbstream.display.growing_blocks import Piece
    from nbstream.request import StreamRequest
    from nbstream.result import Retry, StreamResult

__all__ = ["RichTerminalSurface"]

_HIGHEST_TAIL = 16
_EMPTY = Line("", 0)
_AS_WRITTEN = "Part of the answer is shown as it was written, because it is too long or has too many marks."


class RichTerminalSurface(TerminalSurface):
    """Prints a growing answer as Markdown.

    Args:
        out: The terminal.
        size: Its size now; asked before each frame.
    """

    _painting: ClassVar[RichTerminalSurface | None] = None  # whose open end is on the screen
    _screen: ClassVar[threading.RLock] = threading.RLock()
    _pid: ClassVar[int] = os.getpid()

    def __init__(self, out: TextIO, size: Callable[[], os.terminal_size] | None = None) -> None:
        super().__init__(out)
        cls = RichTerminalSurface
        if cls._pid != os.getpid():  # in a fork, whoever painted is not here to let the screen go
            cls._pid, cls._painting, cls._screen = os.getpid(), None, threading.RLock()
        self._size = size or (lambda: _size_of(out))
        self._printer = MarkdownPrinter(out)
        self._blocks = GrowingBlocks()
        self._waiting = ""
        self._status = ""
        self._attended = False
        self._begun = False
        self._as_written = False
        self._tail: list[Line] = []
        self._painted_at = os.terminal_size((80, 24))

    @property
    def capable(self) -> bool:
        """Whether the terminal can be painted on."""
        return self._printer.capable

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Remember the waiting line."""
        super().open(request, stop)
        self._waiting = self._status = f"Waiting for {request.model} …"

    def attend(self, waits: bool) -> None:  # noqa: FBT001  called by position only
        """Paint the open end from now on, or no longer: the caller waits for the answer, or does other things."""
        super().attend(waits)
        with self._screen:
            self._begin_to_paint()
            self._paint()

    def pause(self) -> None:
        """Nothing needs to be ended: only whole lines are printed without somebody who waits."""

    def _draw(self, snapshot: StreamResult) -> None:
        with self._screen:
            self._begin_to_paint()
            super()._draw(snapshot)

    def _close(self, result: StreamResult) -> None:
        with self._screen:
            super()._close(result)
            if self._as_written:
                self._write_note(f"Note: {_AS_WRITTEN}")

    def _begin_to_paint(self) -> None:
        """Take the open end of the screen if somebody waits and nobody has it."""
        self._attended = self.waited_for and self._painting in {None, self}

    def _tell_pause(self, retry: Retry | None) -> None:
        self._status = retry.sentence() if retry is not None else "" if self._begun else self._waiting
        self._paint()

    def _add(self, text: str) -> None:
        if text:
            self._status = ""
        self._print(self._blocks.append(text))

    def _write_note(self, words: str) -> None:
        self._end_text()
        self._paint(self._printer.note(f"[{words}]", self._width()))

    def _end_text(self) -> None:
        self._status = ""
        self._print(self._blocks.finish())

    def _begin_again(self, snapshot: StreamResult) -> None:
        super()._begin_again(snapshot)
        self._blocks = GrowingBlocks()  # what was defined in the text above holds no longer

    def _print(self, pieces: Iterable[Piece]) -> None:
        pieces = [*pieces]
        self._as_written |= any(piece.as_written and piece.kind != "math" for piece in pieces)
        self._paint(self._lines(pieces))

    def _lines(self, pieces: Iterable[Piece]) -> list[Line]:
        """Pieces with an empty line between each and what is above."""
        lines: list[Line] = []
        width = self._width()
        for piece in pieces:
            if self._begun and piece.begins:
                lines.append(_EMPTY)
            self._begun = True
            lines += self._printer.draw(piece, width)
        return lines

    def _open_end(self) -> list[Line]:
        if not self._attended:
            return []
        begun = self._begun
        lines = self._lines(self._blocks.tail())
        self._begun = begun
        if self._status:
            lines += self._printer.note(self._status, self._width())
        return lines[-min(_HIGHEST_TAIL, max(1, self._size().lines // 2)) :]

    def _paint(self, printed: Iterable[Line] = ()) -> None:
        """Print lines for good above the open end, in one write, so that no half frame is seen."""
        other = RichTerminalSurface._painting
        if other is not None and other is not self:
            other._replace_tail([*printed], other._tail)  # noqa: SLF001  one of us, whose open end stays below
            return
        tail = self._open_end()
        RichTerminalSurface._painting = self if tail else None
        self._replace_tail([*printed], tail)

    def _replace_tail(self, printed: list[Line], tail: list[Line]) -> None:
        size = self._size()
        lines, kept = [*printed, *tail], 0
        if size == self._painted_at:
            while kept < min(len(lines), len(self._tail)) and lines[kept] == self._tail[kept]:
                kept += 1
        # A narrower window has wrapped the lines that are too long for it by now.
        up = sum(max(1, -(-line.width // size.columns)) for line in self._tail[kept:])
        unchanged = kept == len(lines) == len(self._tail)
        # The line of the cursor may hold what was typed meanwhile, such as the `^C` of an interrupt.
        erase = (f"\x1b[{up}A" if up else "") + ("\r\x1b[J" if self._tail else "")
        self._tail, self._painted_at = tail, size
        if not unchanged:
            self._write(erase + "".join(f"{line.text}\n" for line in lines[kept:]))

    def _width(self) -> int:
        return max(10, self._size().columns - 1)  # a full line may or may not wrap the cursor


def _size_of(out: TextIO) -> os.terminal_size:
    try:
        size = os.get_terminal_size(out.fileno())
    except (OSError, ValueError):
        return shutil.get_terminal_size()
    return size if size.columns and size.lines else shutil.get_terminal_size()
