"""Asks whether a map may begin, with what it would cost in sight."""

from __future__ import annotations

import sys
from typing import Any

from nbstream.failures import UsageError

__all__ = ["confirmed"]


def confirmed(job: Any) -> None:
    """Show what a map would cost, and ask whether it may begin.

    Args:
        job: The `MapJob`.

    Raises:
        UsageError: It may not, or nobody can be asked.
    """
    sys.stdout.write(f"{job.plan()!r}\n")
    sys.stdout.flush()
    try:
        said = input("Ask the rest? [y/N] ")
    except (EOFError, NotImplementedError, OSError, RuntimeError):
        advice = "look at job.plan(), and leave out confirm"
        raise UsageError(f"nobody can be asked here whether the map may begin; {advice}") from None
    if said.strip().lower() not in {"y", "yes"}:
        raise UsageError("the map has not begun, as you said; the answers to the samples are kept")
