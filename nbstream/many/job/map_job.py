"""A map over rows: lazy as Python's own, it begins with whatever wants its values, and keeps what is done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from nbstream.errors import MapError, UsageError
from nbstream.many.asking.concurrency import checked
from nbstream.many.job.map_frame import frame_of
from nbstream.many.job.map_plan import counted, plan_of
from nbstream.many.job.map_show import MapShow
from nbstream.many.job.map_work import MapWork
from nbstream.many.job.progress_of import progress_of
from nbstream.many.job.row_view import RowView
from nbstream.many.job.waiting import waited
from nbstream.many.job.watching import Watchers
from nbstream.outcome import StreamState

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from nbstream.many.asking.giving_up import OnError
    from nbstream.many.asking.runner import RowRunner
    from nbstream.many.checkpoint.kept_answers import KeptAnswers
    from nbstream.many.job.map_plan import MapPlan
    from nbstream.many.job.progress import MapProgress
    from nbstream.many.job.row_reader import RowReader
    from nbstream.many.job.watching import MapObserver
    from nbstream.many.rows.row_states import RowStates
    from nbstream.request import StreamRequest
    from nbstream.streaming.engine import Engine

__all__ = ["MapJob"]

_STEP_SECONDS = 0.05
_PAGE = 200  # rows that are read from the file at once
_AS_GIVEN: Any = object()


class MapJob(Sequence[Any]):
    """A map, as `nbs.map` returns it: a sequence of values in row order, each there as soon as it can be.

    Nothing is sent before it begins: with `start()`, or with whatever wants its values (a loop, `job[3]`, `list(job)`,
    `result()`, `await job`, a column of a data frame). The value of a row is the text of its answer, or what the
    schema made of it; `None` where the row has failed.

    Args:
        request: What every row is asked with, apart from its messages.
        reader: Reads the rows.
        kept: Keeps the answers.
        states: Knows where each row is.
        runner: Makes what asks the rows; each stretch of work has its own.
        engine: Runs it.
        on_error: What a failure means.
        before: Is called before the first row is asked; what it raises keeps the map from beginning.
        show: Shows how it goes; nothing does unless told.

    Example:
        ```python
        job = nbs.map("Mood of: {{ review }}", df, model="demo")
        job.plan()                       # what it would cost
        df["mood"] = job                 # begins, and waits for the values
        job.progress, job.rows[3].usage
        ```
    """

    def __init__(
        self,
        request: StreamRequest,
        reader: RowReader,
        kept: KeptAnswers,
        states: RowStates,
        runner: Callable[[], RowRunner],
        engine: Callable[[], Engine],
        *,
        on_error: OnError = "keep",
        before: Callable[[MapJob], object] | None = None,
        show: MapShow | None = None,
    ) -> None:
        self.request = request
        self._reader = reader
        self._kept = kept
        self._states = states
        self._new_runner = runner
        self._engine = engine
        self._on_error = on_error
        self._before = before
        self._show = show or MapShow(shows=False)
        self._work: MapWork | None = None
        self._earlier: list[MapWork] = []
        self._wanted: Any = _AS_GIVEN
        self._lock = threading.RLock()
        self._watchers = Watchers(self, self._running)
        self.rows = RowView(reader.rows, states, kept, request, self._text_of)

    # --- beginning and ending -----------------------------------------------------------------------------------------

    def start(self) -> MapJob:
        """Begin, and return at once; go on, if it was stopped. Does nothing while it runs or if all rows are done.

        Returns:
            The map itself.

        Raises:
            UsageError: It may not begin.
        """
        with self._lock:
            if self.state is StreamState.STREAMING:
                return self
            if self._before is not None:
                self._before(self)
                self._before = None
            if left := self._states.numbers(StreamState.CANCELLED):
                self._states.settle(left, StreamState.PENDING, None)
                self._reader.again(left)
            if self._work is None or self._reader.has_more or self._kept.unwritten:
                self._show.begin(self)
                self._begin_work(None)
        return self

    def stop(self) -> None:
        """End the rows in flight and ask no more; what is done is kept, and `start()` goes on."""
        work = self._work
        if work is not None and self.state is StreamState.STREAMING:
            work.stop()

    def plan(self, samples: int = 3) -> MapPlan:
        """What it would cost: the first rows are really asked, and their answers kept; the rest is worked out.

        Args:
            samples: How many rows to ask.

        Raises:
            UsageError: It has begun already.
        """
        with self._lock:
            if self._work is not None:
                raise UsageError("the map has begun already; job.progress says what it has cost so far")
            if samples > len(self._states):
                work = self._begin_work(samples - len(self._states))
                try:
                    self._wait(lambda: work.state.terminal)
                finally:
                    self._earlier.append(work)
                    self._work = None
        survey = self._reader.survey()
        questions = None if survey is None else survey.questions
        engine = self._engine()
        tokens, who = engine.wait_for(counted(engine, self.request, questions))
        return plan_of(
            self.request,
            rows=self._reader.rows.total,
            survey=survey,
            tokens=tokens,
            counted=who,
            samples=self.rows[: min(samples, len(self._states))],
        )

    def retry_failed(self, numbers: Iterable[int] | None = None) -> MapJob:
        """Ask failed rows again; returns at once.

        Args:
            numbers: Which; all of them by default. Those that have not failed stay as they are.

        Returns:
            The map itself.
        """
        failed = self._states.numbers(StreamState.FAILED)
        wanted = failed if numbers is None else sorted(set(failed) & set(numbers))
        if not wanted:
            return self
        self._states.settle(wanted, StreamState.PENDING, None)
        self._reader.again(wanted)
        self._watchers.note(wanted)
        return self.start()

    def wait(self, timeout: float | None = None) -> MapJob:
        """Begin if it has not, and wait for the end; an interrupt stops it, and what is done is kept.

        Args:
            timeout: Maximum seconds to wait; `None` waits forever. The map goes on either way.

        Returns:
            The map itself.

        Raises:
            TimeoutError: It has not ended in time.
            KeyboardInterrupt: The kernel was interrupted; what is done is kept.
        """
        if self.state is StreamState.PENDING:
            self.start()
        if not self._wait(lambda: self.state is not StreamState.STREAMING, timeout):
            raise TimeoutError(f"the map has not ended in {timeout:g} s; it goes on")
        return self

    def result(self, timeout: float | None = None) -> list[Any]:
        """Wait for the end, and return the values in row order.

        Args:
            timeout: Maximum seconds to wait; `None` waits forever.

        Raises:
            MapError: It stopped by itself: the first rows all failed alike, the money is spent, the rows could not be
                read, or a row failed with `on_error="raise"`. What is done is kept.
            TimeoutError: It has not ended in time.
        """
        self.wait(timeout)
        self._raise_reason()
        pages = (range(start, min(start + _PAGE, len(self.rows))) for start in range(0, len(self.rows), _PAGE))
        return [each for page in pages for each in self.rows.values(list(page))]

    def __await__(self) -> Generator[Any, None, list[Any]]:
        """Begin, and wait for the values without blocking the event loop; cancelling the wait leaves it running."""
        return self._awaited().__await__()

    # --- values -------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        total = self._reader.rows.total
        if total is None and not self._reader.has_read_all:
            raise TypeError("nobody knows how many rows there are before they have been read; list(job) reads them")
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        """The values in row order, each as soon as it and those before it are there.

        Raises:
            MapError: It stopped by itself before it came to a row.
        """
        self._begin()
        number = 0
        while self._has(number):
            page = [number]
            while len(page) < _PAGE and self._states.state(page[-1] + 1).terminal:
                page.append(page[-1] + 1)
            yield from self.rows.values(page)
            number = page[-1] + 1

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        self._begin()
        if isinstance(place, slice) or place < 0:
            self.wait()
            self._raise_reason()
            numbers = range(len(self.rows))[place]
            return self.rows.values(list(numbers)) if isinstance(numbers, range) else self.rows.values([numbers])[0]
        if not self._has(place):
            raise IndexError(f"there is no row {place}")
        return self.rows.values([place])[0]

    def to_pandas(self) -> Any:
        """Wait for the end, and put value, state, error, tokens and cost of each row into a pandas `DataFrame`.

        Its index is that of the input.

        Raises:
            UsageError: pandas is not installed.

        Example:
            ```python
            frame = nbs.map("Mood of: {{ review }}", df).to_pandas()
            frame[frame.state == "failed"].error
            ```
        """
        self.wait()
        return frame_of(self.rows)

    # --- how it goes --------------------------------------------------------------------------------------------------

    @property
    def state(self) -> StreamState:
        """Where it is: `pending` until it begins; `failed` if it stopped by itself, whatever became of single rows."""
        return StreamState.PENDING if self._work is None else self._work.state

    @property
    def error(self) -> str | None:
        """Why it stopped by itself, in one line."""
        return None if self._work is None else self._work.reason

    @property
    def progress(self) -> MapProgress:
        """How far it is, now."""
        works = [*self._earlier, *([] if self._work is None else [self._work])]
        return progress_of(self._reader, self._states, works)

    @property
    def concurrency(self) -> int | None:
        """How many rows may be in flight now; set it to a number, or to `"auto"`, at any time."""
        return None if self._work is None else self._work.runner.concurrency

    @concurrency.setter
    def concurrency(self, wanted: int | str) -> None:
        limit = None if wanted == "auto" else checked(wanted)
        self._wanted = limit
        work = self._work
        if work is not None:
            self._engine().call_soon(lambda: work.runner.limit(limit))

    def watch(self, observer: MapObserver) -> Callable[[], None]:
        """Tell somebody how it goes, see `MapObserver`.

        Args:
            observer: Is told, on a thread of its own.

        Returns:
            What ends that.
        """
        return self._watchers.add(observer)

    def __repr__(self) -> str:
        told = self.progress
        of = f" of {told.total:,}" if told.total is not None else ""
        failed = f", {told.failed:,} failed" if told.failed else ""
        return f"<MapJob {self.state}, {told.done:,}{of} rows done{failed}>"

    def _begin_work(self, limit: int | None) -> MapWork:
        if self._work is not None:
            self._earlier.append(self._work)
        engine, runner = self._engine(), self._new_runner()
        self._work = work = MapWork(
            self._reader,
            runner,
            self._kept,
            self._states,
            on_error=self._on_error,
            changed=self._watchers.note,
            ended=self._has_ended,
            limit=limit,
        )
        if self._wanted is not _AS_GIVEN:
            wanted = self._wanted
            engine.call_soon(lambda: runner.limit(wanted))
        if not work.is_sample:
            self._watchers.begin()
        work.begin(engine)
        return work

    def _has_ended(self) -> None:
        with self._lock:
            work = self._work
            if (
                work is not None
                and work.state is StreamState.COMPLETED
                and self._reader.has_more
                and not work.is_sample
            ):
                self._begin_work(None)  # rows that were to be asked again when all had been read
                return
        self._states.wake()
        if work is not None and not work.is_sample:
            self._watchers.end()

    def _begin(self) -> None:
        if self.state is StreamState.PENDING:
            self.start()

    def _wait(self, until: Callable[[], bool], timeout: float | None = None) -> bool:
        return waited(self._states, until, self.stop, lambda: self.state is StreamState.STREAMING, timeout, self._show)

    async def _awaited(self) -> list[Any]:
        self._begin()
        while self.state is StreamState.STREAMING:  # noqa: ASYNC110  it ends on other threads
            await asyncio.sleep(_STEP_SECONDS)
        return await asyncio.to_thread(self.result)

    def _has(self, number: int) -> bool:
        """Wait for a row; whether there is one."""

        def is_settled() -> bool:
            return self._states.state(number).terminal or self.state is not StreamState.STREAMING

        self._wait(is_settled)
        if not self._states.state(number).terminal:
            self._raise_reason()
        return number < len(self.rows)

    def _raise_reason(self) -> None:
        work = self._work
        if work is not None and work.reason is not None and not work.is_wanted:
            done = self._states.count(StreamState.COMPLETED)
            raise MapError(f"the map was stopped with {done:,} rows done, which are kept: {work.reason}")

    def _running(self) -> tuple[int, ...]:
        work = self._work
        return () if work is None or work.state.terminal else tuple(dict(work.runner.running))

    def _text_of(self, number: int) -> str | None:
        work = self._work
        if work is None or number not in work.runner.running:
            return None
        return work.runner.text_of(number)
