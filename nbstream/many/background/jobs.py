"""The streams in the background: `nbs.jobs`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, overload

from nbstream.errors import UsageError
from nbstream.streaming.engine import engine
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.streaming.running import Job

__all__ = ["Jobs", "jobs"]


class Jobs(Sequence["Job"]):
    """The streams that no cell waits for, in the order in which they began; of those that have ended the latest.

    They are the streams of `%%stream --background`, of `nbs.start` and `chat.start`, and of chat panels. The last line
    of a cell shows them as a table, which is live while one of them is running.

    Args:
        jobs: Gives them, each time anew.

    Example:
        ```python
        nbs.jobs  # the table
        nbs.jobs["answer"].stop()
        nbs.jobs.wait(timeout=60)
        ```
    """

    def __init__(self, jobs: Callable[[], Iterable[Job]]) -> None:
        self._jobs = jobs

    def __len__(self) -> int:
        return len(tuple(self._jobs()))

    @overload
    def __getitem__(self, which: int | str) -> Job: ...
    @overload
    def __getitem__(self, which: slice) -> Sequence[Job]: ...
    def __getitem__(self, which: int | str | slice) -> Job | Sequence[Job]:
        """One by its place in the list, or by its name: of several with that name, the one that began last.

        Raises:
            UsageError: There is none of that name.
        """
        known = tuple(self._jobs())
        if not isinstance(which, str):
            return known[which]
        for job in reversed(known):
            if job.name == which:
                return job
        names = [job.name for job in known]
        listed = f"; there is {', '.join(dict.fromkeys(names))}" if names else "; there is none at all"
        raise UsageError(f"there is no background stream called {which}{did_you_mean(which, names) or listed}")

    @property
    def running(self) -> list[Job]:
        """Those that have not ended."""
        return [job for job in self._jobs() if job.running]

    def stop(self, *names: str) -> None:
        """End streams and keep what has arrived of them.

        Args:
            *names: Which; all of them, if none is named.

        Raises:
            UsageError: There is none of that name; none was ended.
        """
        for job in self._named(names):
            job.stop()

    def wait(self, *names: str, timeout: float | None = None) -> None:
        """Wait until streams have ended, however they end. An interrupt ends the waiting, and no stream.

        Args:
            *names: Which; all that are running now, if none is named.
            timeout: Maximum seconds to wait; `None` waits for as long as it takes.

        Raises:
            TimeoutError: One of them has not ended in time.
            UsageError: There is none of that name.
        """
        until = None if timeout is None else time.monotonic() + timeout
        for job in self._named(names):
            job.wait(None if until is None else max(0.0, until - time.monotonic()))

    def _named(self, names: Iterable[str]) -> list[Job]:
        return [self[name] for name in names] or list(self._jobs())

    def __repr__(self) -> str:
        from nbstream.many.background.jobs_table import as_text, rows_of

        return as_text(rows_of(self._jobs()))

    def _ipython_display_(self) -> None:
        from nbstream.many.background.shown_jobs import ShownJobs
        from nbstream.settings.config import settings

        table = ShownJobs(self, settings().surface)
        table.begin()
        table.end()


jobs = Jobs(lambda: engine().running)
"""The streams in the background of this kernel."""
