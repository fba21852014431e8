"""The journal of a chat that has a file: what was attempted is written down beside it before it begins.

The file `chat.json.journal` grows by a line of JSON for each change:

    {"nbstream_journal": 1, "turn": …, "parent": …, "question": {…}, "parts": {"0": {…}, "1": {…}}}
    {"nbstream_journal": 1, "turn": …, "parts": {"1": {…}}}
    {"nbstream_journal": 1, "turn": …, "answer": {…}}

The first line of an exchange has its question, each later one the parts that have changed, the last one the answer as
it ended. An answer that is continued begins again with a first line, which has all its parts. Loading the chat puts
back the exchanges that its file does not have; saving it takes them out of the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pathlib
import threading
from typing import TYPE_CHECKING, Any

from nbstream.conversation.answers import answer_to_dict, part_to_dict
from nbstream.conversation.chat_files import one_at_a_time
from nbstream.errors import UsageError
from nbstream.text.plain import portable_json
from nbstream.tools.journal import asked_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nbstream.conversation.chat_files import KnownFiles
    from nbstream.parts import Part, ToolCallPart, ToolRun
    from nbstream.result import StreamResult

__all__ = ["ChatJournal", "forget", "journal_of", "read"]

_log = logging.getLogger("nbstream")

_FORMAT = {"nbstream_journal": 1}


class ChatJournal:
    """The calls of one exchange; in memory only while the chat has no file. See `nbstream.tools.journal.Journal`.

    Args:
        files: The files of the chat.
        turn_id: The id of the answer.
        head: What is to be known of the exchange besides its answer.
        restored: What became of the calls in the turns that were loaded.
        unknown: What calls of the chat ask for that were begun, and of which nobody knows how they ended.
    """

    def __init__(
        self,
        files: KnownFiles,
        turn_id: str,
        head: Mapping[str, Any],
        restored: Mapping[tuple[str, str, str], ToolRun],
        unknown: Collection[tuple[str, str]],
    ) -> None:
        self._files, self._turn_id, self._head = files, turn_id, head
        self._restored, self._unknown = restored, unknown
        self._path: pathlib.Path | None = None  # where the exchange is written to
        self._written: tuple[Part, ...] = ()
        self._asked = self._done = 0
        self._lock = threading.Lock()

    def earlier(self, call: ToolCallPart) -> ToolRun | None:
        """What became of a call, if it was attempted before the chat was loaded."""
        return self._restored.get((call.id or "", *asked_of(call)))

    def is_unsettled(self, call: ToolCallPart) -> bool:
        """Whether a call for the same was begun in an earlier answer, and nobody knows how it ended."""
        return asked_of(call) in self._unknown

    async def write(self, parts: tuple[Part, ...]) -> None:
        """Write the answer down as it is now; once this returns, it survives the end of the process.

        Raises:
            OSError: It cannot be written.
        """
        self._asked += 1
        if self._files.path is not None:
            await asyncio.to_thread(self._write, self._asked, parts)

    def end(self, result: StreamResult) -> None:
        """Write down how the answer has ended, if any of it was written; without waiting for the disc."""
        try:
            with self._lock:
                if self._path is not None:
                    _append(self._path, {"turn": self._turn_id, "answer": answer_to_dict(result)}, lasting=False)
        except (OSError, ValueError):
            _log.warning("nbstream could not write down how an answer ended beside its chat's file; save the chat")

    def _write(self, number: int, parts: tuple[Part, ...]) -> None:
        with self._lock:
            if self._files.path is None or number < self._done:  # what is written is newer, and has it all
                return
            path = journal_of(self._files.path)
            entry: dict[str, Any] = {"turn": self._turn_id}
            if path != self._path:
                entry |= self._head
                self._written = ()
            known = len(self._written)
            entry["parts"] = {
                str(place): part_to_dict(part)
                for place, part in enumerate(parts)
                if place >= known or part != self._written[place]
            }
            _append(path, entry, lasting=True)
            self._path, self._written, self._done = path, parts, number


def journal_of(path: str | pathlib.Path) -> pathlib.Path:
    """The file of the journal that belongs to a chat's file."""
    path = pathlib.Path(path)
    return path.with_name(f"{path.name}.journal")


def read(path: pathlib.Path, max_bytes: int) -> list[dict[str, Any]]:
    """The lines of a journal; none if there is no file. What a write that broke off has left is no line.

    Raises:
        UsageError: It is something else, or too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError:
        return []
    if len(data) > max_bytes:
        raise UsageError(f"{path} has more than {max_bytes:,} bytes; move it away to load the chat without it")
    entries = [entry for line in data.split(b"\n") if (entry := _parsed(line)) is not None]
    if data.strip() and not entries:
        raise UsageError(f"{path} is not the journal of a chat; move it away to load the chat without it")
    return entries


def forget(path: pathlib.Path, saved: Collection[str]) -> None:
    """Take the exchanges out of a journal whose answers have been saved.

    Args:
        path: The journal.
        saved: The ids of the answers.

    Raises:
        OSError: It cannot be written.
    """
    if not path.exists():
        return
    with one_at_a_time(path.parent):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if (entry := _parsed(line)) is not None and entry["turn"] not in saved]
        if not kept:
            path.unlink(missing_ok=True)
        elif kept != lines:
            beside = path.with_name(f"{path.name}.new")
            beside.write_bytes(b"".join(kept))
            beside.replace(path)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if isinstance(entry, dict) and entry.get("nbstream_journal") == 1 and isinstance(entry.get("turn"), str):
        return entry
    return None


def _append(path: pathlib.Path, entry: dict[str, Any], *, lasting: bool) -> None:
    """Add a line to a file, as a whole: the end of a line that broke off does not become its beginning."""
    line = json.dumps(portable_json({**_FORMAT, **entry})).encode()
    with one_at_a_time(path.parent):
        new = not path.exists()
        with open(path, "a+b", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            size = file.seek(0, os.SEEK_END)
            broken = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n" if hasattr(os, "pread") else size > 0
            file.write((b"\n" if broken else b"") + line + b"\n")
            file.flush()
            if lasting:
                os.fsync(file.fileno())
    if new and lasting:
        with contextlib.suppress(OSError, AttributeError):  # not every system has folders that can be opened
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
