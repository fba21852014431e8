"""The Responses wire format: the request's body, and its typed events into ours.

Source: the OpenAI API reference, "Responses: streaming events". Events are told apart by their `type` string; an
unknown type is skipped, for new ones appear all the time. Must not know HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.events import (
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from nbstream.transport.fields import error_in, failed, name_or_none, text_or_none, usage_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import StreamRequest

__all__ = ["ResponsesAdapter", "request_body"]

# The API has its own words for why an answer is incomplete; one vocabulary serves the reader better than two.
_INCOMPLETE_REASONS = {"max_output_tokens": "length"}

_DELTAS: Mapping[str, type[TextDelta | ReasoningDelta | RefusalDelta]] = {
    "response.output_text.delta": TextDelta,
    "response.refusal.delta": RefusalDelta,
    "response.reasoning_text.delta": ReasoningDelta,
    "response.reasoning_summary_text.delta": ReasoningDelta,
}

_PART_TYPES = {"text": "input_text", "image_url": "input_image"}


def request_body(request: StreamRequest) -> dict[str, Any]:
    """The body that the SDK is to send, without `stream`."""
    body: dict[str, Any] = {"model": request.model, "input": [_input_item(item) for item in request.messages]}
    if request.system:
        body["instructions"] = request.system
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_output_tokens"] = request.max_tokens
    return body | dict(request.params)


def _input_item(message: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a Chat Completions message into an input item: content parts have other names here."""
    content = message.get("content")
    if not isinstance(content, list) or message.get("role") == "assistant":
        return dict(message)
    return {**message, "content": [_input_part(part) for part in content]}


def _input_part(part: Any) -> Any:
    if not isinstance(part, dict) or part.get("type") not in _PART_TYPES:
        return part
    renamed = {**part, "type": _PART_TYPES[part["type"]]}
    if isinstance(image := part.get("image_url"), dict):
        renamed["image_url"] = image.get("url")
    return renamed


class ResponsesAdapter:
    """Translates the events of one stream."""

    def __init__(self) -> None:
        self.ended = False
        self._text_seen = False
        self._tool_call_slots: dict[str, int] = {}

    def decode(self, payload: dict[str, Any]) -> list[Event]:
        """Return the events that one wire event stands for."""
        kind = payload.get("type")
        if not isinstance(kind, str):
            return []
        if (delta_type := _DELTAS.get(kind)) is not None:
            delta = payload.get("delta")
            if not isinstance(delta, str) or not delta:
                return []
            self._text_seen = self._text_seen or delta_type is TextDelta
            return [delta_type(delta)]
        match kind:
            case "response.created" | "response.in_progress" | "response.queued":
                return _started(payload.get("response"))
            case "response.output_item.added":
                return self._item_added(payload.get("item"))
            case "response.function_call_arguments.delta":
                return self._arguments(payload)
            case "response.completed" | "response.incomplete" | "response.failed":
                return self._ended(kind, payload.get("response"))
            case _:
                return []

    def _item_added(self, item: Any) -> list[Event]:
        if not isinstance(item, dict) or item.get("type") != "function_call":
            return []
        slot = len(self._tool_call_slots)
        self._tool_call_slots[str(item.get("id"))] = slot
        return [ToolCallDelta(slot, name_or_none(item.get("call_id")), name_or_none(item.get("name")))]

    def _arguments(self, payload: dict[str, Any]) -> list[Event]:
        slot = self._tool_call_slots.get(str(payload.get("item_id")), 0)
        return [ToolCallDelta(slot, arguments=text_or_none(payload.get("delta")) or "")]

    def _ended(self, kind: str, response: Any) -> list[Event]:
        self.ended = True
        events = _started(response)
        if not isinstance(response, dict):
            response = {}
        if not self._text_seen:
            events.extend(TextDelta(text) for text in _texts(response))
        if (usage := usage_from(response.get("usage"))) is not None:
            events.append(UsageReported(usage))
        details = response.get("incomplete_details")
        if kind == "response.failed" or response.get("status") == "failed":
            events.append(failed(error_in(response) or {}))
        elif kind == "response.incomplete" or isinstance(details, dict):
            reason = (name_or_none(details.get("reason")) if isinstance(details, dict) else None) or "incomplete"
            events.append(Finished(_INCOMPLETE_REASONS.get(reason, reason)))
        else:
            events.append(Finished("tool_calls" if self._tool_call_slots else "stop"))
        return events


def _started(response: Any) -> list[Event]:
    if not isinstance(response, dict):
        return []
    return [Started(name_or_none(response.get("model")), name_or_none(response.get("id")))]


def _texts(response: dict[str, Any]) -> list[str]:
    """The texts of a whole answer, for servers that send only the end."""
    return [
        part["text"]
        for item in response.get("output") or ()
        if isinstance(item, dict)
        for part in item.get("content") or ()
        if isinstance(part, dict) and part.get("type") == "output_text" and isinstance(part.get("text"), str)
    ]
