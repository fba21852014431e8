"""The Responses wire format: the request's body, and its typed events into ours.

Source: the OpenAI API reference, "Responses: streaming events". Events are told apart by their `type` string; an
unknown type is skipped, for new ones appear all the time. Must not know HTTP.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeGuard

from nbstream.events import (
    Annotated,
    Event,
    Finished,
    LogprobsReported,
    ReasoningDelta,
    RefusalDelta,
    Started,
    UsageReported,
    Warned,
)
from nbstream.transport.chat_completions import UNSHOWN_MEDIA, ChatCompletionsAdapter
from nbstream.transport.fields import error_in, failed, name_or_none, objects, reason_or_none, text_or_none, usage_from
from nbstream.transport.response_input import input_items
from nbstream.transport.response_items import CallSlots, TextParts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import StreamRequest

__all__ = ["ResponsesAdapter", "request_body"]

_ASIDES: Mapping[str, tuple[str, type[ReasoningDelta | RefusalDelta]]] = {
    "response.reasoning_text": ("reasoning", ReasoningDelta),
    "response.reasoning_summary_text": ("reasoning", ReasoningDelta),
    "response.refusal": ("refusal", RefusalDelta),
}
_MEDIA = {"response.audio.delta", "response.image_generation_call.partial_image"}
_ITEMS_WITHOUT_TEXT = {"function_call", "image_generation_call"}
_BEGINNINGS = {"response.created", "response.in_progress", "response.queued"}
_ENDS = {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}


def request_body(request: StreamRequest) -> dict[str, Any]:
    """The body that the SDK is to send, without `stream`."""
    items = input_items(request.messages)
    if request.partial_answer:
        items.append({"role": "assistant", "content": request.partial_answer})
    body: dict[str, Any] = {"model": request.model, "input": items}
    if request.system:
        body["instructions"] = request.system
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_output_tokens"] = request.max_tokens
    return body | dict(request.params)


class ResponsesAdapter:
    """Translates the events of one answer, which may come over several connections, one after the other."""

    def __init__(self) -> None:
        self.ended = False
        self.sequence_number: int | None = None
        self.response_id: str | None = None
        self.replayed_to: int | None = None
        self._texts = TextParts()
        self._calls = CallSlots()
        self._seen: set[str] = set()  # which other deltas have come
        self._thought: tuple[Any, Any, Any] | None = None  # the part of the reasoning that came last
        self._chat: ChatCompletionsAdapter | None = None

    def resumed(self) -> ResponsesAdapter:
        """Another translator, for the connection that goes on with the answer; it passes over what is repeated."""
        other = copy.deepcopy(self)
        other.replayed_to = self.sequence_number
        return other

    @property
    def pending_half(self) -> str:
        """The first half of a character whose other half has not come, if the text ends with one."""
        return self._texts.pending_half

    def decode(self, payload: dict[str, Any]) -> list[Event]:
        """Return the events that one wire event stands for."""
        kind = payload.get("type")
        if not isinstance(kind, str):
            return self._decode_chunk(payload)
        number = payload.get("sequence_number")
        if isinstance(number, int):
            if self.replayed_to is not None and number <= self.replayed_to:
                return []
            self.sequence_number = number
        if kind == "response.output_text.delta":
            delta = payload.get("delta")
            if not isinstance(delta, str) or not delta:
                return []
            events = self._texts.add(payload, delta)
            if tokens := payload.get("logprobs"):
                events.append(LogprobsReported(tuple(tokens) if isinstance(tokens, list) else ()))
            return events
        return self._decode_rarer(kind, payload)

    def decode_whole(self, payload: dict[str, Any]) -> list[Event] | None:
        """Return the events that a whole answer stands for, or `None` if the object is none."""
        if isinstance(payload.get("output"), list):
            return self._ended("", payload)
        return self._decode_chunk(payload) or None

    def _decode_rarer(self, kind: str, payload: dict[str, Any]) -> list[Event]:
        source, _, verb = kind.rpartition(".")
        if source in _ASIDES:
            return self._aside(source, verb, payload)
        if kind in _ENDS:
            return self._ended(kind, payload.get("response"))
        if kind in _BEGINNINGS:
            return self._started(payload.get("response"))
        if kind in _MEDIA:
            return [UNSHOWN_MEDIA]
        return self._decode_item(kind, payload)

    def _decode_item(self, kind: str, payload: dict[str, Any]) -> list[Event]:
        match kind:
            case "response.output_item.added":
                self._texts.begin(payload, payload.get("item"))
                return self._calls.begin(payload, payload.get("item"))
            case "response.output_item.done":
                return self._item_done(payload, payload.get("item"))
            case "response.content_part.done":
                part = payload.get("part")
                return self._texts.settle(payload, part["text"]) if _is_text(part) else []
            case "response.output_text.done":
                return self._texts.settle(payload, payload.get("text"))
            case "response.output_text.annotation.added":
                self._seen.add("annotation")
                return [Annotated(each) for each in objects([payload.get("annotation")])]
            case "response.function_call_arguments.delta":
                return self._calls.add(payload, payload.get("delta"))
            case "response.function_call_arguments.done":
                return self._calls.settle(payload, payload.get("arguments"))
            case _:
                return []

    def _aside(self, source: str, verb: str, payload: dict[str, Any]) -> list[Event]:
        """Reasoning or refusal; the whole of it counts only if no piece of it has come."""
        subject, event = _ASIDES[source]
        text = text_or_none(payload.get("delta") or payload.get("refusal") or payload.get("text"))
        if text is None or (verb == "done" and subject in self._seen):
            return []
        part = (payload.get("item_id"), payload.get("output_index"), payload.get("summary_index"))
        if subject == "reasoning" and subject in self._seen and part != self._thought:
            text = f"\n\n{text}"  # the parts of a summary are paragraphs
        self._thought = part
        self._seen.add(subject)
        return [event(text)]

    def _item_done(self, place: dict[str, Any], item: Any) -> list[Event]:
        if not isinstance(item, dict):
            return []
        if item.get("type") == "image_generation_call":
            return [UNSHOWN_MEDIA]
        if item.get("type") == "function_call":
            return [*self._calls.begin(place, item), *self._calls.settle(place, item.get("arguments"), item)]
        events: list[Event] = []
        for number, part in enumerate(objects(item.get("content"))):
            if _is_text(part):
                place = {**place, "item_id": item.get("id"), "content_index": number}
                events.extend(self._texts.settle(place, part.get("text")))
        return events

    def _ended(self, kind: str, response: Any) -> list[Event]:
        self.ended = True
        events = self._started(response)
        if not isinstance(response, dict):
            response = {}
        events.extend(self._whole_output(response))
        if (usage := usage_from(response.get("usage"))) is not None:
            events.append(UsageReported(usage))
        details, status = response.get("incomplete_details"), response.get("status")
        if kind == "" and status in ("queued", "in_progress"):
            events.append(failed({"message": f"The answer is not finished, but {status}", "code": str(status)}))
        elif kind == "response.failed" or status == "failed":
            events.append(failed(error_in(response) or {}))
        elif kind == "response.cancelled" or status == "cancelled":
            events.append(Finished("cancelled"))
        elif kind == "response.incomplete" or status == "incomplete" or isinstance(details, dict):
            reason = reason_or_none(details.get("reason")) if isinstance(details, dict) else None
            events.append(Finished(reason or "incomplete"))
        else:
            events.append(Finished("tool_calls" if self._calls else "stop"))
        return events

    def _started(self, response: Any) -> list[Event]:
        if not isinstance(response, dict):
            return []
        self.response_id = name_or_none(response.get("id")) or self.response_id
        return [Started(name_or_none(response.get("model")), self.response_id)]

    def _whole_output(self, response: dict[str, Any]) -> list[Event]:
        """What the final object says beyond what has come before it."""
        events: list[Event] = []
        texts: list[str] = []
        asides: dict[str, list[Event]] = {"reasoning": [], "refusal": [], "annotation": []}
        for number, item in enumerate(objects(response.get("output"))):
            if str(item.get("type")) in _ITEMS_WITHOUT_TEXT:
                events.extend(self._item_done({"output_index": number}, item))
                continue
            parts = objects(item.get("content"))
            if item.get("type") == "reasoning":
                thoughts = (text_or_none(part.get("text")) for part in [*objects(item.get("summary")), *parts])
                asides["reasoning"].extend(ReasoningDelta(thought) for thought in thoughts if thought)
                continue
            if said := "".join(part["text"] for part in parts if _is_text(part)):
                texts.append(said)
            for part in parts:
                if refusal := text_or_none(part.get("refusal")):
                    asides["refusal"].append(RefusalDelta(refusal))
                asides["annotation"].extend(Annotated(each) for each in objects(part.get("annotations")))
        for subject, said_there in asides.items():
            if subject not in self._seen:
                events.extend(said_there)
        return [*events, *self._calls.close(), *self._texts.settle_all(texts)]

    def _decode_chunk(self, payload: dict[str, Any]) -> list[Event]:
        """Decode what is no event of this API, if it is a chunk of the other one, as some servers send here."""
        if "choices" not in payload:
            return []
        if self._chat is None:
            self._chat = ChatCompletionsAdapter()
            said = "The server answered in the words of Chat Completions; --api chat suits it better."
            return [Warned("other_api", said), *self._chat.decode(payload)]
        return self._chat.decode(payload)


def _is_text(part: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(part, dict) and part.get("type") == "output_text" and isinstance(part.get("text"), str)
