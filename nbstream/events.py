"""The vocabulary between transport and assembly: what can happen in a stream, as frozen values.

Both OpenAI wire formats are translated into these; nothing right of `transport` sees a wire format or an SDK type.
An event is a fact about the answer, not about the bytes: keep-alives, pings and unknown fields never become one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from nbstream.result import Usage

__all__ = [
    "EndOfStream",
    "Event",
    "Failed",
    "Finished",
    "ReasoningDelta",
    "RefusalDelta",
    "Started",
    "TextDelta",
    "ToolCallDelta",
    "UsageReported",
]


@dataclass(frozen=True, slots=True)
class Started:
    """The server named the model or the answer; a later one replaces an earlier one (routers change both)."""

    model: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer, as the server cut it: it may end in half a word, or in half a surrogate pair."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning, which is never part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """A piece of the model's refusal to answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of the tool call in slot `index`; `id` and `name` come once, `arguments` in pieces of JSON."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The token counts so far; the last report counts, they are never added up."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The server said why the answer ends. Text and usage may still follow (wire order differs between servers)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The server reported, inside the stream, that it failed: its own words, and its own code if it gave one."""

    message: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """The bytes ended cleanly. `marked` says whether the wire's own end mark (`[DONE]`) had been seen."""

    marked: bool


Event: TypeAlias = (
    Started
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallDelta
    | UsageReported
    | Finished
    | Failed
    | EndOfStream
)
