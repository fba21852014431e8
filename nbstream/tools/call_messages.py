"""Calls and their results as OpenAI messages. Pure: parts of an answer in, messages out."""

from __future__ import annotations

import base64
import itertools
import json
from typing import TYPE_CHECKING, Any

from nbstream.parts import TextPart, ToolCallPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.parts import MediaPart, Part, ToolRun

__all__ = ["call_message", "call_messages", "round_messages"]


def call_messages(text: str, calls: Sequence[ToolCallPart], **fields: Any) -> list[dict[str, Any]]:
    """What a model said and called, and what came of it.

    Args:
        text: What it said before the calls.
        calls: The calls.
        fields: Other fields of the assistant's message.

    Example:
        >>> from nbstream.parts import ToolCallPart, ToolRun
        >>> call = ToolCallPart("c1", "now", "{}", run=ToolRun("completed", "noon"))
        >>> [message["role"] for message in call_messages("", [call])]
        ['assistant', 'tool']
    """
    asked = {
        "role": "assistant",
        "content": text or None,
        **fields,
        "tool_calls": [call_message(each) for each in calls],
    }
    return [asked, *map(_answered, calls)]


def round_messages(parts: Iterable[Part]) -> tuple[list[dict[str, Any]], list[str]]:
    """What a model said and called in one round after the other, and what it has said after its last calls.

    Args:
        parts: The parts of an answer. Calls that were not answered here are left out.

    Example:
        >>> from nbstream.parts import ToolRun
        >>> call = ToolCallPart("c1", "now", "{}", run=ToolRun("completed", "noon"))
        >>> messages, said = round_messages([TextPart("Let me see."), call, TextPart("It is noon.")])
        >>> [message["role"] for message in messages], said
        (['assistant', 'tool'], ['It is noon.'])
    """
    messages: list[dict[str, Any]] = []
    said: list[str] = []
    for is_call, group in itertools.groupby(parts, lambda part: isinstance(part, ToolCallPart)):
        together = list(group)
        calls = [part for part in together if isinstance(part, ToolCallPart) and part.run is not None]
        if is_call and calls:
            messages += call_messages("\n\n".join(said), calls)
            said = []
        elif not is_call:
            said += [text for part in together if isinstance(part, TextPart) and (text := part.text)]
    return messages, said


def call_message(call: ToolCallPart) -> dict[str, Any]:
    """A call as an assistant's message holds it."""
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _answered(call: ToolCallPart) -> dict[str, Any]:
    run = call.run
    content: Any = "" if run is None else run.output if run.state == "completed" else _error(run)
    if run is not None and run.images:
        content = [{"type": "text", "text": content}, *map(_image_part, run.images)]
    return {"role": "tool", "tool_call_id": call.id, "content": content}


def _error(run: ToolRun) -> str:
    """Why there is no result, in words and as a stable type; what was not allowed must not be tried again."""
    error: dict[str, Any] = {"type": run.error or run.state, "message": run.output}
    if run.state in {"denied", "unknown"} and run.error not in {"stopped", "timeout"}:
        error["retry"] = False
    return json.dumps({"error": error}, ensure_ascii=False)


def _image_part(image: MediaPart) -> dict[str, Any]:
    data = base64.b64encode(image.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{data}"}}
