"""Plays a recording in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.api import stream
from nbstream.errors import StreamError, UsageError
from nbstream.recording.described import question_of
from nbstream.recording.player import Player
from nbstream.recording.recording_file import read
from nbstream.text.place import Place

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from nbstream.request import Api

__all__ = ["play"]


def play(path: pathlib.Path, speed: float, say: Callable[[str], object]) -> str | None:
    """Draw a recording as it came.

    Args:
        path: Its file.
        speed: How many times as fast as it was recorded.
        say: Prints a line.

    Returns:
        What went wrong; `None` if nothing did.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        recording = read(path)
        heading = recording.heading
        asked = heading.request
        say(f"{asked.get('model')}, recorded {heading.recorded_at:%Y-%m-%d %H:%M} from {heading.server}")
        say(f"> {question_of(asked)}\n")
        api: Api = "responses" if asked.get("api") == "responses" else "chat"
        asked_of = f"https://{heading.server}/v1"  # errors name it; nothing is sent
        source = Player(recording, speed)
        stream("…", model=str(asked.get("model")), api=api, base_url=asked_of, source=source, max_retries=0)
    except (StreamError, UsageError) as error:
        return error.told(Place.TERMINAL)
    return None
