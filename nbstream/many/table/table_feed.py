"""What the pages of a table are told: how far the job is, and to each view the rows that it shows.

All of it goes out in frames, at most five a second and bounded in bytes, to however many views:

    frame     `number`, and what has changed: `progress` (done, failed, total, facts), `wait` (for how many seconds
              nothing is sent, because the server limits requests), `views` (by the id of a view: `count` of rows,
              `first` and `failed` as the view asked, `numbers` of the failed ones, `rows` as in `row_line.py`, and
              `detail` of the row that is open, see `row_detail.py`). The view `*` is every one that was never answered.
    end       `number`, `state` and the `words` for it.
    begin     `number`: the job that had ended goes on.

A page that misses a number asks for all again. It is never told anything that it has not asked for, so a hidden page
costs nothing. Pure but for reading the job: time comes in, and messages go out by a function.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from nbstream.many.table.pace import Pace
from nbstream.many.table.progress_line import progress_message
from nbstream.many.table.row_detail import row_detail
from nbstream.many.table.table_window import TableWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbstream.many.table.shown_job import ShownJob

__all__ = ["ANYBODY", "TableFeed"]

ANYBODY = "*"
_FIRST_ROWS = 24  # that are shown to a page whose messages wait behind the cell
_MOST_BYTES = 24_000  # of rows in a frame
_DETAIL_SECONDS, _DETAIL_GROWTH = 0.5, 1.1  # an open row that grows is drawn again when it is a tenth longer


class TableFeed:
    """The messages of one table. From any thread.

    Args:
        job: What is shown.
        tell: Sends a message to all pages.
        pace: Makes what draws frames at a pace, of the function that draws one.
        now: Seconds since 1970.
    """

    def __init__(
        self,
        job: ShownJob,
        tell: Callable[[dict[str, Any]], None],
        *,
        pace: Callable[[Callable[[], None]], Pace] = Pace,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._job, self._tell, self._now = job, tell, now
        self._pace = pace(self._frame)
        self._lock = threading.RLock()
        self._windows: dict[str, TableWindow] = {}
        self._open: dict[str, _Opened] = {}
        self._number = 0
        self._told: dict[str, Any] = {}
        self._told_wait: float | None = None
        self._end: dict[str, Any] | None = None
        anybody = self._windows[ANYBODY] = TableWindow()
        anybody.move(0, _FIRST_ROWS, failed=False)

    def change(self, numbers: Iterable[int]) -> None:
        """Note that rows, or how far the job is, have changed."""
        with self._lock:
            for window in self._windows.values():
                window.change(numbers)
            for opened in self._open.values():
                opened.stale |= opened.number in numbers
        self._pace.ask()

    def greet(self, *views: str) -> None:
        """Views have come, or have lost what they were sent: they get everything again."""
        with self._lock:
            self._windows.pop(ANYBODY, None)
            for view in views:
                self._windows.setdefault(view, TableWindow()).forget()
                if view in self._open:
                    self._open[view].forget()
            self._told, self._told_wait = {}, None
            end = self._end
        self._pace.ask()
        if end is not None:
            self._send(end)

    def show(self, view: str, first: int, count: int, *, failed: bool) -> None:
        """A view shows these rows from now on, see `TableWindow.move`."""
        with self._lock:
            if (window := self._windows.get(view)) is None:
                return
            if window.hidden:
                self._told = {}
            window.move(first, count, failed=failed)
        self._pace.ask()

    def hide(self, view: str) -> None:
        """Nobody sees a view, because its page is hidden."""
        with self._lock:
            if view in self._windows:
                self._windows[view].hide()

    def open(self, view: str, number: int | None) -> None:
        """A view shows the whole of one row, or of none."""
        with self._lock:
            self._open.pop(view, None)
            if number is None or view not in self._windows or not 0 <= number < len(self._job.rows):
                return
            self._open[view] = _Opened(number)
        self._pace.ask()

    def leave(self, view: str) -> None:
        """A view has gone."""
        with self._lock:
            self._windows.pop(view, None)
            self._open.pop(view, None)

    def end(self, words: str) -> None:
        """The job has ended.

        Args:
            words: How, in a sentence.
        """
        with self._lock:
            for window in self._windows.values():
                window.hidden = False  # the last frame is for all
        self._frame()
        with self._lock:
            self._end = {"type": "end", "state": str(self._job.state), "words": words}
            self._send(self._end)

    def begin_again(self) -> None:
        """The job that had ended goes on."""
        with self._lock:
            self._end, self._told = None, {}
            self._send({"type": "begin"})
        self._pace.ask()

    def _frame(self) -> None:
        with self._lock:
            watched = [view for view, window in self._windows.items() if not window.hidden]
            if not watched:
                return
            news: dict[str, Any] = {}
            progress = progress_message(self._job.progress)
            if progress != self._told:
                news["progress"] = self._told = progress
            news |= self._wait()
            room, parts = _MOST_BYTES, {}
            for view in watched:
                part, size = self._windows[view].part(self._job, room)
                detail = self._detail(view)
                if part is not None or detail:
                    parts[view] = {**(part or {}), **detail}
                room = max(0, room - size)
                unfinished = room == 0
            if parts:
                news["views"] = parts
            if news:
                self._send({"type": "frame", **news})
        if parts and unfinished:
            self._pace.ask()

    def _wait(self) -> dict[str, Any]:
        until = self._job.progress.rate_limited_until
        until = until if until is not None and until > self._now() else None
        if until == self._told_wait:
            return {}
        self._told_wait = until
        return {"wait": 0 if until is None else round(until - self._now(), 1)}

    def _detail(self, view: str) -> dict[str, Any]:
        opened = self._open.get(view)
        if opened is None or not opened.stale:
            return {}
        row = self._job.rows[opened.number]
        if not opened.due(len(row.text), self._now(), ended=row.state.terminal):
            return {}
        return {"detail": row_detail(row, structured=bool(self._job.columns))}

    def _send(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._number += 1
            self._tell({**message, "number": self._number})


class _Opened:
    """A row that is open in a view."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stale = True
        self._size, self._at = -1, float("-inf")

    def forget(self) -> None:
        self.stale, self._size, self._at = True, -1, float("-inf")

    def due(self, size: int, now: float, *, ended: bool) -> bool:
        """Whether to draw it again, which takes as long as the text is long."""
        if not ended and (now - self._at < _DETAIL_SECONDS or size < self._size * _DETAIL_GROWTH):
            return False
        self._size, self._at, self.stale = size, now, not ended
        return True
