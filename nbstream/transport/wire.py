"""From the bytes of one response to stream events: SSE, then JSON, then the adapter of the API that was called.

Pure: it must not know the SDK, HTTP or time. It also recognises what is not an event stream at all (an HTML page, a
JSON document), which would otherwise pass for an empty answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import jiter

from nbstream.errors import NotAStreamError
from nbstream.events import EndOfStream, Event, Failed
from nbstream.transport.fields import error_in, failed
from nbstream.transport.sse import EventTooLargeError, ServerSentEvent, SSEDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.request import Endpoint

__all__ = ["Adapter", "WireDecoder"]

_DONE = b"[DONE]"
_BOM = b"\xef\xbb\xbf"


class Adapter(Protocol):
    """Translates the JSON objects of one API into events; one instance per stream, for it may keep state."""

    ended: bool
    """Whether the API's own last event has been seen, if it has one."""

    def decode(self, payload: dict[str, Any]) -> Iterable[Event]:
        """Return the events that one JSON object stands for; an unknown object stands for none."""
        ...


class WireDecoder:
    r"""Decodes one response.

    Args:
        adapter: The translator of the API that was called.
        endpoint: Where the bytes come from, for messages.

    Example:
        >>> from nbstream.request import Endpoint
        >>> from nbstream.transport.chat_completions import ChatCompletionsAdapter
        >>> decoder = WireDecoder(ChatCompletionsAdapter(), Endpoint("http://localhost:8000/v1"))
        >>> decoder.feed(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n')
        [TextDelta(text='Hi')]
        >>> decoder.close()
        [EndOfStream(marked=True)]
    """

    def __init__(self, adapter: Adapter, endpoint: Endpoint) -> None:
        self._adapter = adapter
        self._endpoint = endpoint
        self._sse = SSEDecoder()
        self._head = b""
        self._is_document: bool | None = None  # None until the first byte that is not white space
        self._marked = False

    @property
    def ended(self) -> bool:
        """Whether the answer is over by the wire's own word, so that what follows does not matter."""
        return self._marked or self._adapter.ended

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes and return the events they complete.

        Raises:
            NotAStreamError: The body is an HTML page, or its events make no sense.
        """
        if self._is_document is not False:
            self._head += chunk
            self._is_document = _looks_like_document(self._head)
            if self._is_document is not False:
                self._refuse_page()
                return []
            chunk, self._head = self._head, b""
        events: list[Event] = []
        try:
            received = self._sse.feed(chunk)
        except EventTooLargeError:
            raise NotAStreamError(
                f"{self._endpoint.name} sent an event without an end. What had arrived is kept."
            ) from None
        for sse in received:
            if self._marked:
                break
            self._decode(sse, events)
        return events

    def close(self) -> list[Event]:
        """Say what the clean end of the bytes means.

        Raises:
            NotAStreamError: The body was a JSON document.
        """
        if self._is_document:
            raise _document_error(self._head, self._endpoint)
        events: list[Event] = []
        rest = self._sse.flush()
        if rest is not None and not self._marked and (rest.data.strip() == _DONE or _is_json(rest.data)):
            self._decode(rest, events)  # whole, only its blank line is missing
        events.append(EndOfStream(marked=self._marked))
        return events

    def _decode(self, sse: ServerSentEvent, events: list[Event]) -> None:
        data = sse.data
        if len(data) < 16 and data.strip(b' "').upper() == _DONE:
            self._marked = True
            return
        try:
            payload = jiter.from_json(data)
        except ValueError:
            payload = self._repair(sse, events)
        if not isinstance(payload, dict):
            return
        if (error := error_in(payload, sse.event)) is not None:
            events.append(failed(error, self._endpoint.redact))
            return
        events.extend(
            self._redacted(event) if isinstance(event, Failed) else event for event in self._adapter.decode(payload)
        )

    def _redacted(self, event: Failed) -> Failed:
        """Take the key out of a server's words that only the adapter could find."""
        redact = self._endpoint.redact
        return Failed(redact(event.message), None if event.code is None else redact(event.code))

    def _repair(self, sse: ServerSentEvent, events: list[Event]) -> Any:
        """Parse what strict JSON refuses but servers send, or raise with the beginning of what came."""
        text = sse.data.decode("utf-8", "replace").strip()
        if not text or text.startswith(":"):
            return None  # an empty event, or a keep-alive comment that a gateway wrapped into data
        if b"\n" in sse.data and all(_is_json(line) or line.strip() == _DONE for line in sse.data.split(b"\n")):
            for line in sse.data.split(b"\n"):  # events with one line end between them instead of two
                self._decode(ServerSentEvent(line, sse.event), events)
            return None
        try:
            # The standard parser lets raw control characters and lone surrogate halves pass; bad UTF-8 was replaced.
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            named_ping = sse.event not in {"", "message", "error"} and not sse.event.startswith("response.")
            if self._marked or named_ping:
                return None
            beginning = self._endpoint.redact(_beginning(text))
            raise NotAStreamError(
                f"{self._endpoint.name} sent an event that is not JSON: {beginning}. What had arrived is kept."
            ) from None

    def _refuse_page(self) -> None:
        """Fail on an HTML page at once; a JSON document is read to its end, for the message in it."""
        if self._head.removeprefix(_BOM).lstrip().startswith(b"<"):
            raise NotAStreamError(
                f"{self._endpoint.name} answered with an HTML page instead of a stream. "
                "Check the base URL (it usually ends in /v1) and any proxy or login page in between."
            )


def _looks_like_document(head: bytes) -> bool | None:
    """Whether the body starts like HTML or JSON, which no line of an event stream does; `None` if too early to say."""
    if len(head) < len(_BOM) and _BOM.startswith(head):
        return None
    start = head.removeprefix(_BOM).lstrip()
    return start[:1] in {b"<", b"{", b"["} if start else None


def _document_error(body: bytes, endpoint: Endpoint) -> NotAStreamError:
    try:
        payload = jiter.from_json(body)
    except ValueError:
        payload = None
    error = error_in(payload) if isinstance(payload, dict) else None
    if error is not None:
        reported = failed(error, endpoint.redact)
        return NotAStreamError(
            f"{endpoint.name} answered with an error instead of a stream: {_beginning(reported.message, 300)}.",
            code=reported.code,
        )
    beginning = endpoint.redact(_beginning(body.decode("utf-8", "replace")))
    return NotAStreamError(
        f"{endpoint.name} answered with a JSON document instead of a stream: {beginning}. "
        "Check that the base URL is the OpenAI-compatible one and that the server can stream."
    )


def _is_json(data: bytes) -> bool:
    try:
        jiter.from_json(data)
    except ValueError:
        return False
    return True


def _beginning(text: str, limit: int = 80) -> str:
    """The first words on one line, without a final full stop (the sentence around it has its own)."""
    line = " ".join(text.split())
    return (line if len(line) <= limit else line[: limit - 1] + "…").rstrip(".")
