"""A map that is answered in batches: it can be left, and taken up again by another kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.many.batch.batch_runner import BatchRunner
from nbstream.many.job.map_job import MapJob
from nbstream.many.job.waiting import waited
from nbstream.outcome import StreamState

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nbstream.many.asking.runner import RowRunner
    from nbstream.many.batch.open_batch import OpenBatch
    from nbstream.many.job.map_work import MapWork
    from nbstream.many.job.progress import MapProgress

__all__ = ["BatchJob"]


class BatchJob(MapJob):
    """A `MapJob` over batches. An interrupt leaves the batches to their provider; `stop()` has them cancelled.

    Args:
        sampling: Makes what asks the samples of a plan at once.
        arguments: Those of `MapJob`.
        options: Likewise.

    Example:
        ```python
        job = nbs.map("Mood of: {{ review }}", df, batch=True, checkpoint="moods.sqlite").start()
        job.note                                     # 'batch batch_67… in progress, 120 of 500 answered'
        job = nbs.map.resume("moods.sqlite")         # tomorrow, in another kernel
        ```
    """

    def __init__(self, sampling: Callable[[], RowRunner], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sampling = sampling

    def stop(self) -> None:
        """Have the provider cancel the batches; what they have answered by then is kept, and is paid.

        Returns at once. That the provider is cancelling is in `note`; it may take it some minutes.
        """
        super().stop()

    def detach(self) -> None:
        """Leave the batches to their provider. `start()` takes them up again, and so does `nbs.map.resume`."""
        self._leave()

    @property
    def batches(self) -> tuple[OpenBatch, ...]:
        """The batches so far, each with its state."""
        runner = self._batch_runner
        return () if runner is None else runner.batches

    @property
    def note(self) -> str | None:
        """What is going on, in a line: the state of the batches, or what their provider has said."""
        runner = self._batch_runner
        return None if runner is None else runner.note

    @property
    def progress(self) -> MapProgress:
        """How far it is, now."""
        told = super().progress
        return replace(told, note="; ".join(each for each in (self.note, told.note) if each) or None)

    def __repr__(self) -> str:
        told = super().__repr__()
        return told if self.note is None else f"{told[:-1]}; {self.note}>"

    @property
    def _batch_runner(self) -> BatchRunner | None:
        work = self._work
        runner = None if work is None else work.runner
        return runner if isinstance(runner, BatchRunner) else None

    def _begin_work(self, limit: int | None) -> MapWork:
        if limit is None:
            return super()._begin_work(None)
        usual, self._new_runner = self._new_runner, self._sampling
        try:
            return super()._begin_work(limit)
        finally:
            self._new_runner = usual

    def _wait(self, until: Callable[[], bool], timeout: float | None = None) -> bool:
        return waited(
            self._states, until, self._leave, lambda: self.state is StreamState.STREAMING, timeout, self._show
        )

    def _leave(self) -> None:
        """End the waiting, whoever asks for that: a signal handler as well."""
        work, runner = self._work, self._batch_runner
        if work is not None and runner is not None:
            work.leave(runner.detach)
