"""Chat Completions messages as the input items of the Responses API, which has other names for the same things.

What is already in the Responses form, or in an unknown form, is left as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["input_items"]

_NAMES = {"text": "input_text", "image_url": "input_image", "file": "input_file"}
_NAMES_OF_ANSWERS = {"text": "output_text"}


def input_items(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn messages into input items, each of which names its type: some servers refuse an answer without one.

    Example:
        >>> input_items([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}])
        [{'type': 'message', 'role': 'user', 'content': [{'type': 'input_text', 'text': 'Hi'}]}]
    """
    custom: set[Any] = set()  # the calls so far that are given free text
    return [item for message in messages for item in _items(message, custom)]


def _items(message: Mapping[str, Any], custom: set[Any]) -> list[dict[str, Any]]:
    if "role" not in message:
        if message.get("type") == "custom_tool_call":
            custom.add(message.get("call_id"))
        return [dict(message)]
    role, calls = message["role"], message.get("tool_calls")
    if role == "tool" and "tool_call_id" in message:
        called = message["tool_call_id"]
        kind = "custom_tool_call_output" if called in custom else "function_call_output"
        return [{"type": kind, "call_id": called, "output": _output(message)}]
    fields = {name: value for name, value in message.items() if name not in {"name", "tool_calls"}}
    item = {"type": "message", **fields}
    content = item.get("content")
    if role == "assistant" and isinstance(content, str) and content:
        content = [{"type": "text", "text": content}]  # llama.cpp takes a mere string for a question
    if isinstance(content, list):
        item["content"] = [_part(part, _NAMES_OF_ANSWERS if role == "assistant" else _NAMES) for part in content]
    made = [_call(call, custom) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return [*([item] if item.get("content") or not made else []), *made]


def _call(call: Mapping[str, Any], custom: set[Any]) -> dict[str, Any]:
    if call.get("type") == "custom":
        custom.add(call.get("id"))
        given = call.get("custom") or {}
        named = {"call_id": call.get("id"), "name": given.get("name"), "input": given.get("input")}
        return {"type": "custom_tool_call", **named}
    function = call.get("function") or {}
    named = {"call_id": call.get("id"), "name": function.get("name"), "arguments": function.get("arguments")}
    return {"type": "function_call", **named}


def _part(part: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(part, dict) or part.get("type") not in names:
        return part
    made = {**part, "type": names[part["type"]]}
    if part["type"] == "image_url" and isinstance(image := made.pop("image_url", None), dict):
        return {**made, "image_url": image.get("url"), **({"detail": image["detail"]} if "detail" in image else {})}
    if part["type"] == "file" and isinstance(file := made.pop("file", None), dict):
        return {**made, **file}
    return {**part, "type": made["type"]}


def _output(message: Mapping[str, Any]) -> str | list[Any]:
    """The result of a tool: its text, or a list where it has images."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    if any(isinstance(part, dict) and part.get("type") == "image_url" for part in parts):
        return [_part(part, _NAMES) for part in parts]
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
