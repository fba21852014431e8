"""A cell that was run in a shell, as its reader sees it."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

__all__ = ["Ran", "run_in"]


class Ran(NamedTuple):
    """What is shown, whether it went well, and the value of the last line."""

    shown: str
    success: bool
    result: Any


def run_in(shell: Any, cell: str) -> Ran:
    """Run a cell and return what a reader sees of it."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        ran = shell.run_cell(cell)
    return Ran(out.getvalue() + err.getvalue(), ran.success, ran.result)
