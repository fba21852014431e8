"""Scripted answers that call tools, on both APIs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["calling", "chat_calls", "responses_calls"]


def calling(api: str, *calls: tuple[str, dict[str, Any]], text: str = "", round_: int = 0) -> bytes:
    """An answer that says something and calls tools."""
    return (chat_calls if api == "chat" else responses_calls)(calls, text, round_)


def chat_calls(calls: Iterable[tuple[str, dict[str, Any]]], text: str, round_: int = 0) -> bytes:
    """The same as Chat Completions chunks, with the arguments in pieces."""
    deltas: list[dict[str, Any]] = [{"reasoning_content": "Hm. "}, {"content": text}]
    for index, (name, given) in enumerate(calls):
        arguments = json.dumps(given)
        call = {"index": index, "id": f"call_{round_}_{index}", "type": "function"}
        deltas.append({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})
        pieces = (arguments[:5], arguments[5:])
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces]
    chunks = [{"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"


def responses_calls(calls: Iterable[tuple[str, dict[str, Any]]], text: str, round_: int = 0) -> bytes:
    """The same as Responses events, after reasoning of which nothing is told but that it is encrypted."""
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": f"rs_{round_}", "summary": [], "encrypted_content": "c2VjcmV0"}
    ]
    if text:
        part = {"type": "output_text", "text": text, "annotations": []}
        items.append({"type": "message", "id": f"msg_{round_}", "role": "assistant", "content": [part]})
    for index, (name, given) in enumerate(calls):
        call = {"type": "function_call", "id": f"fc_{round_}_{index}", "call_id": f"call_{round_}_{index}"}
        items.append({**call, "name": name, "arguments": json.dumps(given), "status": "completed"})
    response = {"id": f"resp_{round_}", "model": "m", "status": "completed", "output": items}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {**response, "output": []}}]
    for place, item in enumerate(items):
        events.append({"type": "response.output_item.added", "output_index": place, "item": {**item, "content": []}})
        events.append({"type": "response.output_item.done", "output_index": place, "item": item})
    events.append({"type": "response.completed", "response": response})
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in numbered).encode()
