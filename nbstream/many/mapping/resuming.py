"""`nbs.map.resume`: a map that another kernel has begun goes on with what is missing."""

from __future__ import annotations

import os
import pathlib
import sqlite3
from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.many.checkpoint.kept_answers import KeptAnswers
from nbstream.many.checkpoint.kept_request import request_from
from nbstream.many.checkpoint.row_store import RowStore
from nbstream.many.checkpoint.stored_rows import StoredRows
from nbstream.many.mapping.making import batch_job, opened
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.many.checkpoint.row_store import StoredJob
    from nbstream.many.job.map_job import MapJob

__all__ = ["resumed"]


def resumed(path: Any, options: dict[str, Any], local: Callable[..., MapJob]) -> MapJob:
    """The map that has begun last in a checkpoint.

    Args:
        path: The file.
        options: What the file does not hold, or is another one.
        local: Makes a map that is not answered in batches, of what is asked, its rows, its answers and the options.

    Raises:
        UsageError: There is no such file, no map in it, or not all of it.
    """
    if isinstance(path, str | os.PathLike) and not pathlib.Path(path).expanduser().exists():
        raise UsageError(f"there is no checkpoint {plain(str(path))}")
    checkpoint, name = opened(path), plain(str(path))
    try:
        store = RowStore(checkpoint)
        job = store.last()
    except sqlite3.Error as error:
        raise UsageError(f"the checkpoint {name} cannot be used ({plain(str(error))})") from None
    if job is None or job.total is None:
        why = "holds no map" if job is None else "holds not all rows of its map, which were still being read"
        raise UsageError(f"{name} {why}; call nbs.map once more, with this checkpoint: nothing is asked twice")
    return _made(store, job, KeptAnswers(checkpoint), options, name, local)


def _made(
    store: RowStore, job: StoredJob, kept: KeptAnswers, options: dict[str, Any], name: str, local: Callable[..., MapJob]
) -> MapJob:
    asked, given = job.asked, dict(options)
    own = {each: given.pop(each, asked[each]) for each in ("on_error", "confirm", "display")}
    concurrency, executor = given.pop("concurrency", asked["concurrency"]), given.pop("executor", None)
    if asked["batch"] and executor is not None:
        raise UsageError("a batch is answered by the provider, so it takes no executor")
    request = request_from(asked["request"], given, name)
    rows = StoredRows(store, job.run, asked, None, None, job.total)
    if asked["batch"]:
        return batch_job(request, rows, kept, **own)
    return local(request, rows, kept, concurrency=concurrency, executor=executor, **own)
