"""What a `FaultServer` is told to send, and what it was sent: values only."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypedDict
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Answer", "AnswerOptions", "Ending", "Piece", "Received", "Responder"]

Piece: TypeAlias = bytes | str | float | threading.Event
"""Bytes to send (a string as UTF-8), seconds to pause (`math.inf`: until the client leaves), an event to wait for."""

Ending: TypeAlias = Literal["end", "close", "reset", "hold"]


class AnswerOptions(TypedDict, total=False):
    """The keywords of `Answer`, for those who pass them on."""

    status: int
    headers: Mapping[str, str]
    then: Ending
    chunked: bool
    cut: int | None
    split: Sequence[int]
    drip: tuple[int, float] | None
    before_head: float | threading.Event
    head: bytes | None


class Answer:
    r"""One response, down to the byte.

    Args:
        pieces: What the body is made of, in order: bytes or text (one TCP segment, and one HTTP chunk, each), seconds
            to pause, or `threading.Event`s to wait for. A pause of `math.inf` lasts until the client leaves.
        status: The status code.
        headers: Headers to add, or to send in place of the usual ones (`content-type: text/event-stream`).
        then: What happens to the connection after the body: `"end"` finishes the response properly, `"close"` just
            closes, `"reset"` resets, `"hold"` keeps silent until the client leaves.
        chunked: Whether the body is sent in HTTP chunks. If not, its end is the end of the connection, unless
            `headers` holds a `content-length`.
        cut: Send only so many bytes of the body, then do `then`.
        split: Offsets in bytes at which the body is cut into further segments.
        drip: `(bytes, seconds)`: send so many bytes at a time, with a pause in between, which may be 0.
        before_head: Seconds to pause, or an event to wait for, before the status line is sent.
        head: Bytes to send in place of status line and headers; the body follows as it is, and the connection is then
            closed.

    Raises:
        ValueError: A number makes no sense: a negative pause, a drip of no bytes.

    Example:
        >>> list(Answer("data: Hi\n\n", cut=6, split=[2, 4]).steps())
        [b'da', b'ta', b': ']
        >>> list(Answer("abc", 0.5, "d", drip=(2, 0.1)).steps())
        [b'ab', 0.1, b'c', 0.5, b'd']
    """

    def __init__(
        self,
        *pieces: Piece,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        then: Ending = "end",
        chunked: bool = True,
        cut: int | None = None,
        split: Sequence[int] = (),
        drip: tuple[int, float] | None = None,
        before_head: float | threading.Event = 0.0,
        head: bytes | None = None,
    ) -> None:
        pauses = [piece for piece in (*pieces, before_head) if isinstance(piece, int | float)]
        sizes = [size for size in (cut, *split) if size is not None]
        size, pause = drip or (1, 0.0)
        if min(*pauses, *sizes, pause, size - 1, 0) < 0:
            raise ValueError("a pause takes 0 seconds or more, a drip 1 byte or more, and a cut keeps 0 bytes or more")
        if then not in {"end", "close", "reset", "hold"}:
            raise ValueError(f'then is "end", "close", "reset" or "hold", not {then!r}')
        self.pieces = pieces
        self.status = status
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.then = then
        self.chunked = chunked and head is None and status not in {204, 304}
        self.cut = cut
        self.split = frozenset(split)
        self.drip = drip
        self.before_head = before_head
        self._head = head

    @property
    def head(self) -> bytes:
        """Status line and headers, as they are sent."""
        if self._head is not None:
            return self._head
        framing = {"transfer-encoding": "chunked"} if self.chunked else {"connection": "close"}
        if "content-length" in self.headers:
            framing = {}
        headers = {"content-type": "text/event-stream", **framing, **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Scripted\r\n{lines}\r\n".encode("latin-1")

    @property
    def framed(self) -> bool:
        """Whether each segment is sent as an HTTP chunk."""
        return self.chunked and "content-length" not in self.headers

    @property
    def reusable(self) -> bool:
        """Whether the connection can be reused afterwards."""
        measured = "content-length" in self.headers and self._head is None and self.cut is None
        return self.then == "end" and (self.framed or measured) and self.headers.get("connection") != "close"

    def steps(self) -> Iterator[bytes | float | threading.Event]:
        """The segments of the body, and the pauses and events between them, in order."""
        offset = 0
        for piece in self.pieces:
            if self.cut is not None and offset >= self.cut:
                return
            if isinstance(piece, threading.Event):
                yield piece
            elif isinstance(piece, int | float):
                yield float(piece)
            else:
                raw = piece.encode() if isinstance(piece, str) else piece
                if self.cut is not None:
                    raw = raw[: self.cut - offset]
                yield from self._segments(raw, offset)
                offset += len(raw)

    def _segments(self, raw: bytes, offset: int) -> Iterator[bytes | float]:
        starts = {0} | {at - offset for at in self.split if 0 < at - offset < len(raw)}
        if self.drip is not None:
            starts.update(range(0, len(raw), self.drip[0]))
        ordered = sorted(starts)
        for start, end in zip(ordered, [*ordered[1:], len(raw)], strict=True):
            if start and self.drip is not None and self.drip[1]:
                yield self.drip[1]
            if raw[start:end]:
                yield raw[start:end]


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """One request as it came.

    Attributes:
        method: `"GET"`, `"POST"`, ….
        target: Path and query as the client wrote them.
        headers: The headers, by their names in lower case.
        body: The body.
        connection: The number of the connection that it came on, from 1; equal numbers mean a reused connection.
        answered: Set once the whole answer was sent (never for one that is held).
        client_left: Set once the client has left in the middle of the answer.

    Example:
        >>> received = Received("GET", "/v1/responses/r1?stream=true&starting_after=4", {}, b"", 1)
        >>> received.path, received.query["starting_after"]
        ('/v1/responses/r1', '4')
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    answered: threading.Event = field(default_factory=threading.Event, repr=False)
    client_left: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def path(self) -> str:
        """The path, without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body, parsed; `None` if there is none.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body) if self.body else None


Responder: TypeAlias = Callable[[Received], Answer | bytes | str]
"""Makes the answer to a request; runs on the server's thread."""
