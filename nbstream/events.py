"""The vocabulary between transport and assembly: what can happen in a stream, as frozen values.

Both OpenAI wire formats are translated into these; nothing right of `transport` sees a wire format or an SDK type.
An event is a fact about the answer, not about the bytes: keep-alives, pings and unknown fields never become one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from nbstream.result import Usage

__all__ = [
    "Annotated",
    "EndOfStream",
    "Event",
    "Failed",
    "Finished",
    "Garbled",
    "LogprobsReported",
    "ReasoningDelta",
    "RefusalDelta",
    "Started",
    "TextDelta",
    "TextRevised",
    "ToolCallDelta",
    "ToolCallRevised",
    "UsageReported",
    "Warned",
]


@dataclass(frozen=True, slots=True)
class Started:
    """The server named the model or the answer; a later one replaces an earlier one (routers change both)."""

    model: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer, as the server cut it: it may end in half a word, or in half a surrogate pair.

    `choice` tells several answers to one request apart. `last` says that this piece came together with a finish reason.
    """

    text: str
    choice: int = 0
    last: bool = False


@dataclass(frozen=True, slots=True)
class TextRevised:
    """The whole answer so far in the server's final wording, which differs from the pieces that it had sent."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning, which is never part of the answer."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """A piece of the model's refusal to answer."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `id` and `name` usually come once, `arguments` in pieces of JSON.

    `index` is the slot that the server names; many servers name none, or the same one for every call.
    """

    index: int | None
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallRevised:
    """The whole arguments of the call in slot `index` in the server's final wording."""

    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class Annotated:
    """A citation or the like, as the server sent it."""

    annotation: Any


@dataclass(frozen=True, slots=True)
class LogprobsReported:
    """Log probabilities of some tokens, as the server sent them."""

    tokens: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The token counts so far; the last report counts, they are never added up."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The server said why the answer ends. Text and usage may still follow (wire order differs between servers)."""

    reason: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the reader should know: a kind of `StreamWarning`, and the sentence."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Garbled:
    """The bytes make no sense from here on: what came instead, in a sentence for the reader."""

    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The server reported that it failed: its own words, its own code if it gave one.

    `kind` is that of the `StreamError` that it amounts to; `retryable` as there.
    """

    message: str
    code: str | None = None
    kind: str = "server"
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """The bytes ended cleanly. `marked` says whether the wire's own end mark (`[DONE]`) had been seen."""

    marked: bool


Event: TypeAlias = (
    Started
    | TextDelta
    | TextRevised
    | ReasoningDelta
    | RefusalDelta
    | ToolCallDelta
    | ToolCallRevised
    | Annotated
    | LogprobsReported
    | UsageReported
    | Finished
    | Warned
    | Garbled
    | Failed
    | EndOfStream
)
