"""`%stream_jobs`: the streams in the background, listed, stopped or waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError as IPythonUsageError

from nbstream.errors import UsageError
from nbstream.many.background.jobs import jobs
from nbstream.many.background.shown_jobs import ShownJobs
from nbstream.settings.config import settings
from nbstream.text.place import Place

if TYPE_CHECKING:
    from argparse import Namespace

    from nbstream.many.background.jobs import Jobs

__all__ = ["run"]


def run(options: Namespace, listed: Jobs = jobs) -> None:
    """Do what a line of `%stream_jobs` asks for, then show the table.

    Args:
        options: What it asks for.
        listed: The jobs.
    """
    try:
        if options.stop is not None:
            listed.stop(*_names(options.stop))
            listed.wait(*_names(options.stop), timeout=_STOP_SECONDS)
        waited_for = None if options.wait is None else [listed[name] for name in _names(options.wait)] or listed.running
        table = ShownJobs(listed, settings().surface)
        table.begin()
        try:
            for job in waited_for or ():
                job.wait()
        finally:
            table.end()
    except UsageError as error:
        raise IPythonUsageError(error.told(Place.CELL)) from None


_STOP_SECONDS = 5.0  # a stream ends in a moment, unless a display hangs


def _names(named: str) -> list[str]:
    return [] if named == "all" else [named]
