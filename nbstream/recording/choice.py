"""Which recordings a stream uses, as a value: from an option, a `with` block, a setting or the environment."""

from __future__ import annotations

import contextlib
import contextvars
import os
import pathlib
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbstream.failures import UsageError
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DATA_VARIABLE",
    "DIRECTORY_VARIABLE",
    "MODES",
    "MODE_VARIABLE",
    "Mode",
    "RecordingChoice",
    "checked_mode",
    "chosen",
    "data_directory",
    "within",
]

Mode: TypeAlias = Literal["auto", "replay", "record", "off"]

MODES: tuple[Mode, ...] = ("auto", "replay", "record", "off")
"""Play what is there and record the rest; only play; always ask, and record; neither."""

DIRECTORY_VARIABLE = "NBSTREAM_RECORDINGS"
MODE_VARIABLE = "NBSTREAM_RECORDINGS_MODE"
DATA_VARIABLE = "NBSTREAM_DATA_DIR"


@dataclass(frozen=True, slots=True)
class RecordingChoice:
    """Which recordings a stream uses.

    Attributes:
        directory: Where recordings are kept, each in a file of its own.
        mode: What is done with them, see `MODES`.
        file: The one file to play or to write, in place of one in the directory.
        speed: How many times as fast as recorded to play; `None` plays all of a recording at once.
        trust: Whether to play what others have recorded.
        run_tools: Whether tools run again in a replay; else their recorded results are used.
    """

    directory: pathlib.Path
    mode: Mode = "auto"
    file: pathlib.Path | None = None
    speed: float | None = None
    trust: bool = False
    run_tools: bool = False


_WITHIN: contextvars.ContextVar[RecordingChoice | None] = contextvars.ContextVar("nbstream_recordings", default=None)


@contextlib.contextmanager
def within(choice: RecordingChoice) -> Iterator[None]:
    """Let the streams that are asked for in a `with` block use these recordings."""
    token = _WITHIN.set(choice)
    try:
        yield
    finally:
        _WITHIN.reset(token)


def chosen(
    setting: RecordingChoice | None,
    *,
    record: str | os.PathLike[str] | None = None,
    play: str | os.PathLike[str] | None = None,
) -> RecordingChoice | None:
    """What applies: the call's own option, then the block it is in, then the setting, then the environment.

    Args:
        setting: What the settings say, if they say something.
        record: The file to write.
        play: The file to play.

    Raises:
        UsageError: The call asks for both, or the environment names a mode that there is not, or a file for the
            directory of this user's data.

    Example:
        >>> chosen(None, play="answer.jsonl").mode
        'replay'
    """
    if record is not None and play is not None:
        raise UsageError("record and replay exclude each other: one asks, the other must not")
    base = _WITHIN.get() or setting or _of_environment()
    if record is None and play is None:
        if base is None or base.mode == "off":
            return None
        data_directory()  # which says now what is wrong with it
        return base
    data_directory()
    file = _file(record if play is None else play)
    mode: Mode = "record" if play is None else "replay"
    if base is None:
        return RecordingChoice(file.parent, mode, file)
    return replace(base, directory=file.parent, mode=mode, file=file)


def checked_mode(mode: str) -> Mode:
    """The mode of that name.

    Raises:
        UsageError: There is none.
    """
    if mode not in MODES:
        meant = did_you_mean(mode, MODES) or f"; the modes are {', '.join(MODES)}"
        raise UsageError(f"there is no mode {mode!r} of recordings{meant}")
    return mode


def data_directory() -> pathlib.Path:
    """Where this user keeps what belongs to no project: `NBSTREAM_DATA_DIR`, or the system's directory for it.

    Raises:
        UsageError: `NBSTREAM_DATA_DIR` names a file.
    """
    if given := os.environ.get(DATA_VARIABLE):
        if not (path := pathlib.Path(given)).is_dir() and path.exists():
            raise UsageError(f"{DATA_VARIABLE} must name a directory, and {given} is a file")
        return path
    home = pathlib.Path.home()
    if sys.platform == "win32":
        return pathlib.Path(os.environ.get("APPDATA") or home) / "nbstream"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "nbstream"
    return pathlib.Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "nbstream"


def _file(given: str | os.PathLike[str] | None) -> pathlib.Path:
    if not isinstance(given, str | os.PathLike) or not str(given).strip():
        raise UsageError(f"a recording is a file, not {given!r}")
    return pathlib.Path(given).expanduser()


def _of_environment() -> RecordingChoice | None:
    directory = os.environ.get(DIRECTORY_VARIABLE, "").strip()
    if not directory:
        return None
    mode = os.environ.get(MODE_VARIABLE, "").strip() or "auto"
    try:
        return RecordingChoice(pathlib.Path(directory).expanduser(), checked_mode(mode))
    except UsageError as error:
        raise UsageError(f"{MODE_VARIABLE}: {error.happened}") from None
