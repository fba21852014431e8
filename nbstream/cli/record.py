"""Runs a notebook without a front end and records its answers."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from nbstream.errors import UsageError
from nbstream.recording.choice import DIRECTORY_VARIABLE, MODE_VARIABLE
from nbstream.recording.recording_file import SUFFIX

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

    from nbformat import NotebookNode

__all__ = ["record"]


def record(path: pathlib.Path, directory: pathlib.Path | None, mode: str) -> tuple[list[str], str | None]:
    """Run a notebook, which is left as it is, and record what its cells ask.

    Args:
        path: The notebook.
        directory: Where the recordings go; by default `recordings` beside the notebook.
        mode: See `nbstream.recording.choice.MODES`.

    Returns:
        The names of the recordings that were written, and why the notebook did not run to its end, if it did not.

    Raises:
        UsageError: It is not a notebook.
        OSError: It cannot be read.
    """
    import nbformat

    target = directory or path.parent / "recordings"
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except (ValueError, nbformat.reader.NotJSONError):
        raise UsageError(f"{path} is not a notebook") from None
    environment = {**os.environ, DIRECTORY_VARIABLE: str(target.resolve()), MODE_VARIABLE: mode}
    before = _states(target)
    problem = asyncio.run(_execute(notebook, str(path.parent.resolve()), environment))
    written = [name for name, state in _states(target).items() if before.get(name) != state]
    return sorted(written), problem


def _states(directory: pathlib.Path) -> dict[str, tuple[int, int]]:
    """What tells whether a file is the same as before, by its name."""
    return {each.name: (each.stat().st_ino, each.stat().st_mtime_ns) for each in directory.glob(f"*{SUFFIX}")}


async def _execute(notebook: NotebookNode, folder: str, environment: Mapping[str, str]) -> str | None:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": folder}})
    try:
        await client.async_execute(env=environment)
    except CellExecutionError as error:
        return f"the notebook stopped with {error.ename}: {str(error.evalue).strip().partition(chr(10))[0]}"
    except RuntimeError as error:  # nbclient's word for a kernel that died
        return f"the kernel did not run the notebook ({type(error).__name__})"
    return None
