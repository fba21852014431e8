"""The wire shapes of `POST /v1/responses`. Knows no HTTP, no clock but for its time stamps, and not what is said."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.demo import request
from nbstream.demo.before import Done, Look, Thought
from nbstream.demo.calls import MADE_UP
from nbstream.demo.errors import server_failed
from nbstream.demo.fields import invalid, limit, missing, noun, optional
from nbstream.demo.moderation import check_moderation, moderation_of
from nbstream.demo.request import MODEL, Message, Order
from nbstream.demo.response_items import ItemsBefore
from nbstream.demo.wire import frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.demo.calls import Call
    from nbstream.demo.pace import Pace
    from nbstream.demo.script import Piece, Script

ROLES = ("system", "developer", "user", "assistant")

# What needs state that the server lacks, and what needs a model: refused, because ignoring them would mislead.
UNSUPPORTED = ("previous_response_id", "conversation", "prompt")

# By whether a call is that of a custom tool.
_EVENTS = {False: "function_call_arguments", True: "custom_tool_call_input"}
_FIELDS = {False: "arguments", True: "input"}


class Response:
    """One response: its request read, its answer as events or whole, and how far it has come."""

    def __init__(self, order: Order, script: Script) -> None:
        self.id = f"resp_demo_{secrets.token_hex(12)}"
        self.lead = 5 if order.background else 4
        self._script = script
        self._moderation = moderation_of(order, script.text, listed=False)
        self._asked = _asked(order)
        self._item_id = f"msg_demo_{secrets.token_hex(12)}"
        self._before = ItemsBefore(script.pieces, self._event)
        # The message and its one part, where every token of the text belongs.
        self._place = {"output_index": len(self._before), "content_index": 0}
        self._message_begun = False
        self._created_at = int(time.time())
        self._completed_at: int | None = None
        self._status = "queued" if order.background else "in_progress"
        self._sequence_number = 0

    @property
    def cancelled(self) -> bool:
        """Whether it ended by being cancelled."""
        return self._status == "cancelled"

    @property
    def ended(self) -> bool:
        """Whether it has ended in any way."""
        return self._status not in {"queued", "in_progress"}

    @staticmethod
    def read(body: dict[str, Any], pace: Pace) -> Order:
        """Check the body of a request.

        Raises:
            ApiError: It is not a request that the demo answers.
        """
        request.checked_model(body)
        for name in UNSUPPORTED:
            if body.get(name):
                raise invalid(name, f"The demo server has no '{name}': send the whole conversation.")
        store, background = optional(body, "store", bool) is not False, optional(body, "background", bool) or False
        if background and not store:
            raise invalid("background", "A response in the background is stored: 'store' must not be false.")
        text = optional(body, "text", dict) or {}
        schema = request.schema_of(optional(text, "format", dict, "text."), "text.format")
        request.check_sampling(body)
        check_moderation(body)
        pace, fault = request.extras(body, pace)
        return Order(
            messages=_messages(body),
            stream=optional(body, "stream", bool) or False,
            max_tokens=limit(body, "max_output_tokens"),
            pace=pace,
            fault=fault,
            store=store,
            background=background,
            tools=request.tools_of(body),
            schema=schema,
            misfits=request.misfits_of(body),
            body=body,
        )

    def opening(self) -> list[bytes]:
        """Everything up to the empty text part."""
        events = [self._event("response.created", {"response": self.present()})]
        if self._status == "queued":
            events.append(self._event("response.queued", {"response": self.present()}))
            self._status = "in_progress"
        events.append(self._event("response.in_progress", {"response": self.present()}))
        return [*events, *(self._before.opening() if self._before else self._begin_message())]

    def _begin_message(self) -> list[bytes]:
        if self._message_begun:
            return []
        self._message_begun = True
        part = {"item_id": self._item_id, **self._place, "part": _part("")}
        return [
            *self._before.done(),
            self._event("response.output_item.added", {"output_index": len(self._before), "item": self._item()}),
            self._event("response.content_part.added", part),
        ]

    def delta(self, piece: Piece) -> list[bytes]:
        """One token; the first of another item ends what came before it."""
        if isinstance(piece, Thought | Look | Done):
            return self._before.delta(piece)
        if isinstance(piece, str):
            told = {"item_id": self._item_id, **self._place, "delta": piece, "logprobs": []}
            return [*self._begin_message(), self._event("response.output_text.delta", told)]
        place = {"item_id": _item_id(piece.call), "output_index": self._output_of(piece.index)}
        if piece.text and piece.call.server:
            return []  # comes whole
        if piece.text:
            return [self._event(f"response.{_EVENTS[piece.call.custom]}.delta", {**place, "delta": piece.text})]
        begun = _call_item(replace(piece.call, arguments=""), "in_progress")
        added = {"output_index": place["output_index"], "item": begun}
        ended = self._message_done() if not piece.index else self._call_done(piece.index - 1)
        return [*ended, self._event("response.output_item.added", added)]

    def closing(self) -> list[bytes]:
        """The part, the item and the response, each done."""
        self._complete()
        calls = self._script.calls
        ended = self._call_done(len(calls) - 1) if calls else self._message_done()
        return [*ended, self._event(f"response.{self._status}", {"response": self.present()})]

    def _output_of(self, call: int) -> int:
        return len(self._before) + 1 + call

    def _message_done(self) -> list[bytes]:
        place = {"item_id": self._item_id, **self._place}
        text, cited = self._script.text, self._annotations()
        done = {"output_index": len(self._before), "item": self._item(whole=True)}
        named = [{**place, "annotation_index": at, "annotation": each} for at, each in enumerate(cited)]
        return [
            *self._begin_message(),
            *(self._event("response.output_text.annotation.added", each) for each in named),
            self._event("response.output_text.done", {**place, "text": text, "logprobs": []}),
            self._event("response.content_part.done", {**place, "part": _part(text, cited)}),
            self._event("response.output_item.done", done),
        ]

    def _annotations(self) -> list[dict[str, Any]]:
        return [{"type": "url_citation", **each} for each in self._script.citations]

    def _call_done(self, index: int) -> list[bytes]:
        call = self._script.calls[index]
        place = {"item_id": _item_id(call), "output_index": self._output_of(index)}
        item = _call_item(call, "completed" if self._script.finish_reason == "tool_calls" else "incomplete")
        given = self._event(f"response.{_EVENTS[call.custom]}.done", {**place, _FIELDS[call.custom]: call.arguments})
        return [
            *([] if call.server else [given]),
            self._event("response.output_item.done", {"output_index": self._output_of(index), "item": item}),
        ]

    def failure(self) -> list[bytes]:
        """The error event, then the response that failed."""
        self._status = "failed"
        return [
            self._event("error", {**_failure(), "param": None}),
            self._event("response.failed", {"response": self.present()}),
        ]

    def whole(self) -> dict[str, Any]:
        """The response in one piece."""
        self._complete()
        return self.present()

    def cancel(self) -> None:
        """End it without an answer; no event tells of it."""
        self._status = "cancelled"

    def present(self) -> dict[str, Any]:
        """The response as far as it has come."""
        answered = self._status in {"completed", "incomplete"}
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created_at,
            "status": self._status,
            "completed_at": self._completed_at,
            "error": _failure() if self._status == "failed" else None,
            "incomplete_details": {"reason": self._cut_by} if self._status == "incomplete" else None,
            "max_tool_calls": None,
            "model": MODEL,
            "output": self._output() if answered else [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "prompt_cache_key": None,
            "reasoning": {"effort": None, "summary": None},
            "safety_identifier": None,
            "service_tier": "default",
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "truncation": "disabled",
            "usage": self._usage() if answered else None,
            "user": None,
            **self._asked,
            **({"moderation": self._moderation} if answered and self._moderation is not None else {}),
        }

    def _complete(self) -> None:
        self._status = "incomplete" if self._script.finish_reason in {"length", "content_filter"} else "completed"
        self._completed_at = int(time.time()) if self._status == "completed" else None

    @property
    def _cut_by(self) -> str:
        return "max_output_tokens" if self._script.finish_reason == "length" else "content_filter"

    def _event(self, kind: str, fields: dict[str, Any]) -> bytes:
        event = {"type": kind, "sequence_number": self._sequence_number, **fields}
        self._sequence_number += 1
        return frame(event, kind)

    def _output(self) -> list[dict[str, Any]]:
        return [*self._before.whole(), self._item(), *(_call_item(call, self._status) for call in self._script.calls)]

    def _item(self, *, whole: bool = False) -> dict[str, Any]:
        content = [_part(self._script.text, self._annotations())] if self.ended or whole else []
        status = "completed" if whole and not self.ended else self._status
        return {"id": self._item_id, "type": "message", "status": status, "role": "assistant", "content": content}

    def _usage(self) -> dict[str, Any]:
        return {
            "input_tokens": self._script.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": self._script.output_tokens,
            "output_tokens_details": {"reasoning_tokens": self._script.thought_tokens},
            "total_tokens": self._script.input_tokens + self._script.output_tokens,
        }


def _asked(order: Order) -> dict[str, Any]:
    """What a response repeats of its request; a stored one holds no more of it."""
    body = order.body
    return {
        "background": order.background,
        "instructions": body.get("instructions"),
        "max_output_tokens": order.max_tokens,
        "metadata": body.get("metadata") or {},
        "store": order.store,
        "text": {"verbosity": "medium", "format": {"type": "text"}, **(body.get("text") or {})},
        "temperature": 1.0 if body.get("temperature") is None else body["temperature"],
        "top_p": 1.0 if body.get("top_p") is None else body["top_p"],
    }


def _failure() -> dict[str, Any]:
    error = server_failed()
    return {"code": error.code, "message": error.message}


def _item_id(call: Call) -> str:
    if call.server:
        return call.id
    return f"{'ctc' if call.custom else 'fc'}{call.id.removeprefix('call')}"


def _call_item(call: Call, status: str) -> dict[str, Any]:
    if call.server:
        named = {"server_label": call.server, "name": call.name, "arguments": call.arguments}
        return {"id": call.id, "type": "mcp_approval_request", **named}
    named = {"call_id": call.id, "name": call.name, _FIELDS[call.custom]: call.arguments}
    kind = "custom_tool_call" if call.custom else "function_call"
    return {"id": _item_id(call), "type": kind, "status": status, **named}


def _part(text: str, annotations: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    return {"type": "output_text", "annotations": list(annotations), "logprobs": [], "text": text}


def _messages(body: dict[str, Any]) -> tuple[Message, ...]:
    """The instructions, then the input: a string is one user message."""
    instructions = optional(body, "instructions", str)
    system = () if instructions is None else (Message("system", instructions),)
    given = body.get("input")
    if given is None:
        raise missing("input")
    if isinstance(given, str):
        return (*system, Message("user", given))
    items = optional(body, "input", list) or []
    if not items:
        raise invalid("input", "Invalid 'input': expected at least one item.", "empty_array")
    return system + tuple(_message(item, f"input[{index}]") for index, item in enumerate(items))


def _message(item: object, where: str) -> Message:
    if not isinstance(item, dict):
        raise invalid(where, f"Invalid '{where}': expected an object, but got {noun(item)}.")
    kind = optional(item, "type", str, f"{where}.") or "message"
    if kind in {"function_call", "custom_tool_call"}:
        given = item.get("arguments") or item.get("input")
        return Message("assistant", "", (request.call_of(item.get("name"), given),))
    if kind in {"function_call_output", "custom_tool_call_output"}:
        return Message("tool", request.text_of(item.get("output"), f"{where}.output"))
    if kind == "mcp_approval_request":
        called = f"{item.get('server_label')}.{item.get('name')}"
        return Message("assistant", "", (request.call_of(called, item.get("arguments")),))
    if kind == "mcp_approval_response":
        return Message("tool", MADE_UP if item.get("approve") is True else "not allowed")
    if kind != "message":  # reasoning and the like: legal, and nothing to the demo
        return Message(kind, "")
    role = optional(item, "role", str, f"{where}.")
    if role not in ROLES:
        raise invalid(f"{where}.role", f"Invalid '{where}.role': expected one of {', '.join(ROLES)}.")
    if item.get("content") is None:
        raise missing(f"{where}.content")
    return Message(role, request.text_of(item["content"], f"{where}.content"))
