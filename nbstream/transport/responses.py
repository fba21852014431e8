"""The Responses wire format: the request's body, and its typed events into ours.

Source: the OpenAI API reference, "Responses: streaming events". Events are told apart by their `type` string; an
unknown type is skipped, because new ones appear all the time.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeGuard

from nbstream.events import (
    Event,
    Finished,
    LogprobsReported,
    MediaDelta,
    PartStarted,
    ReasoningDelta,
    RefusalDelta,
    Started,
    UsageReported,
    Warned,
)
from nbstream.remedies import Remedy, RemedyKind
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.fields import (
    UNSHOWN_MEDIA,
    annotated,
    bytes_of,
    error_in,
    failed,
    name_or_none,
    objects,
    reason_or_none,
    text_or_none,
    usage_from,
)
from nbstream.transport.part_order import PartOrder
from nbstream.transport.response_activity import BuiltInTools
from nbstream.transport.response_input import input_items
from nbstream.transport.response_items import CALL_ARGUMENTS, CallSlots, FinalText, TextParts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbstream.request import StreamRequest

__all__ = ["ResponsesAdapter", "request_body"]

_Aside: TypeAlias = Literal["reasoning", "refusal"]
_ASIDES: Mapping[str, _Aside] = {
    "response.reasoning_text": "reasoning",
    "response.reasoning_summary_text": "reasoning",
    "response.refusal": "refusal",
}
_OTHER_API = Warned(
    "other_api", "The server answered in the Chat Completions format.", (Remedy(RemedyKind.USE_API, "chat"),)
)
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


class _Place(NamedTuple):
    """Where reasoning or a refusal stands in the output, as far as the server gives it in values that make sense."""

    item_id: str | None
    output_index: int | None
    content_index: int | None

    @classmethod
    def of(cls, place: dict[str, Any], index: Any) -> _Place:
        output = place.get("output_index")
        item_id = text_or_none(place.get("item_id"))
        return cls(item_id, output if type(output) is int else None, index if type(index) is int else None)


class ResponsesAdapter:
    """Translates the events of one answer, which may come over several connections, one after the other."""

    def __init__(self) -> None:
        self.ended = False
        self.sequence_number: int | None = None
        self.response_id: str | None = None
        self.replayed_to: int | None = None
        self._order = PartOrder()
        self._texts = TextParts(self._order)
        self._calls = CallSlots(self._order)
        self._tools = BuiltInTools(self._order)
        self._seen: set[str] = set()  # what else has come
        self._in_pieces: set[str] = set()  # and what of that in deltas
        self._cited: set[int] = set()  # parts whose citations came with the whole item
        self._paragraphs: set[tuple[str, _Place]] = set()
        self._chat: ChatCompletionsAdapter | None = None

    def resumed(self) -> ResponsesAdapter:
        """Another translator, for the connection that continues the answer; it skips what is repeated."""
        other = copy.deepcopy(self)
        other.replayed_to = self.sequence_number
        other._order.announce_again()  # noqa: SLF001  another of this class
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
        """Return the events that a whole answer stands for, or `None` if the object is not an answer."""
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
        if kind.startswith("response.audio."):
            return self._sound(kind, payload)
        return self._decode_item(kind, payload)

    def _decode_item(self, kind: str, payload: dict[str, Any]) -> list[Event]:
        match kind:
            case "response.output_item.added":
                return self._item_added(payload, payload.get("item"))
            case "response.output_item.done":
                return self._item_done(payload, payload.get("item"))
            case "response.content_part.added":
                return self._texts.announce(payload) if _is_text(payload.get("part")) else []
            case "response.content_part.done":
                part = payload.get("part")
                return self._texts.settle(payload, part["text"]) if _is_text(part) else []
            case "response.output_text.done":
                return self._texts.settle(payload, payload.get("text"))
            case "response.output_text.annotation.added":
                self._seen.add("annotation")
                begun, number = self._texts.named(payload)
                return [*begun, *(annotated(each, number) for each in objects([payload.get("annotation")]))]
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                return self._calls.add(payload, payload.get("delta"))
            case "response.function_call_arguments.done":
                return self._calls.settle(payload, payload.get("arguments"))
            case "response.custom_tool_call_input.done":
                return self._calls.settle(payload, payload.get("input"))
            case _:
                return self._tools.decode(kind, payload) or []

    def _aside(self, source: str, verb: str, payload: dict[str, Any]) -> list[Event]:
        """Reasoning or refusal; the whole of it counts only if no piece of it has come."""
        kind, summary = _ASIDES[source], payload.get("summary_index")
        text = text_or_none(payload.get("delta") or payload.get("refusal") or payload.get("text"))
        place = _Place.of(payload, payload.get("content_index") if summary is None else summary)
        source = kind if place.content_index is None else source
        if verb == "done" and (kind in self._in_pieces or (source, place) in self._order):
            return self._order.end((source, place))
        if verb != "done":
            self._in_pieces.add(kind)
        return [] if text is None else self._said(kind, text, (source, place), _Place.of(payload, summary))

    def _said(self, kind: _Aside, text: str, key: tuple[str, _Place], paragraph: _Place) -> list[Event]:
        """The parts of a summary are paragraphs."""
        new_paragraph = kind == "reasoning" and kind in self._seen and (kind, paragraph) not in self._paragraphs
        self._seen.add(kind)
        self._paragraphs.add((kind, paragraph))
        _, place = key
        begun = self._order.turn_to(key, kind, place.item_id, place.content_index, new_paragraph=new_paragraph)
        return [*begun, ReasoningDelta(text) if kind == "reasoning" else RefusalDelta(text)]

    def _annotations(self, annotations: Any, place: dict[str, Any]) -> list[Event]:
        """The citations of a whole part, unless they have come before."""
        found = objects(annotations)
        if not found or "annotation" in self._seen:
            return []
        begun, number = self._texts.named(place)
        if number in self._cited:
            return begun
        if number is not None:
            self._cited.add(number)
        return [*begun, *(annotated(each, number) for each in found)]

    def _sound(self, kind: str, payload: dict[str, Any]) -> list[Event]:
        if kind not in {"response.audio.delta", "response.audio.done"}:
            return []
        self._order.leave()
        last = kind == "response.audio.done"
        sound = MediaDelta("audio", "audio", bytes_of(payload.get("delta")), last=last)
        return [sound] if last else [sound, UNSHOWN_MEDIA]

    def _item_added(self, place: dict[str, Any], item: Any) -> list[Event]:
        if self._tools.is_tool(item):
            return self._tools.begin(place, item)
        self._texts.begin(place, item)
        return self._calls.begin(place, item)

    def _item_done(self, place: dict[str, Any], item: Any) -> list[Event]:
        if not isinstance(item, dict):
            return []
        kind = str(item.get("type"))
        if self._tools.is_tool(item):
            return self._tools.end(place, item)
        if kind in CALL_ARGUMENTS:
            arguments = item.get(CALL_ARGUMENTS[kind])
            return [*self._calls.begin(place, item), *self._calls.settle(place, arguments, item)]
        events: list[Event] = []
        for number, part in enumerate(objects(item.get("content"))):
            if _is_text(part):
                place = {**place, "item_id": item.get("id"), "content_index": number}
                events.extend(self._texts.settle(place, part.get("text")))
                events.extend(self._annotations(part.get("annotations"), place))
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
        output = list(enumerate(objects(response.get("output"))))
        seen = frozenset(self._seen)
        events, new = self._texts.settle_all([text for number, item in output for text in _texts_of(number, item)])
        for number, item in output:
            kind = str(item.get("type"))
            if kind in CALL_ARGUMENTS or self._tools.is_tool(item):
                events.extend(self._item_done({"output_index": number}, item))
            elif kind == "reasoning":
                events.extend(() if "reasoning" in seen else self._whole_reasoning(number, item))
            else:
                events.extend(self._whole_message(number, item, new, refused="refusal" in seen))
        return [*events, *self._calls.close()]

    def _whole_reasoning(self, number: int, item: dict[str, Any]) -> list[Event]:
        parts = [*objects(item.get("summary")), *objects(item.get("content"))]
        thoughts = filter(None, (text_or_none(part.get("text")) for part in parts))
        events: list[Event] = []
        for index, thought in enumerate(thoughts):
            place = _Place.of({"output_index": number, "item_id": item.get("id")}, index)
            events += self._said("reasoning", thought, ("reasoning", place), place)
        return events

    def _whole_message(
        self, number: int, item: dict[str, Any], new: dict[FinalText, list[Event]], *, refused: bool
    ) -> list[Event]:
        texts = {text.index: text for text in _texts_of(number, item)}
        events: list[Event] = []
        for index, part in enumerate(objects(item.get("content"))):
            place = {"output_index": number, "item_id": item.get("id"), "content_index": index}
            if (refusal := text_or_none(part.get("refusal"))) and not refused:
                at = _Place.of(place, index)
                events += self._said("refusal", refusal, ("refusal", at), at)
            said = new.get(texts[index], []) if index in texts else []
            events += said
            began = next((event.part for event in said if isinstance(event, PartStarted)), None)
            if began is None:
                events += self._annotations(part.get("annotations"), place)
            elif "annotation" not in self._seen:
                events += [annotated(each, began) for each in objects(part.get("annotations"))]
        return events

    def _decode_chunk(self, payload: dict[str, Any]) -> list[Event]:
        """Decode an event unknown to this API if it is a chunk of the other API, which some servers send here."""
        if "choices" not in payload:
            return []
        if self._chat is None:
            self._chat = ChatCompletionsAdapter()
            return [_OTHER_API, *self._chat.decode(payload)]
        return self._chat.decode(payload)


def _texts_of(number: int, item: dict[str, Any]) -> Iterator[FinalText]:
    """The texts of an item of the final object."""
    if str(item.get("type")) not in {"reasoning", *CALL_ARGUMENTS} and not BuiltInTools.is_tool(item):
        for index, part in enumerate(objects(item.get("content"))):
            if _is_text(part) and part["text"]:
                yield FinalText(number, text_or_none(item.get("id")), index, part["text"])


def _is_text(part: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(part, dict) and part.get("type") == "output_text" and isinstance(part.get("text"), str)
