"""The request that sends the results of calls back. Pure: what was asked and answered in, what to ask next out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.parts import ActivityPart, TextPart, ToolCallPart, joined
from nbstream.tools.call_messages import call_messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["next_request"]


def next_request(
    request: StreamRequest, result: StreamResult, answers: Sequence[Mapping[str, Any]] = ()
) -> StreamRequest:
    """What to ask once all the calls of a round have been answered.

    Args:
        request: What the round asked.
        result: The whole answer so far; each call of the round has its run.
        answers: Input items that answer other items of the round.
    """
    earlier = () if request.earlier is None else request.earlier.parts
    parts = result.parts[len(earlier) :]
    calls = [each for each in parts if isinstance(each, ToolCallPart)]
    output = result.rounds[-1].output if result.rounds else ()
    if request.api == "responses" and output and all("type" in item for item in output):
        messages: list[Mapping[str, Any]] = [*map(_without_status, output), *call_messages("", calls)[1:]]
    else:
        text = joined(parts, TextPart).removeprefix(request.partial_answer)
        fields = {name: value for each in output for name, value in each.items()} if request.api == "chat" else {}
        messages = [*call_messages(text, calls, **fields)] if calls or not answers else []
        messages += [each.item for each in parts if isinstance(each, ActivityPart)] if answers else []
    messages += answers
    if request.partial_answer:  # of an answer that was continued
        messages.insert(0, {"role": "assistant", "content": request.partial_answer})
    return replace(
        request,
        messages=(*request.messages, *messages),
        partial_answer="",
        position=None,
        earlier=result,
        max_rounds=request.max_rounds - 1,
    )


def _without_status(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without what servers give and do not take."""
    return {name: value for name, value in item.items() if name != "status" and value is not None}
