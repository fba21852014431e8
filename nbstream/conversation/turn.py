"""One turn of a conversation, and what a stream's result becomes in it. Must not know where a turn stands."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from nbstream.errors import StreamError, error_class
from nbstream.result import StreamResult, StreamState, StreamWarning, Timing, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Content", "Turn", "add_up", "answer_turn", "new_id"]

Content: TypeAlias = "str | tuple[Mapping[str, Any], ...] | None"


def new_id() -> str:
    """An id for a turn, unlike any other."""
    return uuid.uuid4().hex[:16]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation, with how it came about.

    Attributes:
        id: Unique within a chat; saved and loaded with it.
        role: `"user"` or `"assistant"`; others as they were imported.
        content: The text, or OpenAI content parts; `None` only where a message was imported without.
        state: How an assistant turn ended.
        included: Whether later requests may send it: not for an answer that is only a part, until the user says so.
        reasoning: What the model thought aloud.
        refusal: What the model said when it refused.
        facts: What is known about an answer: model, usage, timing, ids, error, as JSON.
        extra: The other keys of the OpenAI message: `name`, `tool_calls`, `tool_call_id`.

    Example:
        >>> Turn("1", "user", ({"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": "…"})).text
        'Look:'
    """

    id: str
    role: str
    content: Content
    state: StreamState = StreamState.COMPLETED
    included: bool = True
    reasoning: str = ""
    refusal: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text of the content; parts of other kinds have none."""
        if isinstance(self.content, str):
            return self.content
        texts = (part.get("text") for part in self.content or ())
        return "\n\n".join(text for text in texts if isinstance(text, str))

    @property
    def usage(self) -> Usage | None:
        """The tokens that all requests for this turn have cost, where the server said so."""
        spent = self.facts.get("spent") or self.facts.get("usage")
        return Usage(**spent) if spent else None

    @property
    def seconds(self) -> float:
        """How long the answer has taken, all requests for it together; nothing where there is no answer."""
        answered = self.text or self.refusal or self.reasoning or self.extra
        timing = self.facts.get("timing") or {}
        return self.facts.get("spent_seconds") or timing.get("total") or 0.0 if answered else 0.0

    @property
    def cost(self) -> float | None:
        """What all requests for this turn have cost in US dollars, where that is known."""
        return self.facts.get("cost")

    @property
    def result(self) -> StreamResult:
        """The turn as the result of a stream, for whatever can show or go on with one."""
        facts = self.facts
        usage, timing = facts.get("usage"), facts.get("timing") or {}
        return StreamResult(
            text=self.text,
            state=self.state,
            finish_reason=facts.get("finish_reason") if facts else "stop",  # imported, and so taken for whole
            usage=Usage(**usage) if usage else None,
            model=facts.get("model"),
            request_id=facts.get("request_id"),
            response_id=facts.get("response_id"),
            reasoning=self.reasoning,
            refusal=self.refusal,
            tool_calls=_tool_calls(self.extra.get("tool_calls")),
            warnings=tuple(StreamWarning(**each) for each in facts.get("warnings") or ()),
            attempts=facts.get("attempts") or 1,
            error=_error(facts.get("error")),
            timing=Timing(**timing),
            cost=facts.get("cost"),
        )


def answer_turn(turn_id: str, result: StreamResult, context: str = "", before: Turn | None = None) -> Turn:
    """The assistant turn that a stream leaves behind.

    Args:
        turn_id: The id it is to have.
        result: How the stream ended.
        context: What stands for the turns that the request sent, see `budget.context_of`.
        before: The turn as it was, if the stream went on with it.
    """
    metadata = result.metadata()
    timing = {"ttft": metadata.pop("ttft"), "total": metadata.pop("total")}
    error = result.error
    facts = metadata | {
        "timing": timing | {"tokens_per_second": result.timing.tokens_per_second},
        "response_id": result.response_id,
        "warnings": [{"kind": each.kind, "message": each.message} for each in result.warnings],
        "error": error and {"kind": error.kind, "message": error.message, "code": error.code, "status": error.status},
        "context": context,
    }
    del facts["state"]
    if before is not None and (spent := add_up([before.usage, result.usage])) != result.usage and spent:
        facts["spent"] = asdict(spent)
    if before is not None and before.seconds:
        facts["spent_seconds"] = before.seconds + (result.timing.total or 0.0)
    if before is not None and before.cost is not None:
        facts["cost"] = before.cost + (result.cost or 0.0)
    calls = [_as_message(call) for call in result.tool_calls]
    turn = Turn(
        turn_id,
        "assistant",
        result.text,
        state=result.state,
        included=result.state is StreamState.COMPLETED and bool(result.body or calls),
        reasoning=result.reasoning,
        refusal=result.refusal,
        facts={name: value for name, value in facts.items() if value not in (None, [], "")},
        extra={"tool_calls": calls} if calls else {},
    )
    # What the user has let in stays in when it has grown.
    return replace(turn, included=True) if before is not None and before.included and turn.text else turn


def add_up(usages: Iterable[Usage | None]) -> Usage | None:
    """The sum of what is known; `None` if nothing is.

    Example:
        >>> add_up([Usage(1, 2, 3), None, Usage(10, 20, 30, cached_tokens=5)])
        Usage(input_tokens=11, output_tokens=22, total_tokens=33, cached_tokens=5, reasoning_tokens=None)
    """
    known = [asdict(usage) for usage in usages if usage is not None]
    if not known:
        return None
    counts = {name: [each[name] for each in known if each[name] is not None] for name in known[0]}
    return Usage(**{name: sum(reported) if reported else None for name, reported in counts.items()})  # type: ignore[arg-type]


def _as_message(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _tool_calls(messages: Any) -> tuple[ToolCall, ...]:
    """Calls of functions, which is what an imported message may have beside others."""
    calls = [message for message in messages or () if isinstance(message, dict)]
    made = [(call.get("id"), call["function"]) for call in calls if isinstance(call.get("function"), dict)]
    return tuple(ToolCall(id_, str(each.get("name", "")), str(each.get("arguments", ""))) for id_, each in made)


def _error(facts: Mapping[str, Any] | None) -> StreamError | None:
    if not facts:
        return None
    try:
        kind = error_class(facts["kind"])
    except KeyError:
        kind = StreamError
    return kind(facts["message"], code=facts.get("code"), status=facts.get("status"))
