"""The results of tools in a replay: those that were recorded, so that nothing runs, and nobody is asked, again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.parts import ToolCallPart, ToolRun
from nbstream.recording.described import described
from nbstream.recording.library import headings
from nbstream.tools.next_request import next_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.recording.choice import RecordingChoice
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["RecordedResults"]


class RecordedResults:
    """A `FollowUp` that answers the calls of a round as they were answered when the round was recorded.

    The results are in the recording of the request that sent them back. Where there is none, or not of all calls, the
    tools run.

    Args:
        choice: Where the recordings are.
    """

    def __init__(self, choice: RecordingChoice) -> None:
        self._choice = choice

    async def next(
        self, request: StreamRequest, result: StreamResult, show: Callable[[StreamResult], object]
    ) -> StreamRequest | StreamResult:
        """The request that followed, or the result as it is."""
        begin = 0 if request.earlier is None else len(request.earlier.parts)
        calls = [part for part in result.parts[begin:] if isinstance(part, ToolCallPart)]
        if not calls or request.max_rounds <= 1:
            return result
        outputs = await asyncio.to_thread(self._outputs, request)
        if not all(call.id in outputs for call in calls):
            return result
        known = tuple(
            replace(part, run=ToolRun("completed", outputs[part.id or ""]))
            if number >= begin and isinstance(part, ToolCallPart)
            else part
            for number, part in enumerate(result.parts)
        )
        answered = replace(result, parts=known)
        show(answered)
        return next_request(request, answered)

    def _outputs(self, request: StreamRequest) -> dict[Any, str]:
        """What the recorded request that followed this one says came of each call."""
        asked = described(request)
        for _, recorded in headings(self._choice):
            if (further := _further(asked["messages"], recorded.request.get("messages"))) is not None and all(
                recorded.request.get(name) == asked.get(name) for name in ("api", "model", "epoch")
            ):
                return {
                    each["tool_call_id"]: each["content"]
                    for each in further
                    if each.get("role") == "tool" and isinstance(each.get("content"), str) and "tool_call_id" in each
                }
        return {}


def _further(before: Sequence[Any], after: Any) -> list[dict[str, Any]] | None:
    """What one list of messages has after another, with which it begins."""
    if not isinstance(after, list) or len(after) <= len(before) or after[: len(before)] != list(before):
        return None
    further = [each for each in after[len(before) :] if isinstance(each, dict)]
    return further if any(each.get("role") == "tool" for each in further) else None
