"""`%%stream --map`: the prompt of a cell, asked of every row of a table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError

from nbstream.errors import MapError, UsageError
from nbstream.many.mapping.making import BATCH_FILE
from nbstream.many.mapping.mapping import map_rows
from nbstream.outcome import StreamState
from nbstream.text.place import Place
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    import argparse

    from IPython.core.interactiveshell import InteractiveShell

    from nbstream.many.job.map_job import MapJob

__all__ = ["map_cell"]


def map_cell(
    shell: InteractiveShell, options: argparse.Namespace, text: str, names: dict[str, Any], asked: dict[str, Any]
) -> None:
    """Ask the prompt of every row, and bind what comes: a column of a data frame, or a list.

    Args:
        shell: Has the variables.
        options: Of the cell.
        text: The prompt, as it is written.
        names: The names that it may use, the columns aside.
        asked: What the options mean to `nbs.map`.
    """
    shell.user_ns.pop("stream_map", None)
    try:
        job = _job(options, text, names, asked)
        if options.plan is not None:
            sys.stdout.write(f"{job.plan()!r}\n")
            return
    except UsageError as error:
        raise IPythonUsageError(error.told(Place.CELL)) from None
    if not _is_frame(names[options.map]) and options.out != options.map:
        shell.user_ns.pop(options.out, None)
    bound = {name: job for name in ("stream_map", options.result) if name}
    shell.push(bound, interactive=True)  # type: ignore[no-untyped-call]
    try:
        values = job.result()
    except (KeyboardInterrupt, MapError):
        _tell(job, options)
        raise
    if job.state is not StreamState.COMPLETED:
        _tell(job, options)
    elif options.out:
        _bind(shell, options, values)


def _job(options: argparse.Namespace, text: str, names: dict[str, Any], asked: dict[str, Any]) -> MapJob:
    if options.map not in names:
        raise UsageError(f"there is no variable called {options.map}{did_you_mean(options.map, names, 0.7)}")
    given = {name: value for name, value in asked.items() if value not in (None, [])}
    return map_rows(text, names[options.map], names=names, checkpoint=options.checkpoint, batch=options.batch, **given)


def _bind(shell: InteractiveShell, options: argparse.Namespace, values: list[Any]) -> None:
    table = shell.user_ns.get(options.map)
    if _is_frame(table) and hasattr(table, "iloc"):
        table[options.out] = values
        return
    if _is_frame(table):
        from importlib import import_module

        column = import_module(type(table).__module__.partition(".")[0]).Series(options.out, values, strict=False)
        values = table.with_columns(column)
        shell.push({options.map: values}, interactive=True)  # type: ignore[no-untyped-call]
        return
    shell.push({options.out: values}, interactive=True)  # type: ignore[no-untyped-call]


def _is_frame(table: Any) -> bool:
    """Whether it is a data frame of pandas or of polars, of which `-o` names a column."""
    return type(table).__name__ == "DataFrame" and (hasattr(table, "iloc") or hasattr(table, "with_columns"))


def _tell(job: MapJob, options: argparse.Namespace) -> None:
    """Say what there is of a map that has not been completed, and how it goes on."""
    told = job.progress
    of = "" if told.total is None else f" of {told.total:,}"
    sys.stdout.write(f"{told.done:,}{of} rows are done, and kept; run the cell again to go on.\n")
    if options.out:
        sys.stdout.write(f"{options.out} is not set, because not all rows are done.\n")
    if options.batch:
        file = options.checkpoint or BATCH_FILE
        sys.stdout.write(f"What is in batches goes on without this kernel: nbs.map.resume({file!r}) takes it up.\n")
