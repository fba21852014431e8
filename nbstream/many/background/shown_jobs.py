"""The table of the streams in the background, where the code runs that asks for it: live in a notebook, else static."""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Protocol

from nbstream.display.choose import output_here, shows_widgets
from nbstream.display.rerun import Rerun
from nbstream.many.background.jobs_table import as_html, as_text, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from nbstream.display.marimo import MarimoOutput
    from nbstream.display.output import Output
    from nbstream.many.background.jobs_table import JobRow
    from nbstream.many.background.jobs_view import JobsView
    from nbstream.streaming.running import Job

__all__ = ["ShownJobs"]

_FRAME_SECONDS = 0.5
_UNSEEN_FRAMES = 4  # as many frames of a page without widgets are one, because each is the whole table


class _Jobs(Protocol):
    """What is asked of `nbs.jobs`."""

    @property
    def running(self) -> list[Job]: ...
    def __iter__(self) -> Iterator[Job]: ...


class ShownJobs:
    """One table, below the cell that runs now.

    Where it can be live, it is until no stream is running any more, and then gives way to a static one. Elsewhere it
    is shown once.

    Args:
        jobs: What it shows.
        wanted: The `surface` setting.
    """

    _kept: ClassVar[deque[JobsView]] = deque(maxlen=5)  # those that a page may still show

    def __init__(self, jobs: _Jobs, wanted: str = "auto") -> None:
        self._jobs = jobs
        self._output: Output | MarimoOutput | None = output_here()
        self._view: JobsView | None = None
        self._over = threading.Event()
        self._look = threading.Event()
        self._rerun = Rerun()
        self._live = self._output is not None and bool(jobs.running) and shows_widgets(wanted)

    def begin(self) -> None:
        """Show it now, if it can change later."""
        if not self._live or self._output is None:
            return
        from nbstream.many.background.jobs_view import JobsView

        self._view = JobsView(self._stop, self._look.set)
        self._output.display(self._bundle(rows_of(self._jobs)))
        self._rerun.watch(self._over.set)
        threading.Thread(target=self._draw_until_over, name="nbstream-jobs", daemon=True).start()

    def end(self) -> None:
        """Show how things are, if that has not been shown yet."""
        rows = rows_of(self._jobs)
        if self._view is not None:
            self._look.set()
        elif self._output is None:
            if sys.stdout is not None:
                sys.stdout.write(f"{as_text(rows)}\n")
        else:
            self._output.display(self._bundle(rows))
            self._output.end()

    def _draw_until_over(self) -> None:
        drawn: list[JobRow] = []
        frames = 0
        while not self._over.is_set():
            asked = self._look.wait(_FRAME_SECONDS)
            self._look.clear()
            frames += 1
            running = bool(self._jobs.running)  # before the rows, which then hold the ends of all
            rows = rows_of(self._jobs)
            if not running:
                break
            if rows != drawn or asked:
                self._draw(rows, frames)
                drawn = rows
        self._finish()

    def _draw(self, rows: list[JobRow], frames: int) -> None:
        view = self._view
        if view is None or self._output is None:
            return
        if view.on_screen:
            view.show(rows, over=False)
        elif not view.ever_seen and frames % _UNSEEN_FRAMES == 0:
            self._output.update(self._bundle(rows), {})

    def _finish(self) -> None:
        """Put the static table in the place of the live one, unless another run of the cell shows something there."""
        self._rerun.forget()
        view, self._view = self._view, None
        if view is None or self._output is None:
            return
        rows = rows_of(self._jobs)
        view.show(rows, over=True)
        if not self._over.is_set():
            self._output.update(self._bundle(rows), {})
        self._output.end()
        if len(self._kept) == self._kept.maxlen:
            self._kept[0].close()
        self._kept.append(view)  # a page that was reloaded goes on showing it

    def _bundle(self, rows: list[JobRow]) -> dict[str, Any]:
        view = {} if self._view is None else self._view.mime_bundle()
        text = as_text(rows)
        return {**view, "text/html": as_html(rows), "text/markdown": f"```\n{text}\n```", "text/plain": text}

    def _stop(self, key: str) -> None:
        for job in self._jobs.running:
            if key in {str(job.number), "all"}:
                job.stop()
        self._look.set()
