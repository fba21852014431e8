"""Puts a map together: what is asked, the rows, what keeps the answers, and what asks."""

from __future__ import annotations

import os
import pathlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.many.asking.concurrency import Concurrency
from nbstream.many.asking.local import LocalAsker, source_of
from nbstream.many.asking.paced import PacedRunner
from nbstream.many.batch.batch_job import BatchJob
from nbstream.many.batch.batch_journal import BatchJournal
from nbstream.many.batch.batch_provider import BatchProvider
from nbstream.many.batch.batch_reading import BatchReading
from nbstream.many.batch.batch_runner import BatchRunner
from nbstream.many.checkpoint.checkpoint import Checkpoint
from nbstream.many.checkpoint.stored_rows import stored_prompts
from nbstream.many.job.map_show import MapShow
from nbstream.many.job.row_reader import RowReader
from nbstream.many.mapping.confirming import confirmed
from nbstream.many.rows.row_key import RowKeys
from nbstream.many.rows.row_states import RowStates
from nbstream.request import EMBEDDED_URL
from nbstream.streaming.engine import engine

if TYPE_CHECKING:
    from nbstream.many.asking.giving_up import OnError
    from nbstream.many.checkpoint.kept_answers import KeptAnswers
    from nbstream.many.checkpoint.stored_rows import StoredRows
    from nbstream.request import StreamRequest

__all__ = ["BATCH_FILE", "batch_job", "check_batch", "opened"]

BATCH_FILE = "nbstream-batches.sqlite"
"""The checkpoint of batches for which none is named."""


def opened(path: Any) -> Checkpoint:
    """A checkpoint, by the name of its file.

    Raises:
        UsageError: It cannot be one.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"a checkpoint is a file, not {path!r}")
    return Checkpoint(pathlib.Path(path).expanduser())


def check_batch(request: StreamRequest) -> None:
    """Whether rows may be asked in a batch.

    Args:
        request: What every row is asked with.

    Raises:
        UsageError: They may not: a batch answers each request once, later, and nobody is there meanwhile.
    """
    impossible = {
        "tools": bool(request.tools or request.params.get("tools")),
        "moderate": request.moderation is not None,
        "stop_when": request.stop_when is not None,
        "repair": request.repair > 0,
        "budget": request.budget is not None,
        "record or replay": request.recordings is not None,
        "background": bool(request.params.get("background")),
        "stream_options": "stream_options" in request.params,
    }
    why = {
        "tools": "nobody is there to call them, to approve calls or to ask MCP servers",
        "moderate": "its answers are not seen before they are all there; moderate them with an own call afterwards",
        "budget": "all of it is spent once it is sent; look at job.plan() before",
        "repair": "each row is asked once; job.retry_failed() asks again",
    }
    for name, is_wanted in impossible.items():
        if is_wanted:
            raise UsageError(f"a batch takes no {name}: {why.get(name, 'each request is answered once, in one piece')}")
    if request.endpoint.base_url == EMBEDDED_URL:
        raise UsageError("the demo model takes no batches here, because its server cannot run")


def batch_job(
    request: StreamRequest,
    rows: StoredRows,
    kept: KeptAnswers,
    *,
    on_error: OnError = "keep",
    confirm: bool = False,
    display: bool = True,
) -> BatchJob:
    """A map that is answered in batches.

    Args:
        request: What every row is asked with.
        rows: The rows, which the checkpoint keeps.
        kept: The answers.
        on_error: What a failure means.
        confirm: Whether to ask whether it may begin.
        display: Whether to show how it goes.

    Raises:
        UsageError: They cannot be asked in a batch.
    """
    check_batch(request)
    live, request = request, replace(request, batch=True)
    states = RowStates()
    reader = RowReader(rows, stored_prompts(), RowKeys(request), kept, states)
    journal = BatchJournal(kept.checkpoint)

    def runner() -> BatchRunner:
        loop = engine()
        reading = BatchReading(request, loop, rows.messages)
        return BatchRunner(request, journal, BatchProvider(request, loop), reading)

    def sampling() -> PacedRunner:
        return PacedRunner(LocalAsker(live, engine(), source_of(live, engine())), Concurrency())

    before = confirmed if confirm else None
    show = MapShow(request.surface, answers=request.answer_while_busy, shows=display)
    options: dict[str, Any] = {"on_error": on_error, "before": before, "show": show}
    return BatchJob(sampling, request, reader, kept, states, runner, engine, **options)
