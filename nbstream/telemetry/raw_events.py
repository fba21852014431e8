"""The raw events of a response, each with its moment and with what it became: the bytes, read once more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.request import Endpoint
from nbstream.transport.adapters import adapter_for
from nbstream.transport.sse import SSEDecoder
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbstream.events import Event
    from nbstream.transport.sse import ServerSentEvent

__all__ = ["RawEvent", "RawEvents"]

_DECODED_AT_MOST = 16 * 1024 * 1024


class RawEvent(NamedTuple):
    """One event as the server sent it.

    Attributes:
        at: When it was whole.
        name: Its name, where it has one.
        data: Its data.
        became: What it means.
        missing: How many pieces before it were not kept.
    """

    at: float
    name: str
    data: str
    became: tuple[Event, ...]
    missing: int = 0


class RawEvents:
    r"""Reads the bytes of a response once more.

    Args:
        api: Which API they are of.
        server: Host and port.
        stream: Whether a stream was asked for.

    Example:
        >>> events = RawEvents("chat", "localhost:8000")
        >>> chunk = b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DO'
        >>> for raw in events.read([(chunk, 0.1), (b"NE]\n\n", 0.2)]):
        ...     print(raw.at, raw.data, *raw.became)
        0.1 {"choices":[{"delta":{"content":"Hi"}}]} TextDelta(text='Hi', choice=0, last=False)
        0.2 [DONE]
    """

    def __init__(self, api: str, server: str, *, stream: bool = True) -> None:
        endpoint = Endpoint(f"http://{server}")
        self._decoder = WireDecoder(
            adapter_for(api), endpoint, whole_expected=not stream, max_event_bytes=_DECODED_AT_MOST
        )
        self._is_stream = False

    def read(
        self, head: Sequence[tuple[bytes, float]], missing: int = 0, tail: Sequence[tuple[bytes, float]] = ()
    ) -> Iterator[RawEvent]:
        """The events of a response, or of its beginning and its end.

        Args:
            head: The pieces of the beginning, each with its moment.
            missing: How many pieces follow it that were not kept.
            tail: Those of the end.
        """
        found = [*self._events(head, SSEDecoder(_DECODED_AT_MOST))]
        self._is_stream = bool(found)
        if not found and head and not missing:
            yield self._document(head)
            return
        yield from found
        for number, raw in enumerate(self._events(_from_an_event_on(tail), SSEDecoder(_DECODED_AT_MOST))):
            yield raw._replace(missing=missing) if number == 0 else raw

    def end(self) -> tuple[Event, ...]:
        """What the end of the bytes means."""
        return tuple(self._decoder.close()) if self._is_stream else ()

    def _events(self, pieces: Iterable[tuple[bytes, float]], sse: SSEDecoder) -> Iterator[RawEvent]:
        for piece, at in pieces:
            try:
                received = sse.feed(piece)
            except ValueError:  # an event that is larger than anything that is kept
                return
            for each in received:
                became = () if self._decoder.ended else tuple(self._decoder.feed(_written(each)))
                yield RawEvent(at, each.event, each.data.decode("utf-8", "replace"), became)

    def _document(self, pieces: Sequence[tuple[bytes, float]]) -> RawEvent:
        """A response that is no stream of events."""
        body = b"".join(piece for piece, _ in pieces)
        became = (*self._decoder.feed(body), *self._decoder.close())
        return RawEvent(pieces[-1][1], "", body.decode("utf-8", "replace"), became)


def _written(event: ServerSentEvent) -> bytes:
    """An event as it is sent."""
    name = f"event: {event.event}\n".encode() if event.event else b""
    return name + b"".join(b"data: " + line + b"\n" for line in event.data.split(b"\n")) + b"\n"


def _from_an_event_on(pieces: Sequence[tuple[bytes, float]]) -> Iterator[tuple[bytes, float]]:
    """The pieces without the end of an event whose beginning is missing."""
    begun, before = False, b""
    for piece, at in pieces:
        if begun:
            yield piece, at
            continue
        held = (before + piece).replace(b"\r\n", b"\n")
        _, blank, rest = held.partition(b"\n\n")
        begun, before = bool(blank), held[-1:]
        if rest:
            yield rest, at


def indented(data: str) -> str:
    """JSON with a line for each value, if it is JSON."""
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return data
    return json.dumps(value, indent=1, ensure_ascii=False) if isinstance(value, dict | list) else data
