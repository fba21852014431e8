"""A terminal, or any plain text stream: the answer is written as it arrives and never rewritten.

Answers that arrive at the same time take turns, see `floor`.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

from nbstream.display.floor import floor_of
from nbstream.display.marks import mark_of, notes_of
from nbstream.display.prompting import answer_by_input
from nbstream.display.raised import Raised
from nbstream.display.segments import kept_of, segments_of
from nbstream.display.sources import Sources
from nbstream.text.place import Place
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from nbstream.display.segments import Segment
    from nbstream.request import StreamRequest
    from nbstream.result import Retry, StreamResult
    from nbstream.tools.approval import Question

__all__ = ["TerminalSurface"]


class TerminalSurface:
    """Appends to a text stream.

    Args:
        out: Where to write; `None` takes `sys.stdout` when the stream opens.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._shown: list[Segment] = []
        self._retry: Retry | None = None
        self._in_line = False
        self._paused = False
        self._place = Place.PYTHON
        self._floor = floor_of(out)
        self.waited_for = False
        self._raised: Raised | None = None

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:  # noqa: ARG002  a terminal interrupts with Ctrl-C
        """Remember where to write; a waiting line could not be taken back."""
        if self._out is None:
            self._out = sys.stdout
            self._floor = floor_of(self._out)
        self._place = request.place

    def attend(self, waits: bool) -> None:  # noqa: FBT001  called by position only
        """Note whether the caller waits for the answer, or does other things."""
        self.waited_for = waits

    def expect_error(self) -> None:
        """Leave to the error what it says."""
        self._raised = self._raised or Raised()

    def draw(self, snapshot: StreamResult) -> None:
        """Write what is new, unless another answer is being written."""
        self._floor.draw(self, functools.partial(self._draw, snapshot))

    def close(self, result: StreamResult) -> None:
        """Write the rest, end the line, mark an unusual end and add what else the reader should know."""
        self._floor.close(self, functools.partial(self._close, result))

    def pause(self) -> None:
        """End the line, because another answer comes before the rest of this one."""
        self._paused = bool(self._shown)
        self._end_text()

    def prompt(self, question: Question) -> None:
        """Ask below what has been written."""
        self._end_text()
        answer_by_input(question)

    def _draw(self, snapshot: StreamResult) -> None:
        if self._paused:
            self._paused = False
            self._write_note("The earlier answer continues:")
        retry = None if snapshot.state.terminal else snapshot.retry
        if retry != self._retry:
            self._retry = retry
            self._tell_pause(retry)
        # What is written cannot be changed, and an image may come above what is.
        segments = segments_of(snapshot, cited=0, returned=False)
        if kept_of(self._shown, segments) < len(self._shown):
            if _seen(segments) == "" or _seen(segments) == _seen(self._shown):
                return  # nothing to see yet, or only white space less
            self._begin_again(snapshot)
        self._tell_changes(segments)
        for number, segment in enumerate(segments[max(0, len(self._shown) - 1) :], max(0, len(self._shown) - 1)):
            over = not segment.open or number < len(segments) - 1 or snapshot.state.terminal
            if segment.kind == "text":
                self._show_text(segment, number)
            elif number == len(self._shown):
                if not over:
                    return  # what is written cannot be changed
                self._write_note(segment.text)
                self._shown.append(segment)

    def _tell_changes(self, segments: Sequence[Segment]) -> None:
        """Say what became of calls that have been told already."""
        for number, (before, now) in enumerate(zip(self._shown, segments, strict=False)):
            if now.kind == "line" and now.text != before.text and not now.open:
                self._write_note(now.text)
                self._shown[number] = now

    def _close(self, result: StreamResult) -> None:
        self._draw(result)
        self._end_text()
        for source in Sources(result.parts).lines():
            self._write_note(source)
        if self._raised is None:
            self._tell_end(result, raised=False)
        else:
            self._raised.show(result, lambda raised: self._tell_end(result, raised=raised))
        for note in notes_of(result, self._place):
            self._write_note(f"Note: {note}")

    def _tell_end(self, result: StreamResult, *, raised: bool) -> None:
        if (mark := mark_of(result, self._place, raised=raised)) is not None:
            self._write_note(f"{mark.word}: {mark.sentence}")

    def _show_text(self, segment: Segment, number: int) -> None:
        """Write what is new of a text."""
        if number == len(self._shown):
            self._shown.append(segment._replace(text=""))
        self._add(plain(segment.text[len(self._shown[number].text) :]))
        self._shown[number] = segment

    def _begin_again(self, snapshot: StreamResult) -> None:
        """Say what becomes of the text above, which turned out not to begin the answer."""
        shown, self._shown = _seen(self._shown), []
        if not shown:
            return
        if shown in snapshot.reasoning:
            self._write_note("That was the model thinking. The answer:")
        elif snapshot.refusal.strip().startswith(shown):
            self._write_note("The model began to refuse. The answer:")
        else:
            self._write_note("The server changed the answer, so it starts again:")

    # Surfaces that can rewrite lines override the following.

    def _tell_pause(self, retry: Retry | None) -> None:
        """Say that the stream waits before another attempt, or that it no longer does."""
        if retry is not None:
            self._write_note(retry.sentence())

    def _add(self, text: str) -> None:
        """Show more of the answer."""
        self._write(text)

    def _write_note(self, words: str) -> None:
        """Write a remark on a line of its own."""
        self._end_text()
        self._write(f"[{plain(words)}]\n")

    def _end_text(self) -> None:
        """Bring the text to its end: what comes next is not the answer, or another beginning of it."""
        if self._in_line:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text and self._out is not None:
            # A narrow encoding (redirected output on Windows) must cost a character, not the answer.
            encoding = getattr(self._out, "encoding", None) or "utf-8"
            try:
                self._out.write(text.encode(encoding, "replace").decode(encoding))
                self._out.flush()
            except (OSError, ValueError) as error:
                if not (isinstance(error, BrokenPipeError) or self._out.closed):
                    raise
                self._out = None  # nobody reads on, as after `| head -1`
            self._in_line = not text.endswith("\n")


def _seen(segments: Sequence[Segment]) -> str:
    """What there is to see of the text."""
    return "\n\n".join(segment.text.strip() for segment in segments if segment.kind == "text").strip()
