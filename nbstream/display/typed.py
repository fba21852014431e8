"""Lines that somebody types, where somebody can be asked for them; never a wait without end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nbstream.settings.shell import running_shell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["typed_lines"]

# What answers so many times with nothing of use is no person.
_MOST_LINES = 20


def typed_lines() -> Callable[[str], str]:
    """What shows some words and reads a line: Python's `input`, which a kernel replaces for each cell.

    It raises an `EOFError` where nobody can answer: beside a cell, where the front end takes no line from the kernel,
    and after 20 lines.
    """
    read = 0

    def line(words: str) -> str:
        nonlocal read
        read += 1
        in_kernel = getattr(running_shell(), "kernel", None) is not None
        if read > _MOST_LINES or (in_kernel and threading.current_thread() is not threading.main_thread()):
            raise EOFError("nobody can be asked")
        return input(words)

    return line
