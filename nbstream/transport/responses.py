"""The Responses wire format: the request's body, and its typed events into ours.

Source: the OpenAI API reference, "Responses: streaming events". Events are told apart by their `type` string; new
ones appear all the time, and are not decoded.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeGuard

from nbstream.events import (
    Event,
    Finished,
    PartStarted,
    Started,
    UsageReported,
    Warned,
)
from nbstream.remedies import Remedy, RemedyKind
from nbstream.settings.capabilities import Capabilities
from nbstream.transport.answer_format import response_text, system_of
from nbstream.transport.answer_images import with_images_moved
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.error_kind import failed
from nbstream.transport.error_report import error_in
from nbstream.transport.fields import (
    name_or_none,
    objects,
    reason_or_none,
    text_or_none,
    usage_from,
)
from nbstream.transport.media import ResponseSound
from nbstream.transport.moderation import verdicts_in
from nbstream.transport.part_order import PartOrder
from nbstream.transport.response_activity import BuiltInTools
from nbstream.transport.response_asides import ASIDES, Asides
from nbstream.transport.response_facts import TextFacts
from nbstream.transport.response_input import input_items
from nbstream.transport.response_items import CALL_ARGUMENTS, CallSlots, FinalText, TextParts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.request import StreamRequest

__all__ = ["ResponsesAdapter", "request_body"]

_OTHER_API = Warned(
    "other_api", "The server answered in the Chat Completions format.", (Remedy(RemedyKind.USE_API, "chat"),)
)
_UNKNOWN = Capabilities()
_BEGINNINGS = {"response.created", "response.in_progress", "response.queued"}
# What the whole items say as well, and errors, which are taken before.
_SAYS_NOTHING = {
    *("error", "response.compaction.compacting"),
    *("response.shell_call_output_content.delta", "response.shell_call_output_content.done"),
}
_ENDS = {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}


def request_body(request: StreamRequest, capabilities: Capabilities = _UNKNOWN) -> dict[str, Any]:
    """The body that the SDK is to send, without `stream`.

    Args:
        request: What the user asked for.
        capabilities: What the endpoint takes.
    """
    begun = ({"role": "assistant", "content": request.partial_answer},) if request.partial_answer else ()
    said = with_images_moved(request.messages, taken=capabilities.answer_images)
    body: dict[str, Any] = {"model": request.model, "input": input_items((*said, *begun))}
    if system := system_of(request, capabilities):
        body["instructions"] = system
    if request.schema is not None and (text := response_text(request.schema, capabilities)):
        body["text"] = text
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body[capabilities.response_limit_field] = request.max_tokens
    return body | dict(request.params)


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
        self._asides = Asides(self._order)
        self._facts = TextFacts(self._texts)
        self._sound = ResponseSound(self._order, self._texts)
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

    def decode(self, payload: dict[str, Any]) -> list[Event] | None:
        """Return the events that one wire event stands for, or `None` if it is of no kind that is known."""
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
            events = self._texts.add(payload, delta) if isinstance(delta, str) and delta else []
            if tokens := payload.get("logprobs"):
                events += self._facts.measure(payload, tokens)
            return events
        return self._decode_rarer(kind, payload)

    def decode_whole(self, payload: dict[str, Any]) -> list[Event] | None:
        """Return the events that a whole answer stands for, or `None` if the object is not an answer."""
        if isinstance(payload.get("output"), list):
            return self._ended("", payload)
        return self._decode_chunk(payload) or None

    def _decode_rarer(self, kind: str, payload: dict[str, Any]) -> list[Event] | None:
        source, _, verb = kind.rpartition(".")
        if source in ASIDES:
            return self._asides.decode(source, verb, payload)
        if source in {"response.reasoning_part", "response.reasoning_summary_part"}:
            return self._asides.part_done(payload) if verb == "done" else []
        if kind in _ENDS:
            return self._ended(kind, payload.get("response"))
        if kind in _BEGINNINGS:
            return self._started(payload.get("response"))
        if kind.startswith("response.audio."):
            return self._sound.decode(kind, payload)
        return self._decode_item(kind, payload)

    def _decode_item(self, kind: str, payload: dict[str, Any]) -> list[Event] | None:
        match kind:
            case "response.output_item.added":
                return self._item_added(payload, payload.get("item"))
            case "response.output_item.done":
                return self._item_done(payload, payload.get("item"))
            case "response.content_part.added":
                return self._texts.announce(payload) if _is_text(payload.get("part")) else []
            case "response.content_part.done":
                return self._part_done(payload, payload.get("part"))
            case "response.output_text.done":
                return [*self._texts.settle(payload, payload.get("text")), *self._facts.whole(payload, payload)]
            case "response.output_text.annotation.added":
                return self._facts.cite(payload)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                return self._calls.add(payload, payload.get("delta"))
            case "response.function_call_arguments.done":
                return self._calls.settle(payload, payload.get("arguments"))
            case "response.custom_tool_call_input.done":
                return self._calls.settle(payload, payload.get("input"))
            case _:
                events = self._tools.decode(kind, payload)
                return [] if events is None and kind in _SAYS_NOTHING else events

    def _part_done(self, place: dict[str, Any], part: Any) -> list[Event]:
        if not _is_text(part):
            return [*self._asides.part_done(place), *self._sound.whole(place, part)]
        return [*self._texts.settle(place, part["text"]), *self._facts.whole(place, part)]

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
        place = {**place, "item_id": item.get("id")}
        if kind == "reasoning":
            return self._asides.thoughts(place, item)
        events: list[Event] = []
        refused = self._asides.knows("refusal", place)
        for number, part in enumerate(objects(item.get("content"))):
            place = {**place, "content_index": number}
            if _is_text(part):
                events.extend(self._texts.settle(place, part.get("text")))
                events.extend(self._facts.whole(place, part))
            elif not refused:
                events.extend(self._asides.refusal(place, part))
            events += self._sound.whole(place, part)
        return events

    def _ended(self, kind: str, response: Any) -> list[Event]:
        self.ended = True
        events = self._started(response)
        if not isinstance(response, dict):
            response = {}
        events.extend(self._whole_output(response))
        events.extend(verdicts_in(response.get("moderation")))
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
            output = tuple(objects(response.get("output")))
            is_answered = bool(self._calls) or any(item.get("type") == "mcp_approval_request" for item in output)
            events.append(Finished("tool_calls" if self._calls else "stop", output=output if is_answered else ()))
        return events

    def _started(self, response: Any) -> list[Event]:
        if not isinstance(response, dict):
            return []
        self.response_id = name_or_none(response.get("id")) or self.response_id
        return [Started(name_or_none(response.get("model")), self.response_id)]

    def _whole_output(self, response: dict[str, Any]) -> list[Event]:
        """What the final object says beyond what has come before it."""
        output = list(enumerate(objects(response.get("output"))))
        events, new = self._texts.settle_all([text for number, item in output for text in _texts_of(number, item)])
        for number, item in output:
            kind = str(item.get("type"))
            if kind in CALL_ARGUMENTS or kind == "reasoning" or self._tools.is_tool(item):
                events.extend(self._item_done({"output_index": number}, item))
            else:
                events.extend(self._whole_message(number, item, new))
        return [*events, *self._sound.close(), *self._calls.close()]

    def _whole_message(self, number: int, item: dict[str, Any], new: dict[FinalText, list[Event]]) -> list[Event]:
        texts = {text.index: text for text in _texts_of(number, item)}
        place = {"output_index": number, "item_id": item.get("id")}
        events: list[Event] = []
        refused = self._asides.knows("refusal", place)
        for index, part in enumerate(objects(item.get("content"))):
            place = {**place, "content_index": index}
            if not refused:
                events += self._asides.refusal(place, part)
            events += self._sound.whole(place, part)
            said = new.get(texts[index], []) if index in texts else []
            events += said
            if _is_text(part):
                began = next((event.part for event in said if isinstance(event, PartStarted)), None)
                events += self._facts.whole(place, part, began)
        return events

    def _decode_chunk(self, payload: dict[str, Any]) -> list[Event] | None:
        """Decode an event unknown to this API if it is a chunk of the other API, which some servers send here."""
        if "choices" not in payload:
            return None
        if self._chat is None:
            self._chat = ChatCompletionsAdapter()
            return [_OTHER_API, *(self._chat.decode(payload) or ())]
        return self._chat.decode(payload)


def _texts_of(number: int, item: dict[str, Any]) -> Iterator[FinalText]:
    """The texts of an item of the final object."""
    if str(item.get("type")) not in {"reasoning", *CALL_ARGUMENTS} and not BuiltInTools.is_tool(item):
        for index, part in enumerate(objects(item.get("content"))):
            if _is_text(part) and part["text"]:
                yield FinalText(number, text_or_none(item.get("id")), index, part["text"])


def _is_text(part: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(part, dict) and part.get("type") == "output_text" and isinstance(part.get("text"), str)
