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
    Finished,
    Garbled,
    MediaDelta,
    PartResumed,
    PartStarted,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    Unrecognized,
    Warned,
)
from nbstream.remedies import Remedy, RemedyKind
from nbstream.request import SizeLimits
from nbstream.text.address import with_version
from nbstream.transport.document import BOM, HTML_PAGE, NDJSON, TOO_LARGE, Document, is_lines_of_json
from nbstream.transport.error_kind import failed
from nbstream.transport.error_report import error_in
from nbstream.transport.server_words import EXACT, ServerWords, shortened
from nbstream.transport.sse import OverflowingEventError, ServerSentEvent, SSEDecoder
from nbstream.transport.unknown_events import IDLE, UnknownEvents

if TYPE_CHECKING:
    from nbstream.request import Endpoint

__all__ = ["Adapter", "WireDecoder"]

_DONE = b"[DONE]"
_CONTENT = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | MediaDelta
_WORDS = PartStarted | PartResumed | TextDelta | ReasoningDelta | RefusalDelta

_TOO_LARGE_EVENT = "sent an event without an end"
_MORE_BYTES = Remedy(RemedyKind.LARGER_EVENT)

# What the other paths of a server answer with.
_REMEDIES = {
    HTML_PAGE: (Remedy(RemedyKind.CHECK_ADDRESS), Remedy(RemedyKind.CHECK_PROXY)),
    NDJSON: (Remedy(RemedyKind.CHECK_ADDRESS),),
    TOO_LARGE: (_MORE_BYTES,),
    _TOO_LARGE_EVENT: (_MORE_BYTES,),
}

# How much of a body without any event is kept to be shown.
_GLIMPSE = 1024

_LONGEST_QUOTE = 200


class Adapter(Protocol):
    """Translates the JSON objects of one API into events; one instance per answer, because it may keep state."""

    ended: bool
    """Whether the API's own last event has been seen, if it has one."""
    sequence_number: int | None
    """The number of the last event, if the API numbers them."""

    def decode(self, payload: dict[str, Any]) -> list[Event] | None:
        """Return the events that one JSON object stands for, or `None` if it is of no kind that is known."""
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
        max_event_bytes: The size at which an event, or an answer in one piece, is given up.

    Example:
        >>> from nbstream.request import Endpoint
        >>> from nbstream.transport.chat_completions import ChatCompletionsAdapter
        >>> decoder = WireDecoder(ChatCompletionsAdapter(), Endpoint("http://localhost:8000/v1"))
        >>> decoder.feed(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n')
        [TextDelta(text='Hi', choice=0, last=False)]
        >>> decoder.close()
        [EndOfStream(marked=True)]
    """

    def __init__(
        self,
        adapter: Adapter,
        endpoint: Endpoint,
        *,
        whole_expected: bool = False,
        max_event_bytes: int = SizeLimits().event_bytes,
    ) -> None:
        self.adapter = adapter
        self._endpoint = endpoint
        self.words = ServerWords(endpoint)
        self._unknown = UnknownEvents(self.words.clean)
        self._whole_expected = whole_expected
        self._sse = SSEDecoder(max_event_bytes)
        self._document: Document | None = Document(max_event_bytes)  # while it may still be one
        self._glimpse = b""
        self._dispatched = False
        self._marked = False
        self._unrecognized = b""  # the last object that nothing understood, unless some of the answer has followed it

    @property
    def ended(self) -> bool:
        """Whether the answer is over by the wire's own word, so that what follows does not matter."""
        return self._marked or self.adapter.ended

    @property
    def unrecognized(self) -> Unrecognized | None:
        """The last object that nothing understood; `None` if some of the answer has followed it."""
        if not self._unrecognized:
            return None
        text = self._unrecognized[:_GLIMPSE].decode("utf-8", "replace")
        return Unrecognized(shortened(self.words.clean(text), _LONGEST_QUOTE))

    @property
    def unread(self) -> int:
        """How many bytes wait for the end of the event, or of the document, that they belong to."""
        return self._sse.size if self._document is None else self._document.size

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
            received, too_large = self._sse.feed(chunk), False
        except OverflowingEventError as overflow:
            received, too_large = overflow.before, True
        for sse in received:
            if self.ended:
                break
            self._decode(sse, events)
        if too_large and not self.ended:
            events.append(self._malformed(_TOO_LARGE_EVENT))
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
        if (quoted := self.unrecognized) is not None:
            events.append(quoted)
        return events + self._unknown.warnings()

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
        if isinstance(payload, dict):
            self._decode_object(payload, sse, events)
        else:
            self._decode_other(payload, sse, events)

    def _decode_object(self, payload: dict[str, Any], sse: ServerSentEvent, events: list[Event]) -> None:
        if "error" in payload or not (payload.get("choices") or str(payload.get("type")).startswith("response.")):
            error = error_in(payload, sse.event)
            if error is not None:
                if "choices" in payload:
                    events += map(self.words.cleaned, self.adapter.decode(payload) or ())
                events.append(self._failed(error))
                return
        decoded = self.adapter.decode(payload)
        if decoded is None:
            if _rest_of(payload):
                self._unknown.note(payload)
            decoded = []
        if len(decoded) == 1 and type(decoded[0]) is TextDelta and not self._unrecognized:
            events += decoded  # nearly always
            return
        events += [event if type(event) in EXACT else self.words.cleaned(event) for event in decoded]
        if self._unrecognized and any(isinstance(event, _CONTENT) for event in decoded):
            self._unrecognized = b""
        if (not decoded or type(decoded[-1]) in {Started, Finished}) and _says_more(payload):
            self._unrecognized = sse.data

    def _decode_other(self, payload: Any, sse: ServerSentEvent, events: list[Event]) -> None:
        """Take JSON that is not an object; some servers wrap their errors in an array."""
        error = error_in(payload, sse.event)
        if error is not None:
            events.append(self._failed(error))
        elif isinstance(payload, list | str) and payload:
            self._unrecognized = sse.data

    def _is_named_end(self, name: str, payload: Any, events: list[Event]) -> bool:
        """Take an event whose name says more than its data: an end, or an error in a few words."""
        if name.lower() == "done":
            if isinstance(payload, dict):
                events += map(self.words.cleaned, self.adapter.decode(payload) or ())
            self._marked = True
            return True
        if name == "error" and isinstance(payload, str) and payload:
            events.append(self._failed({"message": payload}))
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
                events.append(self._failed({"message": text}))
                return None
            named = sse.event not in {"", "message"} and not sse.event.startswith("response.")
            if named and not IDLE.fullmatch(sse.event) and not IDLE.fullmatch(text):
                self._unrecognized = sse.data
            elif not named and not self._marked:
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
        if isinstance(payload, dict) and (payload.get("choices") or isinstance(payload.get("output"), list)):
            answer = self.adapter.decode_whole(payload)
            if answer is not None:
                if not self._whole_expected:
                    said = f"{self._endpoint.name} answered in one piece instead of a stream."
                    answer = [Warned("whole_answer", said), *answer]
                return [*map(self.words.cleaned, answer), EndOfStream(marked=True)]
        error = error_in(payload)
        if error is not None:
            return [self._failed(error)]
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
        if answer is None and (error := error_in(payload)) is not None:
            return [self._failed(error)]
        return [event for event in answer or () if isinstance(event, _WORDS)]

    def _malformed(self, what: str, shown: str = "") -> Garbled:
        beginning = f": {shortened(self.words.clean(shown))}" if shown else ""
        kind = "event_too_large" if what in {TOO_LARGE, _TOO_LARGE_EVENT} else "not_a_stream"
        remedies = _REMEDIES.get(what, ())
        if what in {HTML_PAGE, NDJSON} and (address := with_version(self._endpoint.base_url)) is not None:
            beginning = ", and the base URL has no /v1"
            remedies = (Remedy(RemedyKind.USE_ADDRESS, address), *remedies[1:])
        return Garbled(f"{self._endpoint.name} {what}{beginning}", remedies, kind)

    def _failed(self, error: dict[str, Any]) -> Event:
        return self.words.cleaned(failed(error))


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


# What a message about nothing but the stream consists of; whatever else it has may say why the stream fails.
_ENVELOPE = {
    *("id", "object", "created", "model", "choices", "usage", "type", "service_tier", "system_fingerprint", "provider"),
    *("sequence_number", "event_id", "obfuscation", "x_groq"),
}


def _rest_of(payload: dict[str, Any]) -> dict[str, Any]:
    """What an object holds besides what every one has."""
    return {name: value for name, value in payload.items() if value and name not in _ENVELOPE}


def _says_more(payload: dict[str, Any]) -> bool:
    """Whether an object of which at most a name or an end has become an event holds more than what every one has."""
    more, kind = _rest_of(payload), payload.get("type")
    if not more or (isinstance(kind, str) and IDLE.fullmatch(kind)):
        return False
    if payload.get("choices"):  # what servers add to them is legion; an error in their own words is not
        return error_in(more) is not None
    # New events of this family appear all the time.
    return not str(kind).startswith("response.") or any(more.get(name) for name in _WORDY)


_WORDY = ("message", "msg", "detail", "reason", "error_message", "error_msg")
