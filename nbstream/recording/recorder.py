"""Writes a response to a file while it arrives. Recording never changes, delays or loses what is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbstream.errors import StreamError
from nbstream.recording.described import key_of, words_of
from nbstream.recording.recording_file import COMPLETE, ENOUGH, REFUSED, SUFFIX, Heading, Piece, line_of
from nbstream.text.saved_errors import error_to_dict

if TYPE_CHECKING:
    import pathlib
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from typing import TextIO

    from nbstream.moderation.moderates import Moderates
    from nbstream.request import Endpoint, StreamRequest
    from nbstream.text.redaction import Redaction
    from nbstream.transport.byte_stream import ByteSource, ByteStream, Chunk

__all__ = ["Recorder", "name_of", "partial_name"]

_HEADERS = ("content-type", "x-request-id", "openai-processing-ms", "openai-version", "server", "date")


def name_of(description: Mapping[str, Any]) -> str:
    """The name of a recording's file: the first words of the question, and the key.

    Args:
        description: What was asked, see `nbstream.recording.described.described`.
    """
    return f"{words_of(description)}-{key_of(description)}{SUFFIX}"


def partial_name(name: str, token: str = "") -> str:
    """The name of a recording's file that is not whole, or not yet.

    Args:
        name: The name that it has once it is whole.
        token: Tells those apart that are being written.

    Example:
        >>> partial_name("hello-1f0c8a2b9d3e4f50.jsonl")
        'hello-1f0c8a2b9d3e4f50.partial.jsonl'
    """
    return f"{name.removesuffix(SUFFIX)}{token}.partial{SUFFIX}"


class Recorder:
    """A `ByteSource` that writes what another one gives.

    Files are written on a thread, because a directory may be slow, and other streams go on meanwhile.

    Args:
        source: Gives the responses.
        path: Where the recording goes once it is whole. What is there is kept until then.
        asked: What is asked, see `nbstream.recording.described.described`.
        done: Is given the file once nothing is added to it; called on a thread.

    Attributes:
        failure: What kept it from writing the recording; the stream goes on.
    """

    def __init__(
        self,
        source: ByteSource,
        path: pathlib.Path,
        asked: Mapping[str, Any],
        done: Callable[[pathlib.Path], object] = lambda _: None,
    ) -> None:
        self.failure: OSError | None = None
        self._source = source
        self._path = path
        self._asked = asked
        self._done = done

    async def open_bytes(self, request: StreamRequest) -> ByteStream:
        """Open the response and begin to write.

        Raises:
            StreamError: There is no response, or one with an error status, which is recorded too.
        """
        now = asyncio.get_running_loop().time
        sent, sent_at = now(), datetime.now(UTC)
        refusal, response = None, None
        try:
            response = await self._source.open_bytes(request)
        except StreamError as error:
            if error.status is None:  # nothing came
                raise
            refusal = error
        lines = _Lines(self, _File(self._path, request.endpoint.redaction()), sent)
        server = request.endpoint.redact(request.endpoint.name)
        lines.add(Heading(key_of(self._asked), sent_at, server, self._asked).as_json())
        if response is None:
            assert refusal is not None
            lines.add({"at": lines.at(), "status": refusal.status, "headers": {}})
            lines.add({"at": lines.at(), "error": error_to_dict(refusal)})
            await lines.end(REFUSED)
            raise refusal
        headers = {name: lines.clean(value) for name in _HEADERS if (value := response.headers.get(name))}
        lines.add({"at": lines.at(), "status": response.status, "headers": headers})
        if request.moderation is not None and request.moderation.holds:
            lines.hold(request.moderation)
        return _Recorded(response, lines, ENOUGH if request.stop_when is not None else None)

    def finish(self, file: _File, *, whole: bool) -> None:
        """Close the file and put it in its place."""
        self._done(file.end(whole=whole))


class _File:
    """A file that takes the place of another once it is whole. All of it is done on a thread."""

    def __init__(self, path: pathlib.Path, redaction: Redaction) -> None:
        self.redaction = redaction
        self._path = path
        self._partial = path.with_name(partial_name(path.name))
        self._written = path.with_name(partial_name(path.name, f".{secrets.token_hex(4)}"))  # others may record it too
        self._file: TextIO | None = None
        self._lock = threading.Lock()  # a write whose reader was cancelled goes on beside the next one

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write lines, and have them on their way to the disk."""
        with self._lock:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._written.open("x", encoding="utf-8", newline="\n")
            clean = self.redaction.without_key
            self._file.writelines(f"{clean(line_of(each))}\n" for each in lines)
            self._file.flush()

    def end(self, *, whole: bool) -> pathlib.Path:
        """Close it; put it in its place if it is whole, or else beside that. Return where it is."""
        with self._lock:
            assert self._file is not None
            self._file.close()
        if whole:
            self._partial.unlink(missing_ok=True)
        return self._written.replace(self._path if whole else self._partial)


class _Lines:
    """The lines of a file, as the loop writes them: each is on its way to the disk before what it says is used."""

    def __init__(self, recorder: Recorder, file: _File, sent: float) -> None:
        self._recorder = recorder
        self._file = file
        self._sent = sent
        self._waiting: list[Mapping[str, Any]] = []
        self._moderation: Moderates | None = None

    def hold(self, moderation: Moderates) -> None:
        """Write nothing before the end, and then only an answer that may be shown."""
        self._moderation = moderation

    def add(self, line: Mapping[str, Any]) -> None:
        """Have a line written with the next ones."""
        self._waiting.append(line)

    async def write(self) -> None:
        """Write the lines that wait, unless earlier ones could not be written."""
        if self._moderation is not None:
            return
        lines, self._waiting = self._waiting, []
        if self._recorder.failure is None:
            with self._failing():
                await asyncio.to_thread(self._file.write, lines)

    async def end(self, why: str) -> None:
        """Write the last lines and how it ended, and close the file, even if the reader is cancelled meanwhile."""
        self.add({"at": self.at(), "end": why})
        await asyncio.shield(asyncio.get_running_loop().create_task(self._end(whole=why in {COMPLETE, ENOUGH})))

    async def _end(self, *, whole: bool) -> None:
        moderation, self._moderation = self._moderation, None
        if moderation is not None and not moderation.cleared:
            return
        await self.write()
        if self._recorder.failure is None:
            with self._failing():
                await asyncio.to_thread(self._recorder.finish, self._file, whole=whole)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """What raises an `OSError` in here ends the recording, and nothing else."""
        try:
            yield
        except OSError as error:
            self._recorder.failure = self._recorder.failure or error

    def clean(self, words: str) -> str:
        """Words without the key that the request carried."""
        return self._file.redaction(words)

    def at(self, at: float | None = None) -> float:
        """A moment, or now, in milliseconds since the request was sent."""
        now = asyncio.get_running_loop().time() if at is None else at
        return round(1000 * (now - self._sent), 1)


class _Recorded:
    """A `ByteStream` that is written down: each piece as it comes, not gathered, so that it can be played so."""

    buffers = False

    def __init__(self, response: ByteStream, lines: _Lines, ended: str | None) -> None:
        self._response = response
        self._lines = lines
        self._held = bytearray()  # a line whose end has not come: a key might be cut in two within it
        self._ended = ended  # unless it ends by itself

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def endpoint(self) -> Endpoint:
        return self._response.endpoint

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        try:
            async for chunk, at in self._response:
                await self._take(chunk, at)
                yield chunk, at
        except Exception as error:
            self._ended = f"connection lost ({type(error).__name__})"
            raise
        else:
            self._ended = COMPLETE

    async def close(self, *, complete: bool) -> None:
        """Close the response, then the file."""
        try:
            await self._response.close(complete=complete)
        finally:
            if complete:
                self._ended = COMPLETE
            if self._held:
                self._lines.add(Piece(self._lines.at(), bytes(self._held)).as_json())
            await self._lines.end(self._ended or "closed by the reader")

    async def _take(self, chunk: bytes, at: float) -> None:
        cut = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if cut:
            self._lines.add(Piece(self._lines.at(at), bytes(self._held) + chunk[:cut]).as_json())
            self._held.clear()
        self._held += chunk[cut:]
        if cut:
            await self._lines.write()
