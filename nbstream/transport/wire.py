"""From the bytes of one response to stream events: SSE, then JSON, then the adapter of the API that was called.

Pure. It also recognises what is not an event stream at all: a whole JSON answer, which is taken as it is, and an HTML
page, NDJSON or plain text, which would otherwise pass for an empty answer. It never raises: what is wrong with the
bytes is an event too, so that everything before it has its effect.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import jiter

from nbstream.events import (
    EndOfStream,
    Event,
    Failed,
    Garbled,
    PartResumed,
    PartStarted,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    Warned,
)
from nbstream.remedies import Remedy, RemedyKind
from nbstream.transport.document import BOM, HTML_PAGE, NDJSON, Document, is_lines_of_json
from nbstream.transport.fields import error_in, failed
from nbstream.transport.sse import EventTooLargeError, ServerSentEvent, SSEDecoder

if TYPE_CHECKING:
    from nbstream.request import Endpoint

__all__ = ["Adapter", "WireDecoder"]

_DONE = b"[DONE]"
_WORDS = PartStarted | PartResumed | TextDelta | ReasoningDelta | RefusalDelta

# What the other paths of a server answer with.
_REMEDIES = {
    HTML_PAGE: (Remedy(RemedyKind.CHECK_ADDRESS), Remedy(RemedyKind.CHECK_PROXY)),
    NDJSON: (Remedy(RemedyKind.CHECK_ADDRESS),),
}

# How much of a body without any event is kept to be shown.
_GLIMPSE = 1024


class Adapter(Protocol):
    """Translates the JSON objects of one API into events; one instance per answer, because it may keep state."""

    ended: bool
    """Whether the API's own last event has been seen, if it has one."""
    sequence_number: int | None
    """The number of the last event, if the API numbers them."""

    def decode(self, payload: dict[str, Any]) -> list[Event]:
        """Return the events that one JSON object stands for; an unknown object stands for none."""
        ...

    def decode_whole(self, payload: dict[str, Any]) -> list[Event] | None:
        """Return the events that a whole answer stands for, or `None` if the object is not an answer."""
        ...


class WireDecoder:
    r"""Decodes one response.

    Args:
        adapter: The translator of the API that was called.
        endpoint: Where the bytes come from, for messages.
        whole_expected: Whether an answer in one piece is what was asked for.

    Example:
        >>> from nbstream.request import Endpoint
        >>> from nbstream.transport.chat_completions import ChatCompletionsAdapter
        >>> decoder = WireDecoder(ChatCompletionsAdapter(), Endpoint("http://localhost:8000/v1"))
        >>> decoder.feed(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n')
        [TextDelta(text='Hi', choice=0, last=False)]
        >>> decoder.close()
        [EndOfStream(marked=True)]
    """

    def __init__(self, adapter: Adapter, endpoint: Endpoint, *, whole_expected: bool = False) -> None:
        self.adapter = adapter
        self._endpoint = endpoint
        self._whole_expected = whole_expected
        self._sse = SSEDecoder()
        self._document: Document | None = Document()  # while it may still be one
        self._glimpse = b""
        self._dispatched = False
        self._marked = False

    @property
    def ended(self) -> bool:
        """Whether the answer is over by the wire's own word, so that what follows does not matter."""
        return self._marked or self.adapter.ended

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes and return the events they complete."""
        if self._document is not None:
            chunk, refusal = self._document.sift(chunk)
            if refusal:
                return [self._malformed(refusal)]
            if not chunk:
                return []
            self._document = None
        events: list[Event] = []
        if not self._dispatched and len(self._glimpse) < _GLIMPSE:
            self._glimpse += chunk[:_GLIMPSE]
        try:
            received = self._sse.feed(chunk)
        except EventTooLargeError:
            return [self._malformed("sent an event without an end")]
        for sse in received:
            if self.ended:
                break
            self._decode(sse, events)
        return events

    def close(self) -> list[Event]:
        """Return the events that the clean end of the bytes means."""
        if self._document is not None and self._document.body:
            return self._whole(self._document.body)
        events = self.break_off()
        glimpse = self._glimpse.removeprefix(BOM).decode("utf-8", "replace").strip()
        if glimpse and not self._dispatched and not _is_field(glimpse.split("\n")[0]):
            events.append(self._malformed("answered with text instead of a stream", glimpse))
        events.append(EndOfStream(marked=self._marked))
        return events

    def break_off(self) -> list[Event]:
        """Return the events of what has arrived and was still waiting for its end, when no more bytes will come."""
        events: list[Event] = []
        if self._document is not None:
            return self._half(self._document.body)
        rest = self._sse.flush()
        if rest is not None and not self.ended and (rest.event == "error" or _is_whole(rest.data)):
            self._decode(rest, events)  # only its blank line is missing
        return events

    def _decode(self, sse: ServerSentEvent, events: list[Event]) -> None:
        data = sse.data
        self._dispatched = True
        if data[:1] != b"{" and data.strip(b' "\t').upper() == _DONE:
            self._marked = True
            return
        try:
            payload = jiter.from_json(data)
        except ValueError:
            payload = self._repair(sse, events)
        if sse.event and self._is_named_end(sse.event, payload, events):
            return
        if not isinstance(payload, dict):
            return
        if "error" in payload or not ("choices" in payload or str(payload.get("type")).startswith("response.")):
            error = error_in(payload, sse.event)
            if error is not None:
                events.extend(self.adapter.decode(payload) if "choices" in payload else ())
                events.append(self._redacted(failed(error)))
                return
        decoded = self.adapter.decode(payload)
        events += [self._redacted(event) if type(event) is Failed else event for event in decoded]

    def _is_named_end(self, name: str, payload: Any, events: list[Event]) -> bool:
        """Take an event whose name says more than its data: an end, or an error in a few words."""
        if name.lower() == "done":
            if isinstance(payload, dict):
                events.extend(self.adapter.decode(payload))
            self._marked = True
            return True
        if name == "error" and isinstance(payload, str) and payload:
            events.append(self._redacted(failed({"message": payload})))
            return True
        return False

    def _repair(self, sse: ServerSentEvent, events: list[Event]) -> Any:
        """Parse what strict JSON refuses but servers send, or say what came instead."""
        text = sse.data.decode("utf-8", "replace").strip()
        if not text or text.startswith(":"):
            return None  # an empty event, or a keep-alive comment that a gateway wrapped into data
        first, *others = sse.data.split(b"\n")
        if others and _is_whole(first):  # events with one line end between them instead of two
            for line in (first, *others):
                if not self.ended:
                    self._decode(ServerSentEvent(line, sse.event), events)
            return None
        try:
            return _tolerantly_parsed(text)
        except ValueError:
            if sse.event == "error" or text.startswith('{"error"'):  # an error that nobody escaped
                events.append(self._redacted(failed({"message": text})))
                return None
            named_ping = sse.event not in {"", "message"} and not sse.event.startswith("response.")
            if not self._marked and not named_ping:
                events.append(self._malformed("sent an event that is not JSON", text))
            return None

    def _whole(self, body: bytes) -> list[Event]:
        """Decode a body that is a JSON document: an answer in one piece, or an error."""
        try:
            payload = _tolerantly_parsed(body.decode("utf-8", "replace"))
        except ValueError:
            payload = None
        if payload is None and is_lines_of_json(body):
            return [self._malformed(NDJSON)]
        if isinstance(payload, dict):
            answer = self.adapter.decode_whole(payload)
            if answer is not None:
                if not self._whole_expected:
                    said = f"{self._endpoint.name} answered in one piece instead of a stream."
                    answer = [Warned("whole_answer", said), *answer]
                return [*answer, EndOfStream(marked=True)]
            error = error_in(payload)
            if error is not None:
                return [self._redacted(failed(error))]
        return [
            self._malformed(
                "answered with a JSON document instead of a stream", body[:_GLIMPSE].decode("utf-8", "replace")
            )
        ]

    def _half(self, body: bytes) -> list[Event]:
        """Decode what there is of an answer in one piece: only its text, because its end is missing."""
        if is_lines_of_json(body) and body.partition(b"\n")[2].strip():
            return [self._malformed(NDJSON)]
        try:
            payload = jiter.from_json(body, partial_mode="trailing-strings") if body else None
        except ValueError:
            payload = None
        answer = self.adapter.decode_whole(payload) if isinstance(payload, dict) else None
        return [event for event in answer or () if isinstance(event, _WORDS)]

    def _malformed(self, what: str, shown: str = "") -> Garbled:
        beginning = f": {_beginning(self._endpoint.redact(shown))}" if shown else ""
        return Garbled(f"{self._endpoint.name} {what}{beginning}", _REMEDIES.get(what, ()))

    def _redacted(self, event: Failed) -> Failed:
        """Take the key out of a server's words, which may repeat what it was sent."""
        redact = self._endpoint.redact
        code = None if event.code is None else redact(event.code)
        return Failed(redact(event.message), code, event.kind, event.retryable)


def _tolerantly_parsed(text: str) -> Any:
    """Parse JSON with raw control characters and lone surrogate halves in its strings.

    Raises:
        ValueError: It is not even that.
    """
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise ValueError from None


def _is_whole(data: bytes) -> bool:
    """Whether data that may be cut short parses as it is, line by line or as a whole."""
    text = data.decode("utf-8", "replace").strip()
    if not text or text.startswith(":") or text == "[DONE]":
        return True
    try:
        _tolerantly_parsed(text)
    except ValueError:
        first, *others = data.split(b"\n")
        return bool(others) and _is_whole(first) and all(map(_is_whole, others))
    return True


def _is_field(line: str) -> bool:
    """Whether a line could belong to an event stream."""
    return line.startswith(":") or line.partition(":")[0].strip("\r") in {"data", "event", "id", "retry", "error"}


def _beginning(text: str, limit: int = 80) -> str:
    """The first words on one line, without a final full stop (the sentence around it has its own)."""
    line = " ".join(text.split())
    return (line if len(line) <= limit else line[: limit - 1] + "…").rstrip(".")
