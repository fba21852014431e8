"""The wire shapes of `POST /v1/chat/completions`. Knows no HTTP, no clock but for `created`, and not what is said."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.demo import request
from nbstream.demo.before import Done, Look, Thought, image_url
from nbstream.demo.errors import server_failed
from nbstream.demo.fields import invalid, limit, missing, noun, optional
from nbstream.demo.moderation import check_moderation, moderation_of
from nbstream.demo.request import MODEL, Message, Order
from nbstream.demo.wire import frame

if TYPE_CHECKING:
    from nbstream.demo.calls import Call
    from nbstream.demo.pace import Pace
    from nbstream.demo.script import Piece, Script

_FIELDS = {False: ("function", "arguments"), True: ("custom", "input")}
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_STOP_SEQUENCES = 4


class ChatCompletion:
    """One chat completion: its request read, its answer as chunks or whole."""

    lead = 1

    def __init__(self, order: Order, script: Script) -> None:
        self._script = script
        self._moderation = moderation_of(order, script.text, listed=True)
        options = order.body.get("stream_options") or {}
        self._with_usage = order.stream and bool(options.get("include_usage"))
        self._head = {
            "id": f"chatcmpl-demo-{secrets.token_hex(12)}",
            "object": "chat.completion.chunk" if order.stream else "chat.completion",
            "created": int(time.time()),
            "model": MODEL,
            "service_tier": "default",
            "system_fingerprint": "fp_demo",
        }

    @staticmethod
    def read(body: dict[str, Any], pace: Pace) -> Order:
        """Check the body of a request.

        Raises:
            ApiError: It is not a request that the demo answers.
        """
        request.checked_model(body)
        stream = optional(body, "stream", bool) or False
        _check_options(body, stream=stream)
        request.check_sampling(body)
        check_moderation(body)
        pace, fault = request.extras(body, pace)
        return Order(
            messages=_messages(body),
            stream=stream,
            max_tokens=limit(body, "max_completion_tokens", "max_tokens"),
            stop=_stop(body),
            pace=pace,
            fault=fault,
            tools={name: tool for name, tool in request.tools_of(body).items() if tool.get("type") != "mcp"},
            schema=request.schema_of(optional(body, "response_format", dict), "response_format", inner="json_schema"),
            misfits=request.misfits_of(body),
            body=body,
        )

    def opening(self) -> list[bytes]:
        """The chunk that tells the role."""
        return [self._chunk({"role": "assistant", "content": "", "refusal": None})]

    def delta(self, piece: Piece) -> list[bytes]:
        """A chunk with one token; this API has no previews of pictures."""
        if isinstance(piece, Look):
            return [self._chunk({"images": [image_url(piece)]})] if piece.last else []
        if isinstance(piece, Thought):
            return [self._chunk({"reasoning_content": piece.text})]
        if isinstance(piece, str):
            return [self._chunk({"content": piece})]
        if isinstance(piece, Done):  # which only Responses has
            return []
        kind, field = _FIELDS[piece.call.custom]
        new = {kind: {field: piece.text}} if piece.text else _call(piece.call, "")
        return [self._chunk({"tool_calls": [{"index": piece.index, **new}]})]

    def closing(self) -> list[bytes]:
        """The chunk with the finish reason, the usage if asked for, and the sentinel."""
        cited = [self._chunk({"annotations": self._annotations()})] if self._script.citations else []
        end = [*cited, self._chunk({}, self._script.finish_reason)]
        if self._moderation is not None:
            end.append(frame(self._head | {"choices": [], "moderation": self._moderation}))
        if self._with_usage:
            end.append(frame(self._head | {"choices": [], "usage": self._usage()}))
        return [*end, b"data: [DONE]\n\n"]

    def failure(self) -> list[bytes]:
        """An error frame; no sentinel follows."""
        return [frame(server_failed().body())]

    def whole(self) -> dict[str, Any]:
        """The completion in one piece."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": self._script.text,
            "refusal": None,
            "annotations": self._annotations(),
        }
        if thoughts := self._script.thoughts:
            message["reasoning_content"] = thoughts
        if picture := self._script.picture:
            message["images"] = [image_url(picture)]
        if calls := self._script.calls:
            message["tool_calls"] = [_call(call, call.arguments) for call in calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._script.finish_reason}
        moderated = {} if self._moderation is None else {"moderation": self._moderation}
        return self._head | {"choices": [choice], "usage": self._usage(), **moderated}

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk: dict[str, Any] = self._head | {"choices": [choice]}
        return frame(chunk | {"usage": None} if self._with_usage else chunk)

    def _annotations(self) -> list[dict[str, Any]]:
        return [{"type": "url_citation", "url_citation": dict(each)} for each in self._script.citations]

    def _usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self._script.input_tokens,
            "completion_tokens": self._script.output_tokens,
            "total_tokens": self._script.input_tokens + self._script.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self._script.thought_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def _call(call: Call, arguments: str) -> dict[str, Any]:
    kind, field = _FIELDS[call.custom]
    return {"id": call.id, "type": kind, kind: {"name": call.name, field: arguments}}


def _messages(body: dict[str, Any]) -> tuple[Message, ...]:
    messages = optional(body, "messages", list)
    if messages is None:
        raise missing("messages")
    if not messages:
        raise invalid("messages", "Invalid 'messages': expected at least one message.", "empty_array")
    read: list[Message] = []
    for index, message in enumerate(messages):
        one = _message(message, f"messages[{index}]")
        after_result = bool(read) and read[-1].role == "tool"
        # What a tool returned besides text comes after it, as the user's.
        read.append(replace(one, role="tool") if after_result and _has_image(message) else one)
    return tuple(read)


def _has_image(message: dict[str, Any]) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    return any(isinstance(part, dict) and part.get("type") == "image_url" for part in parts)


def _message(message: object, where: str) -> Message:
    if not isinstance(message, dict):
        raise invalid(where, f"Invalid '{where}': expected an object, but got {noun(message)}.")
    role = optional(message, "role", str, f"{where}.")
    if role not in ROLES:
        raise invalid(f"{where}.role", f"Invalid '{where}.role': expected one of {', '.join(ROLES)}.")
    if role == "user" and message.get("content") is None:
        raise missing(f"{where}.content")
    calls = optional(message, "tool_calls", list, f"{where}.") or []
    made = (call.get("function") or call.get("custom") for call in calls if isinstance(call, dict))
    given = [each for each in made if isinstance(each, dict)]
    named = tuple(request.call_of(each.get("name"), each.get("arguments") or each.get("input")) for each in given)
    return Message(role, request.text_of(message.get("content"), f"{where}.content"), named)


def _check_options(body: dict[str, Any], *, stream: bool) -> None:
    if optional(body, "n", int) not in {None, 1}:
        raise invalid("n", "The demo model gives one choice: 'n' must be 1.")
    options = optional(body, "stream_options", dict)
    if options is not None:
        if not stream:
            raise invalid("stream_options", "'stream_options' is only allowed when 'stream' is true.")
        optional(options, "include_usage", bool, "stream_options.")


def _stop(body: dict[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop")
    sequences = [stop] if isinstance(stop, str) else optional(body, "stop", list) or []
    if len(sequences) > MOST_STOP_SEQUENCES or not all(isinstance(one, str) and one for one in sequences):
        raise invalid("stop", f"Invalid 'stop': expected at most {MOST_STOP_SEQUENCES} strings, none of them empty.")
    return tuple(sequences)
