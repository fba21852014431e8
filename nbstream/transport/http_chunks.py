"""Joins the HTTP chunks that one read brings, so that the HTTP library decodes them as one.

Servers send each event in an HTTP chunk of its own, and the HTTP library takes three times as long over a chunk as
nbstream over the event in it. Framing, connections and errors stay the library's: it is given the same body in fewer
chunks, and anything unusual unchanged.
"""

from __future__ import annotations

import functools
import re
from typing import Any

__all__ = ["ChunkJoiner", "join_chunks"]

# Where the head of a response ends, as h11 has it, which takes bare line feeds too.
_HEAD_END = re.compile(rb"\n\r?\n")
_CHUNKED = re.compile(rb"(?i)\ntransfer-encoding:[ \t]*chunked[ \t]*\r?\n")
# Decompression that fails loses the whole chunk it is in.
_COMPRESSED = re.compile(rb"(?i)\ncontent-encoding:")
_LONGEST_HEAD = 100 * 1024
_MOST_INFORMATIONAL = 16  # servers send one or two
_CHUNK_HEADER = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[^\r\n]*)?[ \t]*")
_LONGEST_HEADER = 1024
_FOOTER = b"\r\n"

# httpcore says with these events that a connection stands, and hands over its stream.
# https://www.encode.io/httpcore/extensions/#trace
_CONNECTED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")


class ChunkJoiner:
    r"""Rewrites what a server sends: the chunks of a chunked body that come together become one chunk.

    The framing is that of HTTP/1.1 (RFC 9112, section 7.1). From the first byte that breaks its rules everything is
    passed on as it came, so the reader finds the fault itself.

    Example:
        ```python
        joiner = ChunkJoiner()
        joiner.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3\r\nllo\r\n")
        # b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n"
        ```
    """

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._informational = 0
        self._in_body = False
        self._kept = b""
        self._left = 0
        self._at_footer = False

    def expect_response(self) -> None:
        """Take note that a request is being sent: what comes next is the head of a response."""
        if not self._in_body:
            self._head, self._informational = b"", 0

    def feed(self, data: bytes) -> bytes:
        """Take what has been read; gives what the reader is to see, which may be nothing yet."""
        if self._in_body:
            return self._joined(data)
        if self._head is None:
            return data
        before = len(self._head)
        self._head += data
        end = _HEAD_END.search(self._head, max(0, before - 2))
        if end is None:
            if len(self._head) > _LONGEST_HEAD:
                self._head = None
            return data
        head, self._head = self._head[: end.end()], None
        if head.startswith(b"HTTP/1.1 1"):  # only informational: another head follows
            self._informational += 1
            if self._informational > _MOST_INFORMATIONAL:
                return data
            self._head = b""
            body = len(head) - before
            return data[:body] + (self.feed(data[body:]) if body < len(data) else b"")
        if not (head.startswith(b"HTTP/1.1 ") and _CHUNKED.search(head)) or _COMPRESSED.search(head):
            return data
        self._in_body, self._kept, self._left, self._at_footer = True, b"", 0, False
        body = len(head) - before
        return data[:body] + self._joined(data[body:])

    def _joined(self, data: bytes) -> bytes:
        data = self._kept + data
        self._kept = b""
        before, pieces, at = b"", [], 0
        while True:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return before + _chunk(pieces, _FOOTER)
                self._at_footer = True
            if self._at_footer:
                if not data.startswith(_FOOTER, at):
                    # The chunk is passed on without its end, which is still to come, or is not what it should be.
                    self._in_body = _FOOTER.startswith(data[at:])
                    return before + _chunk(pieces) + self._rest(data, at)
                if not pieces:
                    before = _FOOTER
                self._at_footer = False
                at += len(_FOOTER)
            end = data.find(_FOOTER, at)
            header = _CHUNK_HEADER.fullmatch(data, at, end) if end >= 0 else None
            self._left = int(header[1], 16) if header else 0
            if not self._left:  # the header is not all there, or the body ends, or the header makes no sense
                self._in_body = end < 0 and len(data) - at <= _LONGEST_HEADER
                return before + _chunk(pieces, _FOOTER) + self._rest(data, at)
            at = end + len(_FOOTER)

    def _rest(self, data: bytes, at: int) -> bytes:
        """What is passed on of the end of a read: all of it after the body's end, nothing if more of it is to come."""
        if not self._in_body:
            return data[at:]
        self._kept = data[at:]
        return b""


def _chunk(pieces: list[bytes], footer: bytes = b"") -> bytes:
    data = b"".join(pieces)
    return b"%x\r\n%b%b" % (len(data), data, footer) if data else b""


async def join_chunks(request: Any) -> None:
    """Have chunks joined on the connection that is opened for `request`; an event hook of the HTTP client.

    Args:
        request: The `httpx.Request` (openai 2.x) or `httpx2.Request` (3.x) that is about to be sent.
    """
    request.extensions["trace"] = _traced


async def _traced(event: str, info: dict[str, Any]) -> None:
    if event.endswith(_CONNECTED):
        stream, joiner = info["return_value"], ChunkJoiner()
        stream.read = functools.partial(_read, stream.read, joiner)
        stream.write = functools.partial(_write, stream.write, joiner)


async def _read(read: Any, joiner: ChunkJoiner, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
    while data := await read(max_bytes, timeout):
        if joined := joiner.feed(data):
            return joined
    return b""


async def _write(write: Any, joiner: ChunkJoiner, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
    joiner.expect_response()
    await write(buffer, timeout)
