"""What this process holds of the machine. Linux only: it reads /proc."""

from __future__ import annotations

import pathlib
import re

__all__ = ["descriptors", "memory_held", "threads"]

PROCESS = pathlib.Path("/proc/self")


def memory_held(*, at_the_most: bool = False) -> int:
    """Bytes of memory that are held, or that have been held at the most.

    Not from `getrusage`, whose high-water mark a process inherits from the one that started it.
    """
    fields = dict(re.findall(r"^(\w+):\s+(\d+) kB$", (PROCESS / "status").read_text(), re.MULTILINE))
    return 1024 * int(fields["VmHWM" if at_the_most else "VmRSS"])


def descriptors() -> int:
    """How many files and sockets are open."""
    return len(list((PROCESS / "fd").iterdir())) - 1  # without the one that lists them


def threads() -> int:
    """How many threads run, those that Python does not know included."""
    return len(list((PROCESS / "task").iterdir()))
