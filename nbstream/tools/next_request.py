"""The request that sends the results of calls back. Pure: what was asked and answered in, what to ask next out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.parts import TextPart, ToolCallPart, joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbstream.parts import Part
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["next_request"]


def next_request(request: StreamRequest, result: StreamResult) -> StreamRequest:
    """What to ask once all the calls of a round have been answered.

    Args:
        request: What the round asked.
        result: The whole answer so far; each call of the round has its run.
    """
    earlier = () if request.earlier is None else request.earlier.parts
    parts = result.parts[len(earlier) :]
    messages = [*_said(request, result, parts), *(_answered(each) for each in parts if isinstance(each, ToolCallPart))]
    if request.partial_answer:  # of an answer that was continued: it belongs before what followed it
        messages.insert(0, {"role": "assistant", "content": request.partial_answer})
    return replace(
        request,
        messages=(*request.messages, *messages),
        partial_answer="",
        position=None,
        earlier=result,
        max_rounds=request.max_rounds - 1,
    )


def _said(request: StreamRequest, result: StreamResult, parts: Sequence[Part]) -> list[Mapping[str, Any]]:
    """What the model said and called, as its server wants it back."""
    output = result.rounds[-1].output if result.rounds else ()
    if request.api == "responses" and output and all("type" in item for item in output):
        return [_without_status(item) for item in output]
    calls = [each for each in parts if isinstance(each, ToolCallPart)]
    message: dict[str, Any] = {"role": "assistant", "content": joined(parts, TextPart) or None}
    if request.api == "chat":
        for fields in output:
            message |= fields
    return [message | {"tool_calls": [_call(each) for each in calls]}]


def _without_status(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without what servers give and do not take."""
    return {name: value for name, value in item.items() if name != "status" and value is not None}


def _call(call: ToolCallPart) -> dict[str, Any]:
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _answered(call: ToolCallPart) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call.id, "content": "" if call.run is None else call.run.output}
