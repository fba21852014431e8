"""A comparison in one notebook output: live columns while the answers arrive, then one Markdown document.

As with a single answer, a front end without widgets sees the Markdown grow, and a page that is saved meanwhile keeps
what has arrived.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from nbstream.display.busy_kernel import BusyCell
from nbstream.display.captured import Captured
from nbstream.display.drawn import Drawn
from nbstream.display.host import Host
from nbstream.display.interrupt_reason import forget_stops, is_stop
from nbstream.display.notebook import MarkdownGrowth
from nbstream.display.output import Output
from nbstream.display.prompting import answer_by_input
from nbstream.display.rerun import Rerun
from nbstream.many.comparison.document import Section, growing_document, partial_document
from nbstream.result import StreamResult
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.display.marimo import MarimoOutput
    from nbstream.display.surface import Surface
    from nbstream.many.comparison.columns import Column
    from nbstream.many.comparison.comparison import Comparison
    from nbstream.many.comparison.view import ComparisonView
    from nbstream.request import StreamRequest
    from nbstream.tools.approval import Allowance, Question

__all__ = ["NotebookBoard"]

_VIEW_GRACE_SECONDS = 2.5  # as with a single answer: after that, the front end may be one without widgets
_CARD_GRACE_SECONDS = 5.0
_SAVING_SECONDS = 3.0


class NotebookBoard:
    """Draws in one notebook output.

    Args:
        mode: `"live"` for the live view, `"markdown"` for growing Markdown, `"static"` for the end only.
        host: Who reads it.
        output: Where to draw.
        seen: What may be seen of an answer.
    """

    def __init__(
        self, mode: str, host: Host, output: Output | MarimoOutput, seen: Callable[[StreamResult], StreamResult]
    ) -> None:
        self._mode, self._host, self._output, self.seen = mode, host, output, seen
        self._columns: list[_ColumnSurface] = []
        self._ended: Callable[[], Comparison | None] = lambda: None
        self.view: ComparisonView | None = None
        self._busy = BusyCell()
        self._captured: Captured | None = None
        self._rerun = Rerun()
        self._growth = MarkdownGrowth()
        self._saved = MarkdownGrowth(_SAVING_SECONDS, 1.2)
        self._opened_at = 0.0
        self._closed = False
        self._cell: object | None = None
        self._request: StreamRequest | None = None
        self._lock = threading.RLock()

    def open(self, columns: Sequence[Column], stop: Callable[[], None], ended: Callable[[], Comparison | None]) -> None:
        """Make the output, in the waiting state."""
        self._ended, self._cell = ended, Drawn.cell()
        self._request = columns[0].request
        self._columns = [_ColumnSurface(self, number, column.name) for number, column in enumerate(columns)]
        data = growing_document(self._sections())
        if self._mode == "live":
            self.view = self._new_view(self._request, stop)
            self.view.waited_for = True
            data = {**self.view.mime_bundle(), **data}
        self._opened_at = time.monotonic()
        if self._host is Host.PAGE:
            forget_stops()
            self._rerun.watch(stop)
        if self._mode != "static" or self._host.updates:
            self._captured = Captured()
            self._output.display(data, self._captured.metadata)
        else:
            self._output.reserve()

    def surface(self, number: int) -> Surface:
        """The surface of one answer."""
        return self._columns[number]

    def attend(self, waits: bool) -> None:  # noqa: FBT001  the protocol's shape
        """Let pages that come meanwhile find the view though the cell keeps the kernel busy."""
        self._busy.attend(
            waits=waits and self.view is not None and self._request is not None and self._request.answer_while_busy
        )

    def has_interrupted(self, patience: float) -> bool:
        """Whether the interrupt that has come was the view's Stop."""
        return self.view is not None and is_stop(patience)

    def can_prompt(self) -> bool:
        """Whether a reader can be asked with `input()`."""
        return self._mode != "static" or self._host is Host.CONSOLE

    def may_still_come(self) -> bool | None:
        """`None` while a page may yet say that it shows the view."""
        return None if time.monotonic() - self._opened_at < _CARD_GRACE_SECONDS else False

    def grow(self) -> None:
        """Let the saved notebook, or a front end without widgets, have what there is, if that is due."""
        now, images = time.monotonic(), self._images()
        size = sum(len(column.latest.text) for column in self._columns)
        with self._lock:
            if self.view is not None and self.view.on_screen:
                if now - self._opened_at >= _SAVING_SECONDS and self._saved.due(size, now):
                    self.view.keep(partial_document(self._sections(), images))
            elif self._mode != "static" and self._host.updates:
                grace = 0.0 if self.view is None else _VIEW_GRACE_SECONDS
                if now - self._opened_at >= grace and self._growth.due(size, now):
                    # The set of MIME types must not change between updates.
                    shown = {} if self.view is None else self.view.mime_bundle()
                    self._output.update({**shown, **growing_document(self._sections(), images)}, {})

    def close_if_last(self) -> None:
        """Replace the live view by the document, once all answers have ended."""
        with self._lock:
            comparison = self._ended()
            # Two that end at once both find that all have.
            if self._closed or comparison is None or not all(column.ended for column in self._columns):
                return
            self._closed = True
            self._rerun.forget()
            try:
                self._publish(comparison)
                Drawn.add(comparison, self._cell)
                if comparison.blind and self._mode == "live":
                    self._offer_choice(comparison)
                comparison.when_chosen(self._publish)
            finally:
                self._output.end()
                if self.view is not None:
                    self.view.close_unless_seen()

    def _publish(self, comparison: Comparison) -> None:
        data, metadata = comparison.bundle()
        if self._mode != "static" and not self._host.updates:
            self._output = Output()  # what was shown first stays as it is there
            self._output.reserve()
        self._output.update(data, metadata)
        if self._captured is not None:
            self._captured.replace(data, metadata)

    def _offer_choice(self, comparison: Comparison) -> None:
        if not isinstance(self._output, Output):
            return
        from nbstream.many.comparison.choice_view import ChoiceView

        place = Place.CELL if self._request is None else self._request.place
        ChoiceView.offer(comparison, self._output.beside(), place)

    def _new_view(self, request: StreamRequest, stop: Callable[[], None]) -> ComparisonView:
        from nbstream.many.comparison.view import ComparisonView

        return ComparisonView(
            [column.name for column in self._columns],
            stop,
            [column.stop for column in self._columns],
            images=request.images,
            place=request.place,
            no_notebook=self._host is Host.LATE_PAGE,
            bring_into_view=request.bring_into_view,
        )

    def _sections(self) -> list[Section]:
        return [Section(column.name, column.latest) for column in self._columns]

    def _images(self) -> Any:
        return "link" if self._request is None else self._request.images


class _ColumnSurface:
    """One answer, in its column."""

    def __init__(self, board: NotebookBoard, number: int, name: str) -> None:
        self._board, self._number, self.name = board, number, name
        self.latest = StreamResult()
        self.ended = False
        self._stop: Callable[[], None] = lambda: None

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:  # noqa: ARG002  the board knows it
        self._stop = stop

    def stop(self) -> None:
        self._stop()

    def draw(self, snapshot: StreamResult) -> None:
        self.latest = self._board.seen(snapshot)
        if self._board.view is not None:
            self._board.view.draw(self._number, self.latest)
        self._board.grow()

    def close(self, result: StreamResult) -> None:
        self.latest = self._board.seen(result)
        try:
            if self._board.view is not None:
                self._board.view.end(self._number, self.latest)
        finally:
            self.ended = True
            self._board.close_if_last()

    def refresh_by(self, touch: Callable[[], None]) -> None:
        if self._board.view is not None:
            self._board.view.columns[self._number].feed.refresh_by(touch)

    # --- questions whether a call may run -----------------------------------------------------------------------------

    def ask(self, question: Question) -> bool | None:
        """Show a question in the column."""
        view = self._board.view
        if view is None:
            return False
        view.columns[self._number].feed.ask(question)
        return True if view.on_screen else self._board.may_still_come()

    def withdraw(self, question: Question) -> None:
        if self._board.view is not None:
            self._board.view.columns[self._number].feed.withdraw(question)

    def allowed(self, allowance: Allowance) -> None:
        if self._board.view is not None:
            self._board.view.columns[self._number].feed.allow(allowance)

    def prompt(self, question: Question) -> None:
        """Ask with `input()`."""
        if not self._board.can_prompt():
            raise EOFError("nobody can be asked")
        answer_by_input(question)
