"""One turn of a conversation, and what a stream's result becomes in it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from nbstream.conversation.answer_images import images_to_send
from nbstream.conversation.document_v1 import answer_v1
from nbstream.outcome import add_up
from nbstream.result import StreamResult, StreamState, ToolCall, ToolCallPart, Usage
from nbstream.tools.call_messages import call_message
from nbstream.tools.journal import attempted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Content", "Turn", "answer_turn", "answered_turn", "answered_turn_v1", "new_id"]

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
        answer: The answer that an assistant turn is, if it was streamed here.
        included: Whether later requests may send it: an answer that failed is left out until the user says otherwise.
        extra: The other keys of the OpenAI message: `name`, `tool_calls`, `tool_call_id`, `refusal`.
        context: What stands for the turns that the request for the answer sent, see `budget.context_of`.

    Example:
        >>> Turn("1", "user", ({"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": "…"})).text
        'Look:'
    """

    id: str
    role: str
    content: Content
    answer: StreamResult | None = None
    included: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    context: str = ""

    def __setstate__(self, state: list[Any]) -> None:
        """Take what was pickled, also when a turn was its text and facts without types."""
        if len(state) > 3 and isinstance(state[3], StreamState):
            id_, role, content, ended, included, reasoning, refusal, facts, extra = state
            entry = {"state": ended, "reasoning": reasoning, "refusal": refusal, "facts": dict(facts)}
            turn = answered_turn_v1(Turn(id_, role, content, included=included, extra=extra), entry)
            state = [getattr(turn, each.name) for each in fields(self)]
        for each, value in zip(fields(self), state, strict=False):
            object.__setattr__(self, each.name, value)

    @property
    def text(self) -> str:
        """The text of the content; parts of other kinds have none."""
        if isinstance(self.content, str):
            return self.content
        texts = (part.get("text") for part in self.content or ())
        return "\n\n".join(text for text in texts if isinstance(text, str))

    @property
    def state(self) -> StreamState:
        """How the answer ended; what was imported is taken for whole."""
        return StreamState.COMPLETED if self.answer is None else self.answer.state

    @property
    def reasoning(self) -> str:
        """What the model thought aloud."""
        return "" if self.answer is None else self.answer.reasoning

    @property
    def refusal(self) -> str:
        """What the model said when it refused."""
        if self.answer is not None:
            return self.answer.refusal
        said = self.extra.get("refusal")
        return said if isinstance(said, str) else ""

    @property
    def model(self) -> str | None:
        """The model that answered, where that is known."""
        return None if self.answer is None else self.answer.model

    @property
    def usage(self) -> Usage | None:
        """The tokens that all requests for this turn have cost, where the server said so."""
        return None if self.answer is None else add_up(each.usage for each in self.answer.all_rounds)

    @property
    def seconds(self) -> float:
        """How long the answer has taken, all requests for it together; 0 where there is no answer."""
        if self.answer is None or not self.answer.parts:
            return 0.0
        return sum(each.timing.total for each in self.answer.all_rounds)

    @property
    def cost(self) -> float | None:
        """What all requests for this turn have cost in US dollars, where that is known."""
        return None if self.answer is None else self.answer.total_cost

    @property
    def result(self) -> StreamResult:
        """The turn as the result of a stream, for code that shows or continues one."""
        if self.answer is not None:
            return self.answer
        return StreamResult(
            self.text,
            StreamState.COMPLETED,
            "stop",
            refusal=self.refusal,
            tool_calls=_tool_calls(self.extra.get("tool_calls")),
        )


def answer_turn(turn_id: str, result: StreamResult, context: str = "", before: Turn | None = None) -> Turn:
    """The assistant turn that a stream leaves behind.

    Args:
        turn_id: The id it is to have.
        result: How the stream ended.
        context: What stands for the turns that the request sent, see `budget.context_of`.
        before: The turn as it was, if the stream continued it.
    """
    return answered_turn(turn_id, _to_keep(result), included=_is_sent(result, before), context=context)


def _is_sent(result: StreamResult, before: Turn | None) -> bool:
    """Whether later requests send an answer by itself: if it is whole, or the user stopped it and so has read it.

    What the user has decided about an answer holds until it is whole.
    """
    if result.state is StreamState.COMPLETED:
        return bool(result.body or result.tool_calls or images_to_send(result))
    given = bool(result.text or images_to_send(result))
    if before is not None and (before.included or before.state is StreamState.CANCELLED):
        return before.included and given
    # What tools have done must not be asked for again because the model does not know of it.
    return (result.state is StreamState.CANCELLED and given) or bool(attempted(result.parts))


def answered_turn(turn_id: str, answer: StreamResult, *, included: bool, context: str = "") -> Turn:
    """The assistant turn that an answer is.

    Args:
        turn_id: The id it is to have.
        answer: The answer.
        included: Whether later requests may send it.
        context: What stands for the turns that the request sent, see `budget.context_of`.
    """
    # What was answered here needs no turns with results.
    calls = [call_message(part) for part in answer.parts if isinstance(part, ToolCallPart) and part.run is None]
    extra = {"tool_calls": calls} if calls else {}
    return Turn(turn_id, "assistant", answer.text, answer, included, extra, context)


def answered_turn_v1(turn: Turn, entry: Mapping[str, Any]) -> Turn:
    """The turn with the answer that its entry in a chat file of the first format holds, if it holds one.

    Args:
        turn: What is the same in every format.
        entry: The entry of the file.

    Raises:
        LookupError: Something is missing.
        TypeError: Something is of another type.
        ValueError: Something makes no sense.
    """
    answer, refusal, context = answer_v1(turn.text, turn.result.tool_calls, entry)
    extra = {**turn.extra, "refusal": refusal} if refusal else turn.extra
    return replace(turn, answer=answer, extra=extra, context=context)


def _to_keep(result: StreamResult) -> StreamResult:
    """The answer without what only the program that asked for it can use, and without references to that program."""
    error = result.error
    if error is not None:
        error = type(error)(error.message, code=error.code, status=error.status)
    beside: dict[str, Any] = {"choices": (), "logprobs": (), "parsed": None, "retry": None, "continuation": None}
    rounds = [replace(each, output=()) for each in result.rounds] if len(result.rounds) > 1 else ()  # one says nothing
    return replace(result, error=error, rounds=tuple(rounds), **beside)


def _tool_calls(messages: Any) -> tuple[ToolCall, ...]:
    """Calls of functions and custom tools, which is what an imported message may have beside others."""
    made: list[ToolCall] = []
    for call in messages or ():
        for kind, name in (("function", "arguments"), ("custom", "input")):
            if isinstance(call, dict) and isinstance(given := call.get(kind), dict):
                id_ = call.get("id")
                known = id_ if isinstance(id_, str) else None
                made.append(ToolCall(known, str(given.get("name", "")), str(given.get(name, ""))))
    return tuple(made)
