"""A job in a notebook output: a live table while it runs, then a static summary in its place.

The output is made on the thread that starts the job, in the cell that asked; everything later goes through its display
id. A front end that shows no widgets sees a line of Markdown that counts. Where an output is never replaced, there is
none until the job has ended.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from nbstream.display.busy_kernel import BusyCell
from nbstream.display.captured import Captured
from nbstream.display.cell_end import CellEnd
from nbstream.display.host import Host
from nbstream.display.interrupt_reason import forget_stops, is_stop
from nbstream.display.output import Output
from nbstream.display.rerun import Rerun
from nbstream.many.table.table_summary import end_words, growing_bundle, partial_summary, summary_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.display.marimo import MarimoOutput
    from nbstream.many.table.shown_job import ShownJob
    from nbstream.many.table.table_view import TableView

__all__ = ["TableOutput"]

# How long a job waits to hear that its table is on screen before it takes the front end for one without widgets.
_VIEW_GRACE_SECONDS = 2.5
_GROWING_SECONDS = 1.0  # between two updates of the line that counts
_SAVING_SECONDS = 10.0  # between two summaries beside a live table, for a notebook that is saved meanwhile
_UNFINISHED = "The job was still running when this cell ended. To see the end of it, wait for it in a cell."


class TableOutput:
    """What watches a job and shows it in the cell that starts it. Nothing that it does can hurt the job.

    Args:
        mode: `"live"`, `"markdown"` for a line that counts, or `"static"` for the summary alone.
        host: What reads the outputs.
        make_output: Makes an output of the cell that runs now.
        answers: Whether pages that come meanwhile are let in though the cell keeps the kernel busy.
    """

    def __init__(
        self,
        mode: str,
        host: Host,
        make_output: Callable[[], Output | MarimoOutput] = Output,
        *,
        answers: bool = True,
    ) -> None:
        self.mode, self._host, self._make_output, self._answers = mode, host, make_output, answers
        self._output: Output | MarimoOutput | None = None
        self._view: TableView | None = None
        self._captured: Captured | None = None
        self._busy = BusyCell()
        self._rerun = Rerun()
        self._cell_end: CellEnd | None = None
        self._job: ShownJob | None = None
        self._opened_at = self._grown_at = 0.0
        self._publishing = threading.Lock()  # the end of a cell may come while the job ends
        self._published = False

    def open(self, job: ShownJob) -> None:
        """Make the output, on the thread that starts the job, or that lets it go on."""
        self._job, self._published = job, False
        self._output, self._view = self._make_output(), None
        data = growing_bundle(job)
        if self.mode == "live":
            from nbstream.many.table.table_view import TableView

            self._view = TableView(job, no_notebook=self._host is Host.LATE_PAGE)
            data = {**self._view.mime_bundle(), **data}
        self._opened_at = self._grown_at = time.monotonic()
        if self._host is Host.PAGE:
            forget_stops()
            self._rerun.watch(job.stop)
        if self.mode == "static" and not self._host.updates:
            self._output.reserve()
        else:
            self._captured = Captured()
            self._output.display(data, self._captured.metadata)
        if self._host is Host.SERVER_PAGE or (self._host is Host.PROGRAM and self.mode == "static"):
            self._cell_end = CellEnd(job.stop, self._keep_what_there_is)

    def began(self, _: object) -> None:
        """The job begins, or goes on because a page has asked failed rows again."""
        if self._published:
            self._published = False
            if self._view is not None:
                self._view.begin_again()

    def attend(self, waits: bool) -> None:  # noqa: FBT001  called by position only
        """Let pages that come meanwhile find the table though the cell keeps the kernel busy; on its thread."""
        if self._view is not None:
            self._view.waited_for = waits
        self._busy.attend(waits=waits and self._answers and self._view is not None)

    def has_interrupted(self, patience: float) -> bool:
        """Whether the interrupt that has come was the table's Stop.

        Args:
            patience: Seconds to wait until that is known.
        """
        return self._view is not None and is_stop(patience)

    def changed(self, numbers: frozenset[int]) -> None:
        """Draw what has changed: these rows, and how far the job is."""
        if self._view is not None:
            self._view.change(numbers)
        now = time.monotonic()
        if self._view is not None and self._view.on_screen:
            if self._job is not None and now - self._grown_at >= _SAVING_SECONDS:
                self._grown_at = now
                self._view.keep(partial_summary(self._job))
            return
        grace = 0.0 if self._view is None else _VIEW_GRACE_SECONDS
        if self.mode != "static" and now - self._opened_at >= grace and now - self._grown_at >= _GROWING_SECONDS:
            self._grown_at = now
            self._grow()

    def ended(self, _: object) -> None:
        """Put the summary in the place of the table."""
        self._rerun.forget()
        view, job = self._view, self._job
        if job is None:
            return
        try:
            if view is not None:
                view.end(end_words(job))
        finally:
            try:
                self._publish(job)
            finally:
                if view is not None:
                    view.close_unless_seen()

    def _grow(self) -> None:
        if self._job is None or self._output is None:
            return
        # The set of MIME types must not change between updates, or front ends rebuild the output each time.
        view = {} if self._view is None else self._view.mime_bundle()
        with self._publishing:
            if not self._published:
                self._output.update({**view, **growing_bundle(self._job)}, {})

    def _publish(self, job: ShownJob) -> None:
        if self._output is None:
            return
        data, metadata = summary_bundle(job)
        with self._publishing:
            self._published = True
            self._output.update(data, metadata)
        if self._captured is not None:
            self._captured.replace(data, metadata)
        self._output.end()
        if self._cell_end is not None:
            self._cell_end.release()

    def _keep_what_there_is(self) -> None:
        """Show how far the job is when the cell ends; where the program goes on, the rest takes its place."""
        with self._publishing:
            if not self._published and self._job is not None and self._output is not None:
                self._output.update(*summary_bundle(self._job, note=_UNFINISHED))
