"""A comparison in a terminal: one answer after the other, each under its name, then the numbers of all.

All streams run at the same time. The first is drawn while it grows; the others are drawn when their turn comes.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, TextIO

from nbstream.display.choose import terminal_surface
from nbstream.display.surface import Attentive, Prompting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.display.surface import Surface
    from nbstream.many.comparison.columns import Column
    from nbstream.many.comparison.comparison import Comparison
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.tools.approval import Question

__all__ = ["TerminalBoard"]


class TerminalBoard:
    """Writes to the standard output.

    Args:
        seen: What may be seen of an answer.
    """

    def __init__(self, seen: Callable[[StreamResult], StreamResult]) -> None:
        self._seen = seen
        self._columns: list[_Turn] = []
        self._current = 0
        self._ended: Callable[[], Comparison | None] = lambda: None
        self._lock = threading.RLock()
        self._out: TextIO | None = None

    def open(self, columns: Sequence[Column], stop: Callable[[], None], ended: Callable[[], Comparison | None]) -> None:  # noqa: ARG002  a terminal interrupts with Ctrl-C
        """Make the surfaces, on which nothing is to be seen yet."""
        self._out, self._ended = sys.stdout, ended
        self._columns = [_Turn(self, number, column.name) for number, column in enumerate(columns)]

    def surface(self, number: int) -> Surface:
        """The surface of one answer."""
        return self._columns[number]

    def attend(self, waits: bool) -> None:  # noqa: FBT001  the protocol's shape
        """Go before answers in the background while somebody waits."""
        for column in self._columns:
            if isinstance(column.inner, Attentive):
                column.inner.attend(waits)

    def has_interrupted(self, patience: float) -> bool:  # noqa: ARG002  the protocol's shape
        """Whether a page has: a terminal has none."""
        return False

    def draw(self, turn: _Turn, snapshot: StreamResult) -> None:
        """Draw an answer if it is its turn; or else remember it."""
        with self._lock:
            turn.latest = self._seen(snapshot)
            if turn.number == self._current:
                turn.show()

    def close(self, turn: _Turn, result: StreamResult) -> None:
        """Draw the end of an answer, and those whose turn comes then."""
        with self._lock:
            turn.latest, turn.ended = self._seen(result), True
            while self._current < len(self._columns):
                column = self._columns[self._current]
                column.show()
                if column.latest is None or not column.ended:
                    return
                column.inner.close(column.latest)
                self._current += 1
            self._tell_all()

    def write(self, words: str) -> None:
        """Write a line of our own."""
        if self._out is not None:
            self._out.write(words)
            self._out.flush()

    def _tell_all(self) -> None:
        comparison = self._ended()
        if comparison is not None:
            self.write(f"\n{comparison.told()}\n")


class _Turn:
    """The surface of one answer, which is drawn when the ones before it have ended."""

    def __init__(self, board: TerminalBoard, number: int, name: str) -> None:
        self._board, self.number, self.name = board, number, name
        self.inner = terminal_surface()
        self.latest: StreamResult | None = None
        self.ended = self._begun = False

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        self.inner.open(request, stop)

    def draw(self, snapshot: StreamResult) -> None:
        self._board.draw(self, snapshot)

    def close(self, result: StreamResult) -> None:
        self._board.close(self, result)

    def prompt(self, question: Question) -> None:
        """Ask below what has been written."""
        if isinstance(self.inner, Prompting):
            self.inner.prompt(question)

    def show(self) -> None:
        """Draw the answer so far, under its name."""
        if not self._begun:
            self._begun = True
            self._board.write(f"{'' if self.number == 0 else chr(10)}── {self.name} ──\n")
        if self.latest is not None and not self.latest.state.terminal:
            self.inner.draw(self.latest)
