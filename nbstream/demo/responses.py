"""The wire shapes of `POST /v1/responses`. Knows no HTTP, no clock but for its time stamps, and not what is said."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from nbstream.demo import request
from nbstream.demo.errors import server_failed
from nbstream.demo.request import MODEL, Message, Order, invalid, missing, optional
from nbstream.demo.wire import frame

if TYPE_CHECKING:
    from nbstream.demo.pace import Pace
    from nbstream.demo.script import Script

ROLES = ("system", "developer", "user", "assistant")

# What needs a server that remembers, and what needs a model: refused, for an answer that ignores them would mislead.
UNSUPPORTED = ("previous_response_id", "conversation", "background", "prompt")

# The one output item and its one part, where every delta belongs.
PLACE = {"output_index": 0, "content_index": 0}


class Response:
    """One response: its request read, its answer as events or whole."""

    def __init__(self, order: Order, script: Script) -> None:
        self._order = order
        self._script = script
        self._id = f"resp_demo_{secrets.token_hex(12)}"
        self._item_id = f"msg_demo_{secrets.token_hex(12)}"
        self._created_at = int(time.time())
        self._sequence_number = 0

    @staticmethod
    def read(body: dict[str, Any], pace: Pace) -> Order:
        """Check the body of a request.

        Raises:
            ApiError: It is not a request that the demo answers.
        """
        request.checked_model(body)
        for name in UNSUPPORTED:
            if body.get(name):
                raise invalid(name, f"The demo server keeps no state and has no '{name}': send the whole conversation.")
        text = optional(body, "text", dict) or {}
        if (optional(text, "format", dict, "text.") or {"type": "text"}).get("type") != "text":
            raise invalid("text.format", "The demo model has scripted answers: it writes text only.")
        request.check_sampling(body)
        pace, fault = request.extras(body, pace)
        return Order(
            messages=_messages(body),
            stream=optional(body, "stream", bool) or False,
            max_tokens=request.limit(body, "max_output_tokens"),
            pace=pace,
            fault=fault,
            body=body,
        )

    def opening(self) -> bytes:
        """Everything up to the empty text part."""
        response = {"response": self._response("in_progress")}
        item = {"output_index": 0, "item": self._item("in_progress")}
        part = {"item_id": self._item_id, **PLACE, "part": _part("")}
        return b"".join(
            (
                self._event("response.created", response),
                self._event("response.in_progress", response),
                self._event("response.output_item.added", item),
                self._event("response.content_part.added", part),
            )
        )

    def delta(self, piece: str) -> bytes:
        """One token."""
        place = {"item_id": self._item_id, **PLACE}
        return self._event("response.output_text.delta", {**place, "delta": piece, "logprobs": []})

    def closing(self) -> bytes:
        """The part, the item and the response, each done."""
        status = "completed" if self._script.finish_reason == "stop" else "incomplete"
        place = {"item_id": self._item_id, **PLACE}
        text = self._script.text
        item = {"output_index": 0, "item": self._item(status)}
        return b"".join(
            (
                self._event("response.output_text.done", {**place, "text": text, "logprobs": []}),
                self._event("response.content_part.done", {**place, "part": _part(text)}),
                self._event("response.output_item.done", item),
                self._event(f"response.{status}", {"response": self._response(status)}),
            )
        )

    def failure(self) -> bytes:
        """The error event, then the response that failed."""
        error = server_failed()
        told = {"code": error.code, "message": error.message}
        failed = self._response("failed") | {"error": told}
        return self._event("error", {**told, "param": None}) + self._event("response.failed", {"response": failed})

    def whole(self) -> dict[str, Any]:
        """The response in one piece."""
        return self._response("completed" if self._script.finish_reason == "stop" else "incomplete")

    def _event(self, kind: str, fields: dict[str, Any]) -> bytes:
        event = {"type": kind, "sequence_number": self._sequence_number, **fields}
        self._sequence_number += 1
        return frame(event, kind)

    def _item(self, status: str) -> dict[str, Any]:
        content = [] if status == "in_progress" else [_part(self._script.text)]
        return {"id": self._item_id, "type": "message", "status": status, "role": "assistant", "content": content}

    def _response(self, status: str) -> dict[str, Any]:
        ended = status in {"completed", "incomplete"}
        body = self._order.body
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created_at,
            "status": status,
            "background": False,
            "completed_at": int(time.time()) if status == "completed" else None,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": body.get("instructions"),
            "max_output_tokens": self._order.max_tokens,
            "max_tool_calls": None,
            "metadata": body.get("metadata") or {},
            "model": MODEL,
            "output": [self._item(status)] if ended else [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "prompt_cache_key": None,
            "reasoning": {"effort": None, "summary": None},
            "safety_identifier": None,
            "service_tier": "default",
            "store": False,
            "temperature": 1.0 if body.get("temperature") is None else body["temperature"],
            "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": 1.0 if body.get("top_p") is None else body["top_p"],
            "truncation": "disabled",
            "usage": self._usage() if ended else None,
            "user": None,
        }

    def _usage(self) -> dict[str, Any]:
        return {
            "input_tokens": self._script.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": self._script.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self._script.input_tokens + self._script.output_tokens,
        }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


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
        raise invalid(where, f"Invalid '{where}': expected an object, but got {request.noun(item)}.")
    kind = optional(item, "type", str, f"{where}.") or "message"
    if kind != "message":  # tool calls, tool results, reasoning: legal, and nothing to the demo
        return Message(kind, "")
    role = optional(item, "role", str, f"{where}.")
    if role not in ROLES:
        raise invalid(f"{where}.role", f"Invalid '{where}.role': expected one of {', '.join(ROLES)}.")
    if item.get("content") is None:
        raise missing(f"{where}.content")
    return Message(role, request.text_of(item["content"], f"{where}.content"))
