"""Makes the object of an answer that is held to a schema, and asks again where it does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.errors import InvalidAnswerError
from nbstream.parts import TextPart, joined
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamState
from nbstream.structured.schema import AnswerSchema, MisfitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["SchemaLoop"]


class SchemaLoop:
    """Looks at the answer of each round.

    Args:
        schema: What the answer is held to.
        repairs: How often to ask again with what is wrong.
    """

    def __init__(self, schema: AnswerSchema, repairs: int = 0) -> None:
        self._schema = schema
        self._repairs = repairs

    async def next(
        self, request: StreamRequest, result: StreamResult, _: Callable[[StreamResult], object]
    ) -> StreamRequest | StreamResult:
        """Make the object, or ask again; see `nbstream.streaming.rounds.FollowUp`."""
        own = result.parts if request.earlier is None else result.parts[len(request.earlier.parts) :]
        text = joined(own, TextPart)
        if result.refusal or result.finish_reason == "tool_calls" or (not text.strip() and result.tool_calls):
            return result
        if result.finish_reason == "length":
            what = "The token limit was reached before the JSON was complete."
            return _failed(request, result, what, RemedyKind.RAISE_TOKEN_LIMIT)
        if result.finish_reason == "content_filter":
            what = "The answer was filtered before the JSON was complete."
            return _failed(request, result, what, RemedyKind.REPHRASE)
        try:
            return replace(result, parsed=self._schema.parse(text))
        except MisfitError as error:
            if not self._repairs:
                what = f"The answer does not fit the schema: {error}"
                return _failed(request, result, f"{what.rstrip('.')}.", RemedyKind.REPAIR)
            self._repairs -= 1
            return _again(request, result, text, str(error))


def _failed(request: StreamRequest, result: StreamResult, what: str, remedy: RemedyKind) -> StreamResult:
    error = InvalidAnswerError(what, remedies=[Remedy(remedy)])
    error.place = request.place
    error.result = failed = replace(result, state=StreamState.FAILED, error=error)
    return failed


def _again(request: StreamRequest, result: StreamResult, text: str, wrong: str) -> StreamRequest:
    asked = f"That does not fit: {wrong}\nAnswer again, with the whole JSON and nothing else."
    said = ({"role": "assistant", "content": text}, {"role": "user", "content": asked})
    return replace(request, messages=(*request.messages, *said), partial_answer="", position=None, earlier=result)
