"""Puts code that a model has written into a new cell below, after asking. Nothing here runs it.

A kernel can ask a front end for a new cell, but not for a cell with metadata. So the first line says who wrote it and
when, and in JupyterLab and Notebook 7 the page, which reads such a line, puts the same into the metadata of the cell.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from nbstream.display.prompting import allowed_by_input
from nbstream.display.typed import typed_lines
from nbstream.errors import UsageError
from nbstream.settings.shell import running_shell
from nbstream.text.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.result import StreamResult

__all__ = ["insert_below", "marked"]

_DIGITS = 16  # of the hash, in sight


def insert_below(
    result: StreamResult, code: str, *, ask: bool = True, read: Callable[[str], str] | None = None
) -> bool:
    """Put code into a new cell below the one that runs now; in a terminal, it is the next input.

    Args:
        result: The answer that it is from.
        code: The code.
        ask: Whether to ask first.
        read: Shows some words and reads a line; by default `input`, which a kernel replaces for each cell.

    Returns:
        Whether it has been put there.

    Raises:
        UsageError: Nobody can be asked, or there is no notebook.
    """
    shell = running_shell()
    if shell is None or not hasattr(shell, "set_next_input"):
        raise UsageError("there is no notebook here to put a cell into")
    model = result.model or "a model"
    if ask and not _allowed(code, model, read or typed_lines()):
        return False
    shell.set_next_input(marked(code, model, dt.datetime.now(dt.UTC)), replace=False)
    return True


def marked(code: str, model: str, when: dt.datetime) -> str:
    r"""Code with a first line that says where it is from; `display/static/inserted_cells.js` reads it.

    Args:
        code: What the model has written.
        model: Which model.
        when: The moment.

    Example:
        >>> print(marked("x = 1", "gpt-5-mini", dt.datetime(2026, 1, 2, 3, 4, 5)))
        # Written by gpt-5-mini, 2026-01-02T03:04:05Z, sha256 8ff436def1451285
        x = 1
    """
    digest = hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
    name = " ".join(plain(model).split())
    # A magic of the cell has to be in its first line.
    first, line_end, rest = code.partition("\n")
    about = f"# Written by {name}, {when:%Y-%m-%dT%H:%M:%SZ}, sha256 {digest}"
    return f"{first}\n{about}{line_end}{rest}" if first.startswith("%%") else f"{about}\n{code}"


def _allowed(code: str, model: str, read: Callable[[str], str]) -> bool:
    try:
        return allowed_by_input(code, model, read)
    except Exception:  # noqa: BLE001  whatever `input` raises where nobody can type
        raise UsageError(
            "nobody can be asked here whether to insert the code; --insert=yes, or insert(ask=False), does not ask"
        ) from None
