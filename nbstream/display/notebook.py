"""A notebook output: a live view while the answer arrives, then static Markdown in its place.

The output is made on the caller's thread, in the cell that asked; everything later goes through its display id, because
output from other threads has no cell of its own. A front end that shows no widgets sees the Markdown of the same bundle
grow instead. Where an output is never replaced, there is none until the answer is final.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nbstream.display.bundle import answer_bundle, answer_outputs, partial_markdown, unfinished_bundle, waiting_bundle
from nbstream.display.busy_kernel import BusyCell
from nbstream.display.captured import Captured
from nbstream.display.cell_end import CellEnd
from nbstream.display.drawn import Drawn
from nbstream.display.host import Host
from nbstream.display.interrupt_reason import forget_stops, is_stop
from nbstream.display.marks import footer_of
from nbstream.display.output import Output
from nbstream.display.prompting import answer_by_input
from nbstream.display.raised import Raised
from nbstream.display.rerun import Rerun
from nbstream.display.segments import kept_of, segments_of
from nbstream.result import StreamResult
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.display.live_view import LiveView
    from nbstream.display.marimo import MarimoOutput
    from nbstream.display.segments import Segment
    from nbstream.request import Footer, Images, StreamRequest
    from nbstream.result import Retry
    from nbstream.tools.approval import Allowance, Question

__all__ = ["MarkdownGrowth", "NotebookSurface"]

# How long a stream waits to hear that its view is on screen before it takes the front end for one without widgets.
_VIEW_GRACE_SECONDS = 2.5
_CARD_GRACE_SECONDS = 5.0  # a prompt that has been shown cannot be taken back
# How often the text so far is put into the notebook as it would be saved, beside a live view.
_SAVING_SECONDS = 3.0


class MarkdownGrowth:
    """When the whole text may be sent again: not too often, and only once it has grown by a tenth.

    The tenth bounds the bytes: every update is a tenth longer than the one before, so all of them together are about
    eleven times the text in each of its two formats, however long it is.

    Args:
        interval: Seconds between two of them at least.
        factor: How much longer than the one before each of them is at least.

    Example:
        >>> growth = MarkdownGrowth()
        >>> growth.due(100, now=0.0), growth.due(105, now=1.0), growth.due(111, now=1.1)
        (True, False, True)
    """

    def __init__(self, interval: float = 0.25, factor: float = 1.1) -> None:
        self._interval, self._factor = interval, factor
        self._size = 0
        self._at = float("-inf")

    def due(self, size: int, now: float) -> bool:
        """Whether to send a text of `size` characters now; if so, it counts as sent."""
        if now - self._at < self._interval or size < self._size * self._factor or size == 0:
            return False
        self._size, self._at = size, now
        return True


class NotebookSurface:
    """Draws in one notebook output.

    Args:
        mode: `"live"` for the live view, `"markdown"` for growing Markdown, `"static"` for the final answer only.
        host: Who reads it, which decides what can be relied on.
        new_output: Makes the output.

    Attributes:
        mode: The same.
    """

    def __init__(
        self, mode: str, host: Host = Host.PAGE, new_output: Callable[[], Output | MarimoOutput] = Output
    ) -> None:
        self.mode, self._host = mode, host
        self._output = new_output()
        self._beside: list[Output] = []  # the outputs of images and sounds, and of what is between them
        self._view: LiveView | None = None
        self._answers = False  # pages, while the cell waits
        self._busy = BusyCell()
        self._captured: Captured | None = None
        self._growth = MarkdownGrowth()
        self._saved = MarkdownGrowth(_SAVING_SECONDS, 1.2)
        self._grown: tuple[Segment, ...] = ()
        self.model = ""
        self._images: Images = "link"
        self._place = Place.CELL
        self._footer: Footer = "short"
        self._cell: object | None = None
        self._raised: Raised | None = None
        self._rerun = Rerun()
        self._gone = False  # whether the cell has been run again, which has taken its output away
        self._retry: Retry | None = None
        self._opened_at = 0.0
        self._latest = StreamResult()
        self._published = False  # whether it is the end
        self._cell_end: CellEnd | None = None
        self._publishing = threading.Lock()  # the end of a cell may come while the answer ends

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:
        """Make the output, in the waiting state."""
        self.model, self._images, self._place = request.model, request.images, request.place
        # What a program made is to be read for the answer; the facts are in its metadata, too.
        made = self.mode == "static" and not self._host.person
        self._footer, self._cell = "none" if made else request.footer, Drawn.cell()
        data = waiting_bundle(request.model)
        if self.mode == "live":
            from nbstream.display.live_view import LiveView

            self._view = LiveView(
                request.model,
                stop,
                images=request.images,
                place=request.place,
                no_notebook=self._host is Host.LATE_PAGE,
                facts=partial(footer_of, footer=self._footer),
                bring_into_view=request.bring_into_view,
            )
            data = {**self._view.mime_bundle(), **data}
            self._answers = request.answer_while_busy
        self._opened_at = time.monotonic()
        if self._host is Host.PAGE:
            forget_stops()
            self._rerun.watch(partial(self._run_again, stop))
        if self.mode != "static" or self._host.updates:
            self._captured = Captured()
            self._output.display(data, self._captured.metadata)
        else:
            self._output.reserve()
        if self._host is Host.SERVER_PAGE or (self._host is Host.PROGRAM and self.mode == "static"):
            self._cell_end = CellEnd(stop, self._keep_what_there_is)

    def expect_error(self) -> None:
        """Leave to the error what it says, if it will be below this output."""
        if self._raised is None and self._cell is not None and Drawn.cell() == self._cell:
            self._raised = Raised()
        if self._view is not None:
            self._view.waited_for = True  # the cell that will raise it does nothing else meanwhile

    def attend(self, waits: bool) -> None:  # noqa: FBT001  called by position only
        """Let pages that come meanwhile find the view though the cell keeps the kernel busy."""
        self._busy.attend(waits=waits and self._answers)

    def refresh_by(self, touch: Callable[[], None]) -> None:
        """Let the view ask for frames; Markdown that grows has no colours."""
        if self._view is not None:
            self._view.refresh_by(touch)

    def ask(self, question: Question) -> bool | None:
        """Show a question in the view, which has some time to come onto a page that can answer it."""
        if self._view is None:
            return False
        self._view.ask(question)
        if self._seen():
            # Nothing is drawn while a reader thinks, however long that takes.
            self._view.keep(partial_markdown(self._latest, self._images))
            return True
        return None if time.monotonic() - self._opened_at < _CARD_GRACE_SECONDS else False

    def withdraw(self, question: Question) -> None:
        """Show a question no longer."""
        if self._view is not None:
            self._view.withdraw(question)

    def allowed(self, allowance: Allowance) -> None:
        """Show in the view that calls of a tool run without a question."""
        if self._view is not None:
            self._view.allowed(allowance)

    def prompt(self, question: Question) -> None:
        """Ask with `input()`, which reaches a page whose messages do not reach a busy kernel."""
        if self.mode == "static" and self._host is not Host.CONSOLE:
            raise EOFError("nobody can be asked")
        answer_by_input(question)

    def has_interrupted(self, patience: float) -> bool:
        """Whether the interrupt that has come was the view's Stop."""
        return self._view is not None and is_stop(patience)

    def draw(self, snapshot: StreamResult) -> None:
        """Send what is new to the view, or the whole text to a front end that shows none."""
        self._latest = snapshot
        if self._gone:
            return
        if self._view is not None:
            self._view.draw(snapshot)
        now = time.monotonic()
        if self._view is not None and self._seen():
            if now - self._opened_at >= _SAVING_SECONDS and self._saved.due(len(snapshot.text), now):
                self._view.keep(partial_markdown(snapshot, self._images))
            return
        if self.mode == "static" or self._host is Host.SERVER_PAGE:
            return
        grace = 0.0 if self._view is None else _VIEW_GRACE_SECONDS
        if now - self._opened_at >= grace:
            self._grow(snapshot, now)

    def close(self, result: StreamResult) -> None:
        """Replace the live view by the static answer."""
        self._rerun.forget()
        if self._gone:
            self._leave(result)
            return
        try:
            if self._view is not None:
                self._view.draw(result)
                self._view.end(result, raised=self._raised is not None and self._raised.expected(result))
        finally:
            self._show_final(result)
            if self._view is not None:
                self._view.close_unless_seen()

    def _run_again(self, stop: Callable[[], None]) -> None:
        """End the answer: what the cell shows from now on is another one's. An `Output` widget keeps what it has."""
        self._gone = self._captured is None or not self._captured.within
        stop()

    def _leave(self, result: StreamResult) -> None:
        """End without showing anything, because the output is another answer's by now."""
        if self._view is not None:
            self._view.end(result)
            self._view.close_unless_seen()
        self._output.end()
        if self._cell_end is not None:
            self._cell_end.release()

    def _show_final(self, result: StreamResult) -> None:
        if self.mode != "static" and not (self._host.updates or self._seen()):
            self._output = Output()  # what was shown first stays as it is there
            self._output.reserve()
        try:
            if self._raised is None:
                self._publish(result, raised=False)
            else:
                self._raised.show(result, lambda raised: self._publish(result, raised=raised))
            Drawn.add(result, self._cell)
        finally:
            self._output.end()
            if self._cell_end is not None:
                self._cell_end.release()

    def _publish(self, result: StreamResult, *, raised: bool) -> None:
        """Put the answer in its place, or, where an output cannot be replaced, what has not been said below it."""
        if self._published and result.parts and not self._host.updates:
            self._output = Output()
            self._output.display(*answer_bundle(replace(result, parts=()), place=self._place))
            return
        first, *others = self._final(result, raised=raised)
        with self._publishing:
            self._output.update(*first)
            self._latest, self._published = result, True
            self._show_beside(others)
        if self._captured is not None:
            self._captured.replace(*first)

    def _final(self, result: StreamResult, *, raised: bool) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The outputs of the answer: one, unless its images can have their own."""
        about: dict[str, Any] = {"footer": self._footer, "place": self._place, "raised": raised}
        about["reasoning"] = self.mode != "static"
        alone = self._captured is not None and self._captured.within
        here = self._cell == Drawn.cell() and isinstance(self._output, Output) and self._output.reaches_cell
        if here and not alone:
            return answer_outputs(result, self._images, **about)
        return [answer_bundle(result, self._images, pictures=True, **about)]

    def _show_beside(self, bundles: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """Show what does not fit into the output of the answer; in its place, if that is said once more."""
        for number, bundle in enumerate(bundles):
            if number == len(self._beside) and isinstance(self._output, Output):
                self._beside.append(self._output.beside())
            self._beside[number].update(*bundle)

    def _keep_what_there_is(self) -> None:
        """Show what has arrived when the cell ends; where the program goes on, the rest takes its place."""
        with self._publishing:
            if self._latest.state.terminal:
                return
            self._output.update(*unfinished_bundle(self._latest, self.model, self._images))

    def _grow(self, snapshot: StreamResult, now: float) -> None:
        """Send the whole text again if that is due, or the waiting line while there is none."""
        segments = segments_of(snapshot, cited=0)
        if kept_of(self._grown, segments) < len(self._grown):  # what was shown is not how the answer begins after all
            self._growth = MarkdownGrowth()
        if self._growth.due(sum(len(segment.text) for segment in segments), now):
            data, metadata = answer_bundle(snapshot, self._images)
        elif not segments and (self._grown or snapshot.retry != self._retry):
            data, metadata = waiting_bundle(self.model, snapshot.retry), {}
        elif snapshot.retry != self._retry:  # of an answer that is being continued
            data, metadata = answer_bundle(snapshot, self._images)
        else:
            return
        self._grown, self._retry = segments, snapshot.retry
        # The set of MIME types must not change between updates, or front ends rebuild the output each time.
        view = {} if self._view is None else self._view.mime_bundle()
        self._output.update({**view, **data}, metadata)

    def _seen(self) -> bool:
        return self._view is not None and self._view.on_screen
