"""A terminal, or any plain text stream: the answer is written as it arrives and never rewritten."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nbstream.display.marks import mark_of
from nbstream.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["TerminalSurface"]


class TerminalSurface:
    """Appends to a text stream.

    Args:
        out: Where to write; `None` takes `sys.stdout` when the stream opens.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._shown = ""

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:  # noqa: ARG002  a terminal interrupts with Ctrl-C
        """Remember where to write; a waiting line could not be taken back."""
        self._out = self._out or sys.stdout

    def draw(self, snapshot: StreamResult) -> None:
        """Write what is new."""
        body = snapshot.body
        if not body.startswith(self._shown):  # an answer after a refusal
            self._write("\n")
            self._shown = ""
        self._write(plain(body[len(self._shown) :]))
        self._shown = body

    def close(self, result: StreamResult) -> None:
        """Write the rest, end the line and mark an unusual end."""
        self.draw(result)
        text = result.body
        end = "" if not text or text.endswith("\n") else "\n"
        mark = mark_of(result)
        self._write(end if mark is None else f"{end}[{mark.word}: {plain(mark.sentence)}]\n")

    def _write(self, text: str) -> None:
        if text and self._out is not None:
            # A narrow encoding (redirected output on Windows) must cost a character, not the answer.
            encoding = getattr(self._out, "encoding", None) or "utf-8"
            self._out.write(text.encode(encoding, "replace").decode(encoding))
            self._out.flush()
