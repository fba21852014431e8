"""Recordings as the source of streams in tests."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from nbstream.recording.player import Player
from nbstream.recording.recording_file import read

if TYPE_CHECKING:
    import os

__all__ = ["recorded"]


def recorded(path: str | os.PathLike[str], *, speed: float | None = None) -> Player:
    """A source whose answer is that of a recording, whatever is asked.

    Args:
        path: The file.
        speed: How many times as fast as it was recorded; `None` plays all of it at once.

    Raises:
        UsageError: It is no recording.
        OSError: It cannot be read.

    Example:
        ```python
        result = play(recorded("recordings/explain-sse-1f0c8a2b9d3e4f50.jsonl", speed=1))
        nbs.stream("Explain", model="m", source=recorded("answer.jsonl"))
        ```
    """
    return Player(read(pathlib.Path(path)), speed)
