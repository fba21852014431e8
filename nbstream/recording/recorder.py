"""Writes a response to a file while it arrives. Recording never changes, delays or loses what is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbstream.recording.described import described, key_of, words_of
from nbstream.recording.recording_file import COMPLETE, ENOUGH, SUFFIX, Heading, Piece, line_of

if TYPE_CHECKING:
    import pathlib
    from collections.abc import AsyncIterator, Callable, Mapping

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

    Args:
        source: Gives the responses.
        path: Where the recording goes once it is whole. What is there is kept until then.
        done: Is given the file once nothing is added to it.

    Attributes:
        failure: What kept it from writing the recording; the stream goes on.
    """

    def __init__(
        self, source: ByteSource, path: pathlib.Path, done: Callable[[pathlib.Path], object] = lambda _: None
    ) -> None:
        self.failure: OSError | None = None
        self._source = source
        self._path = path
        self._done = done

    async def open_bytes(self, request: StreamRequest) -> ByteStream:
        """Open the response and begin to write.

        Raises:
            StreamError: There is no response, or one with an error status; nothing is written.
        """
        sent = asyncio.get_running_loop().time()
        now = datetime.now(UTC)
        response = await self._source.open_bytes(request)
        return _Recorded(response, self, request, sent, now)

    def begin(self, request: StreamRequest, now: datetime) -> _File | None:
        """The file, with what was asked; `None` if there is none."""
        asked = described(request)
        redaction = request.endpoint.redaction()
        heading = Heading(key_of(asked), now, redaction(request.endpoint.name), asked)
        file = None
        with self.failing():
            file = _File(self._path, redaction)
            file.line(heading.as_json())
        return file

    @contextlib.contextmanager
    def failing(self) -> Any:
        """What raises an `OSError` in here ends the recording, and nothing else."""
        try:
            yield
        except OSError as error:
            self.failure = self.failure or error

    def end(self, file: _File, *, whole: bool) -> None:
        """Close the file and put it in its place."""
        with self.failing():
            self._done(file.end(whole=whole))


class _File:
    """A file that takes the place of another once it is whole."""

    def __init__(self, path: pathlib.Path, redaction: Redaction) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._redaction = redaction
        self._written = path.with_name(partial_name(path.name, f".{secrets.token_hex(4)}"))  # others may record it too
        self._file = self._written.open("x", encoding="utf-8", newline="\n")

    def line(self, value: Mapping[str, Any]) -> None:
        """Write a line, and have it on its way to the disk."""
        self._file.write(self._clean(line_of(value)))
        self._file.flush()

    def end(self, *, whole: bool) -> pathlib.Path:
        """Close it; put it in its place if it is whole, or else beside that. Return where it is."""
        self._file.close()
        return self._written.replace(self._path if whole else self._path.with_name(partial_name(self._path.name)))

    def _clean(self, line: str) -> str:
        return self._redaction.without_key(line.removesuffix("\n")) + "\n"


class _Recorded:
    """A `ByteStream` that is written down."""

    def __init__(
        self, response: ByteStream, recorder: Recorder, request: StreamRequest, sent: float, now: datetime
    ) -> None:
        self._response = response
        self._recorder = recorder
        self._sent = sent
        self._held = bytearray()  # a line whose end has not come: a key might be cut in two within it
        self._ended = ENOUGH if request.stop_when is not None else None  # unless it ends by itself
        self._file = recorder.begin(request, now)
        words = request.endpoint.redaction()
        headers = {name: words(value) for name in _HEADERS if (value := response.headers.get(name))}
        self._write({"at": self._at(), "status": response.status, "headers": headers})

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def endpoint(self) -> Endpoint:
        return self._response.endpoint

    @property
    def buffers(self) -> bool:
        return self._response.buffers

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        try:
            async for chunk, at in self._response:
                self._take(chunk, at)
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
            whole = self._ended in {COMPLETE, ENOUGH}
            self._flush()
            self._write({"at": self._at(), "end": self._ended or "closed by the reader"})
            if self._file is not None:
                self._recorder.end(self._file, whole=whole)

    def _take(self, chunk: bytes, at: float) -> None:
        cut = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if cut:
            self._write(Piece(self._at(at), bytes(self._held) + chunk[:cut]).as_json())
            self._held.clear()
        self._held += chunk[cut:]

    def _flush(self) -> None:
        if self._held:
            self._write(Piece(self._at(), bytes(self._held)).as_json())
            self._held.clear()

    def _write(self, value: Mapping[str, Any]) -> None:
        if self._file is not None and self._recorder.failure is None:
            with self._recorder.failing():
                self._file.line(value)

    def _at(self, at: float | None = None) -> float:
        now = asyncio.get_running_loop().time() if at is None else at
        return round(1000 * (now - self._sent), 1)
