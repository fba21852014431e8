"""What users write: `with nbs.recordings("recordings/"): …`."""

from __future__ import annotations

import contextlib
import os
import pathlib
from typing import TYPE_CHECKING

from nbstream.failures import UsageError
from nbstream.recording.choice import RecordingChoice, checked_mode, within
from nbstream.recording.recording_file import SUFFIX, heading_of
from nbstream.recording.trusted import TrustStore
from nbstream.streaming.engine import engine

if TYPE_CHECKING:
    from types import TracebackType

    from nbstream.recording.uses import RecordingStatus

__all__ = ["recordings"]


class recordings:  # noqa: N801  it is called like a function
    """Let the streams of a `with` block be played from recordings, and be recorded where there is none.

    Args:
        directory: Where the recordings are; it is made if it is not there.
        mode: `"auto"` plays what is recorded and records the rest; `"replay"` only plays, and a request that is not
            recorded fails; `"record"` always asks, and replaces what is recorded; `"off"` does neither.
        speed: How fast to play: 1 is as recorded, 2 is twice as fast; by default all of an answer comes at once.
        trust: Whether to play what others have recorded; see `accept`.
        run_tools: Whether the tools that a recorded answer calls run again, with the usual questions; by default their
            recorded results are used.

    Raises:
        UsageError: There is no such mode, or the speed is not above 0.

    Example:
        ```python
        with nbs.recordings("recordings/"):
            nbs.stream("Explain server-sent events", model="gpt-5-mini")
        ```
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        mode: str = "auto",
        *,
        speed: float | None = None,
        trust: bool = False,
        run_tools: bool = False,
    ) -> None:
        if not isinstance(directory, str | os.PathLike):
            raise UsageError(f"recordings are kept in a directory, not in {directory!r}")
        if speed is not None and not (isinstance(speed, int | float) and 0 < speed < float("inf")):
            raise UsageError(f"speed must be a number above 0, not {speed!r}")
        path = pathlib.Path(directory).expanduser()
        self._choice = RecordingChoice(path, checked_mode(mode), speed=speed, trust=trust, run_tools=run_tools)
        self._blocks = contextlib.ExitStack()

    def __enter__(self) -> None:
        self._blocks.enter_context(within(self._choice))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._blocks.close()

    @staticmethod
    def accept(where: str | os.PathLike[str]) -> int:
        """Let recordings play that somebody else has made, as they are now.

        A recording is as hostile as any server: it is shown as safely, but it says what whoever made it wanted.

        Args:
            where: A recording, or a directory of them.

        Returns:
            How many were not accepted before.

        Raises:
            UsageError: There is no recording.

        Example:
            ```python
            nbs.recordings.accept("recordings/")
            ```
        """
        path = pathlib.Path(where).expanduser()
        found = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        try:
            for each in found:
                heading_of(each)
            if found:
                return TrustStore().accept(found)
        except OSError as error:
            raise UsageError(f"{error.filename}: {error.strerror}") from None
        raise UsageError(f"there is no recording in {path}")

    @staticmethod
    def status() -> RecordingStatus:
        """What has been played and recorded in this kernel so far: a table of cells.

        Example:
            ```python
            nbs.recordings.status()
            ```
        """
        return engine().recordings.status()
