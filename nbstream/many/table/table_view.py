"""The live table of one job: a widget that hands the messages of a `TableFeed` to its pages, and theirs to the job.

From the page come also `show`, `hide` and `open`, each with the `view`: it shows rows (`first`, `count`, `failed`),
nobody sees it, it has opened the row `row` or none. `retry` (`rows`, or null for all that have failed) is for the job:
`retrying` says that it has heard of it, `refused` why it does not do it.
"""

from __future__ import annotations

import pathlib
import time
from typing import TYPE_CHECKING, Any

import traitlets

from nbstream.display.page import packed_code
from nbstream.display.view_widget import ViewWidget
from nbstream.errors import words_of
from nbstream.many.table.pace import Pace
from nbstream.many.table.row_line import MOST_COLUMNS
from nbstream.many.table.table_feed import TableFeed
from nbstream.text.place import Place
from nbstream.text.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbstream.many.table.shown_job import ShownJob

__all__ = ["TableView"]

_STATIC = pathlib.Path(__file__).parent / "static"


class TableView(ViewWidget):
    """One job's table.

    Args:
        job: What is shown, stopped and retried.
        no_notebook: Whether the page shows the outputs of a notebook that nobody will save.
        pace: Makes what draws frames at a pace.
        now: Seconds since 1970.
    """

    _esm = packed_code(_STATIC / "table.js", _STATIC / "table.css")
    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self,
        job: ShownJob,
        *,
        no_notebook: bool = False,
        pace: Callable[[Callable[[], None]], Pace] = Pace,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._job = job
        self._feed = TableFeed(job, self._tell, pace=pace, now=now)
        self._ended = False
        columns = [one_line(name, 60) for name in job.columns[:MOST_COLUMNS]]
        super().__init__(one_line(job.model, 80), job.stop, no_notebook=no_notebook, columns=columns)

    def change(self, numbers: Iterable[int]) -> None:
        """Draw what has changed: how far the job is, and these rows."""
        self._feed.change(numbers)

    def begin_again(self) -> None:
        """The job that had ended goes on."""
        self._ended = False
        self._feed.begin_again()

    def end(self, words: str) -> None:
        """Tell the pages that the job has ended, and how."""
        self._ended = True
        self._feed.end(words)

    def _over(self) -> bool:
        return self._ended

    def _send_all(self, *, unasked: bool = False) -> None:
        del unasked
        with self._lock:
            views = tuple(self._views)
        self._feed.greet(*views)

    def _hear(self, content: Any) -> None:
        match content:
            case {"type": "retry", "rows": list() | None as rows}:
                self._retry(rows)
            case {"type": "show", "view": str(view), "first": int(first), "count": int(count), "failed": bool(failed)}:
                self._feed.show(view, first, count, failed=failed)
            case {"type": "hide", "view": str(view)}:
                self._feed.hide(view)
            case {"type": "open", "view": str(view), "row": int() | None as row}:
                self._feed.open(view, row)
            case _:
                pass  # a page of another version

    def _retry(self, rows: list[Any] | None) -> None:
        numbers = None if rows is None else [row for row in rows if type(row) is int]
        self._tell({"type": "retrying"})
        try:
            self._job.retry_failed(numbers)
        except Exception as error:  # noqa: BLE001  whatever it raises is shown to the reader
            words = words_of(error, Place.PYTHON) or type(error).__name__
            self._tell({"type": "refused", "words": one_line(words, 300)})

    def _forget(self, view: str) -> None:
        self._feed.leave(view)
        super()._forget(view)
