"""A terminal in which somebody types while an answer arrives: the answer is written when it has ended, in one piece."""

from __future__ import annotations

import functools
import io
import sys
from typing import TYPE_CHECKING, Any, cast

from nbstream.display.floor import floor_of
from nbstream.display.prompting import answer_by_input
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.tools.approval import Question

__all__ = ["LateTerminalSurface"]


class LateTerminalSurface:
    """Writes a whole answer at its end.

    Args:
        new_surface: Makes what writes to a terminal.
    """

    def __init__(self, new_surface: Callable[[TextIO], Surface]) -> None:
        self._new_surface = new_surface
        self._out = sys.stdout
        self._floor = floor_of(self._out)
        self._request: StreamRequest | None = None
        self.waited_for = False

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:  # noqa: ARG002  the protocol's
        """Remember what was asked."""
        self._request = request

    def attend(self, waits: bool) -> None:  # noqa: FBT001  called by position only
        """Note whether the caller waits, and so can be asked."""
        self.waited_for = waits

    def draw(self, snapshot: StreamResult) -> None:
        """Write nothing yet."""

    def close(self, result: StreamResult) -> None:
        """Write the answer, after the one that is being written."""
        self._floor.close(self, functools.partial(self._write, result))

    def pause(self) -> None:
        """Nothing is written that could be in the middle of something."""

    def prompt(self, question: Question) -> None:
        """Ask a caller who waits; anybody else types something else.

        Raises:
            EOFError: Nobody waits.
        """
        if not self.waited_for:
            raise EOFError("nobody waits for this answer")
        answer_by_input(question)

    def _write(self, result: StreamResult) -> None:
        out = _at_prompt() or self._out
        if out is None or getattr(out, "closed", False):
            return
        gathered = _Gathered(out)
        surface = self._new_surface(cast("TextIO", gathered))
        if self._request is not None:
            gathered.write(f"[The answer of {plain(self._request.model)} in the background:]\n")
            surface.open(self._request, lambda: None)
        surface.close(result)
        out.write(gathered.getvalue())
        out.flush()


def _at_prompt() -> TextIO | None:
    """What writes above the line that is being typed, while there is one."""
    out = sys.stdout
    return out if type(out).__module__.startswith("prompt_toolkit") else None


class _Gathered(io.StringIO):
    """Gathers what is written to a terminal, and is like it in all else.

    Args:
        out: The terminal.
    """

    def __init__(self, out: TextIO) -> None:
        super().__init__(newline="")
        self._terminal: Any = out

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the terminal."""
        return getattr(self._terminal, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return bool(self._terminal.isatty())

    def fileno(self) -> int:
        """Its descriptor, by which its size is known."""
        return int(self._terminal.fileno())
