"""The file of a recording: JSON lines that people can read, compare and keep under version control.

The first line says what was asked, the second how the server began to answer. Each further line is a piece of the
answer, with the milliseconds since the request was sent, or the error of a response with an error status. The last line
says how the answer ended.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.recording.described import key_of
from nbstream.text.saved_errors import error_from_dict

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable, Mapping

    from nbstream.errors import StreamError

__all__ = [
    "COMPLETE",
    "ENOUGH",
    "REFUSED",
    "SUFFIX",
    "VERSION",
    "Heading",
    "Piece",
    "Recording",
    "heading_of",
    "line_of",
    "read",
]

VERSION = 1
SUFFIX = ".jsonl"
COMPLETE = "complete"
"""How a recording ends whose answer is whole."""

ENOUGH = "closed once stop_when was met"
"""How a recording ends that was closed because its reader had what it wanted."""

REFUSED = "refused"
"""How a recording of a response with an error status ends. It is asked for again, unless nothing may be asked."""

_LARGEST_FILE = 256 * 1024 * 1024
_LARGEST_HEADING = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Heading:
    """What the first line of a recording says.

    Attributes:
        key: Of the request, see `nbstream.recording.described.key_of`.
        recorded_at: When the request was sent.
        server: Host and port.
        request: What was asked.
    """

    key: str
    recorded_at: datetime
    server: str
    request: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The line."""
        return {
            "nbstream": "recording",
            "version": VERSION,
            "key": self.key,
            "recorded_at": self.recorded_at.isoformat(timespec="seconds"),
            "server": self.server,
            "request": self.request,
        }


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer.

    Attributes:
        at: When it came, in milliseconds since the request was sent.
        data: The bytes.
    """

    at: float
    data: bytes

    def as_json(self) -> dict[str, Any]:
        """The line."""
        try:
            return {"at": self.at, "text": self.data.decode()}
        except UnicodeDecodeError:
            return {"at": self.at, "base64": base64.b64encode(self.data).decode()}


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that has been read.

    Attributes:
        path: Its file.
        heading: What was asked, and when.
        status: The HTTP status of the response.
        headers: Those of its headers that say something about the answer, by lower-case name.
        began: When the headers had come, in milliseconds since the request was sent.
        pieces: The bytes of the answer.
        end: `"complete"`, or why the recording is only a part of the answer; `None` if it was cut off.
        ended: When it ended, in milliseconds since the request was sent.
        error: What a response with an error status said; it has no pieces.
    """

    path: pathlib.Path
    heading: Heading
    status: int
    headers: Mapping[str, str]
    began: float
    pieces: tuple[Piece, ...]
    end: str | None
    ended: float
    error: StreamError | None = None

    @property
    def whole(self) -> bool:
        """Whether all of the answer that was wanted is in it."""
        return self.end in {COMPLETE, ENOUGH}


def line_of(value: Mapping[str, Any]) -> str:
    """One line of a file, without its end.

    Example:
        >>> line_of({"at": 12, "text": "data: …"})
        '{"at": 12, "text": "data: …"}'
    """
    return json.dumps(value, ensure_ascii=False)


def heading_of(path: pathlib.Path) -> Heading:
    """Read only what was asked.

    Args:
        path: The file.

    Raises:
        UsageError: It is not the file of a recording, or of a newer version.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return _heading(path, file.readline(_LARGEST_HEADING))


def read(path: pathlib.Path) -> Recording:
    """Read a recording.

    A last line that was cut off, because what wrote it ended, is left out: the recording is then a part of the answer.

    Args:
        path: The file.

    Raises:
        UsageError: It is not the file of a recording, is damaged, or is of a newer version.
        OSError: It cannot be read.

    Example:
        ```python
        recording = read(pathlib.Path("recordings/explain-sse-1f0c8a2b9d3e4f50.jsonl"))
        b"".join(piece.data for piece in recording.pieces)
        ```
    """
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise UsageError(f"{path} is too large to be a recording: it has more than {_LARGEST_FILE // 1024**2} MB")
    lines = content.split(b"\n")
    lines.pop()  # what follows the last line end: nothing, or a line that was not written to its end
    if not lines:
        raise _no_recording(path)
    return _read(path, _heading(path, lines[0]), lines[1:])


def _heading(path: pathlib.Path, line: bytes) -> Heading:
    value = _parsed(path, 1, line)
    if value.get("nbstream") != "recording":
        raise _no_recording(path)
    version = value.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise UsageError(f"{path} was recorded by a newer nbstream (version {version!r}); update nbstream to play it")
    try:
        recorded_at = datetime.fromisoformat(value["recorded_at"])
        request, server = value["request"], value["server"]
    except (LookupError, TypeError, ValueError):
        raise _damaged(path, 1) from None
    if not isinstance(request, dict) or not isinstance(server, str):
        raise _damaged(path, 1)
    if recorded_at.tzinfo is None:
        recorded_at = recorded_at.replace(tzinfo=UTC)
    return Heading(key_of(request), recorded_at, server, request)


def _read(path: pathlib.Path, heading: Heading, lines: Iterable[bytes]) -> Recording:
    status, headers, began, ended = 200, {}, 0.0, 0.0
    pieces: list[Piece] = []
    end: str | None = None
    error: StreamError | None = None
    for number, line in enumerate(lines, 2):
        value = _parsed(path, number, line)
        if end is not None:
            raise _damaged(path, number)
        try:
            ended = float(value["at"])
            if not 0 <= ended <= _LONGEST_MS:
                raise _damaged(path, number)
            if number == 2:
                status, began = int(value["status"]), ended
                headers = {str(name).lower(): str(each) for name, each in value["headers"].items()}
            elif "end" in value:
                end = str(value["end"])
            elif "error" in value:
                error = error_from_dict(value["error"])
            else:
                pieces.append(Piece(ended, _bytes_of(value)))
        except (LookupError, TypeError, ValueError, AttributeError):
            raise _damaged(path, number) from None
    return Recording(path, heading, status, headers, began, tuple(pieces), end, ended, error)


_LONGEST_MS = 7 * 24 * 3600 * 1000.0


def _bytes_of(value: Mapping[str, Any]) -> bytes:
    if "text" in value:
        return str(value["text"]).encode()
    return base64.b64decode(value["base64"], validate=True)


def _parsed(path: pathlib.Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise (_no_recording(path) if number == 1 else _damaged(path, number)) from None
    if not isinstance(value, dict):
        raise _no_recording(path) if number == 1 else _damaged(path, number)
    return value


def _no_recording(path: pathlib.Path) -> UsageError:
    return UsageError(f"{path} is not a recording")


def _damaged(path: pathlib.Path, number: int) -> UsageError:
    return UsageError(f"{path} is damaged in line {number}; delete it to record again")
