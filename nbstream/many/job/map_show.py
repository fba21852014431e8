"""How a map is shown: in a notebook its rows fill a table in the cell that begins it; elsewhere there is a bar."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Protocol

from nbstream.many.job.progress_bar import ProgressBar
from nbstream.many.table.choose import table_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nbstream.many.job.progress import MapProgress
    from nbstream.many.job.row_view import RowView
    from nbstream.many.table.table_output import TableOutput
    from nbstream.outcome import StreamState
    from nbstream.request import StreamRequest

__all__ = ["MapShow", "ShownMap"]

_log = logging.getLogger("nbstream")

_REASON_SECONDS = 0.2  # to hear that an interrupt was the table's Stop


class _Map(Protocol):
    request: StreamRequest
    rows: RowView

    @property
    def state(self) -> StreamState: ...
    @property
    def progress(self) -> MapProgress: ...
    def stop(self) -> None: ...
    def retry_failed(self, numbers: Sequence[int] | None = None) -> object: ...
    def watch(self, observer: Any) -> Callable[[], None]: ...


class MapShow:
    """Shows one map, where there is somebody to see it. Whatever fails here, the map goes on.

    Args:
        wanted: `"auto"`, or one of the values of the `surface` setting.
        answers: Whether pages that come meanwhile are let in though a cell keeps the kernel busy.
        shows: Whether anything is shown.
    """

    def __init__(self, wanted: str = "auto", *, answers: bool = True, shows: bool = True) -> None:
        self._wanted, self._answers, self._shows = wanted, answers, shows
        self._table: TableOutput | None = None
        self._leave: Callable[[], None] | None = None
        self._by_page = False

    def begin(self, job: _Map) -> None:
        """The map is about to begin, or to go on; on the thread that lets it. A table is made in the cell of that."""
        if not self._shows or self._by_page:  # a page goes on with the table that it has
            return
        with self._unharmed():
            if self._leave is not None:
                self._leave()
            self._table = table_here(self._wanted, answers=self._answers)
            if self._table is None:
                self._leave = job.watch(ProgressBar())
            else:
                self._table.open(ShownMap(job, self._asked_by_page))
                self._leave = job.watch(self._table)

    @contextlib.contextmanager
    def waited_for(self) -> Iterator[None]:
        """Somebody waits for values, and so keeps this thread busy."""
        table = self._table
        if table is None:
            yield
            return
        with self._unharmed():
            table.attend(True)
        try:
            yield
        finally:
            with self._unharmed():
                table.attend(False)

    def has_interrupted(self) -> bool:
        """Whether the interrupt that has come was the table's Stop; on the thread that was interrupted."""
        return self._table is not None and self._table.has_interrupted(_REASON_SECONDS)

    @contextlib.contextmanager
    def _asked_by_page(self) -> Iterator[None]:
        self._by_page = True
        try:
            yield
        finally:
            self._by_page = False

    @staticmethod
    @contextlib.contextmanager
    def _unharmed() -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001  whatever a display raises
            _log.exception("nbstream could not show a map; the map goes on")


class ShownMap:
    """What the table reads of a map, and asks of it.

    Args:
        job: The map.
        by_page: Is entered while a page asks for something.
    """

    def __init__(self, job: _Map, by_page: Callable[[], contextlib.AbstractContextManager[None]]) -> None:
        self._job, self._by_page = job, by_page
        self.model = job.request.model
        schema = job.request.schema
        self.columns = () if schema is None else tuple(schema.schema.get("properties", {}))

    @property
    def state(self) -> StreamState:
        """Where it is."""
        return self._job.state

    @property
    def progress(self) -> MapProgress:
        """How far it is."""
        return self._job.progress

    @property
    def rows(self) -> RowView:
        """What has become of each row."""
        return self._job.rows

    @property
    def failed(self) -> Sequence[int]:
        """The rows that have failed, in order."""
        return self._job.rows.failed

    def stop(self) -> None:
        """End it; what is done is kept."""
        self._job.stop()

    def retry_failed(self, numbers: Sequence[int] | None = None) -> None:
        """Ask failed rows again."""
        with self._by_page():
            self._job.retry_failed(numbers)
