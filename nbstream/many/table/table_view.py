"""The live table of one job: a widget that hands the messages of a `TableFeed` to its pages, and theirs to the job.

From the page come `hello`, `resync`, `show`, `hide`, `open` and `gone`, each with the `view`: it has come, it has
missed a message, it shows rows (`first`, `count`, `failed`), nobody sees it, it has opened the row `row` or none, it
has left. A `gone` with `rerun` comes from a cell that is to run again, or that has cleared its output. `stop` and
`retry` (`rows`, or null for all that have failed) are for the job: `stopping` or `retrying` says that it has heard of
it, `refused` why it does not do it.
"""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from nbstream.display.page import packed_code, take_messages_at_once, view_bundle
from nbstream.errors import words_of
from nbstream.many.table.pace import Pace
from nbstream.many.table.row_line import one_line
from nbstream.many.table.table_feed import TableFeed
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbstream.many.table.shown_job import ShownJob

__all__ = ["TableView"]

_STATIC = pathlib.Path(__file__).parent / "static"


class TableView(anywidget.AnyWidget):
    """One job's table.

    Args:
        job: What is shown, stopped and retried.
        no_notebook: Whether the page shows the outputs of a notebook that nobody will save.
        pace: Makes what draws frames at a pace.
        now: Seconds since 1970.
    """

    _esm = packed_code(_STATIC / "table.js", _STATIC / "table.css")
    label = traitlets.Unicode().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    no_notebook = traitlets.Bool(default_value=False).tag(sync=True)
    _kept: ClassVar[deque[TableView]] = deque(maxlen=20)

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
        self._views: set[str] = set()
        self._departed: set[str] = set()
        self._ever_seen = self._ended = False
        self.waited_for = False  # whether the cell waits for the end of the job, and does nothing else
        self._lock = threading.RLock()
        key = secrets.token_hex(16)  # the page finds the widget by it, and what it has of the widget
        columns = [one_line(name, 60) for name in job.columns[:12]]
        super().__init__(model_id=key, label=one_line(job.model, 80), key=key, columns=columns, no_notebook=no_notebook)
        take_messages_at_once(self.comm)
        self.on_msg(self._on_page_message)

    @property
    def on_screen(self) -> bool:
        """Whether some page has reported that it shows this table."""
        return self._ever_seen

    def mime_bundle(self) -> dict[str, Any]:
        """The output data that makes a front end show this table."""
        return view_bundle(self.model_id)

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

    def close_unless_seen(self) -> None:
        """Close the widget, unless some view of it may be on a page, or will be on one that is opened later.

        A table that was replaced by its summary says goodbye, and the last goodbye closes the widget. One on a page
        that was reloaded meanwhile is not replaced, so it stays and can be read. A page that was closed says no goodbye
        either, so only the latest few stay.
        """
        with self._lock:
            if not self._views and not self.no_notebook:
                self.close()
                return
        if len(self._kept) == self._kept.maxlen:
            self._kept[0].close()
        self._kept.append(self)

    def _tell(self, message: dict[str, Any]) -> None:
        self.send(message)

    def _on_page_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        match content:
            case {"type": "stop"}:
                self._tell({"type": "stopping"})
                self._job.stop()
            case {"type": "retry", "rows": list() | None as rows}:
                self._retry(rows)
            case {"type": "hello" | "resync", "view": str(view)}:
                # A view greets until it is answered, and a busy kernel may find an old greeting after the goodbye.
                with self._lock:
                    if view in self._departed:
                        return
                    self._views.add(view)
                    self._ever_seen = True
                self._feed.greet(view)
            case {"type": "show", "view": str(view), "first": int(first), "count": int(count), "failed": bool(failed)}:
                self._feed.show(view, first, count, failed=failed)
            case {"type": "hide", "view": str(view)}:
                self._feed.hide(view)
            case {"type": "open", "view": str(view), "row": int() | None as row}:
                self._feed.open(view, row)
            case {"type": "gone", "view": str(view), **others}:
                self._leave(view, rerun=bool(others.get("rerun")))
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

    def _leave(self, view: str, *, rerun: bool) -> None:
        if rerun and self.waited_for:  # such a cell clears nothing itself
            self._job.stop()
        self._feed.leave(view)
        with self._lock:
            self._departed.add(view)
            self._views.discard(view)
            if self._ended and not self._views:
                self.close()
                with contextlib.suppress(ValueError):
                    self._kept.remove(self)
