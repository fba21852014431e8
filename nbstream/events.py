"""The vocabulary between transport and assembly: what can happen in a stream, as frozen values.

Both OpenAI wire formats are translated into these; nothing right of `transport` sees a wire format or an SDK type.
An event is a fact about the answer, not about the bytes: keep-alives, pings and unknown fields never become one, and
an object that nothing understood does so only because it may be all that a failure leaves behind.

An answer is made of parts (see `nbstream.parts`). Where the wire announces them, as Responses does, `PartStarted` says
where a part of text, reasoning or refusal begins, and `PartResumed` that the deltas which follow belong to an earlier
one. Elsewhere each delta of a different kind from the one before begins a part. With either API, the first event of a
tool call, a medium or an activity begins one, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbstream.outcome import Verdict
from nbstream.parts import ToolCall

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from nbstream.outcome import Usage
    from nbstream.parts import MediaKind, ToolRun
    from nbstream.remedies import Remedy

__all__ = [
    "MOST_ANSWERS",
    "ActivityReported",
    "Annotated",
    "EndOfStream",
    "Event",
    "Failed",
    "Finished",
    "Garbled",
    "LogprobsReported",
    "MediaDelta",
    "Moderated",
    "PartEnded",
    "PartResumed",
    "PartStarted",
    "ReasoningDelta",
    "ReasoningRevised",
    "RefusalDelta",
    "Started",
    "TextDelta",
    "TextRevised",
    "ToolCallAttempted",
    "ToolCallCompleted",
    "ToolCallDelta",
    "ToolCallEnded",
    "ToolCallRevised",
    "Unrecognized",
    "UsageReported",
    "Warned",
]

MOST_ANSWERS = 256
"""No API gives more to one request. What comes then is a flood of numbers."""


@dataclass(frozen=True, slots=True)
class Started:
    """The server named the model or the answer; a later one replaces an earlier one (routers change both)."""

    model: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class PartStarted:
    """A part of text, reasoning or refusal begins; the deltas that follow belong to it.

    `part` is the number by which later events name it. `item_id` and `content_index` are the server's words for its
    place; `new_paragraph` says that a blank line sets it off from what was said before. One that was announced before
    continues: a resumed stream repeats the announcement.
    """

    part: int
    kind: Literal["text", "reasoning", "refusal"]
    item_id: str | None = None
    content_index: int | None = None
    new_paragraph: bool = False
    choice: int = 0


@dataclass(frozen=True, slots=True)
class PartResumed:
    """The deltas that follow belong to an earlier part."""

    part: int
    choice: int = 0


@dataclass(frozen=True, slots=True)
class PartEnded:
    """A part is whole."""

    part: int
    choice: int = 0


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
    """A part of the answer in the server's final wording, which differs from the pieces that it had sent.

    Without `part` it is the whole text so far.
    """

    text: str
    part: int | None = None
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning, which is never part of the answer.

    `summary` says that it is of a summary. Some servers send all of it twice, as thoughts and as their summary.
    """

    text: str
    choice: int = 0
    summary: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ReasoningRevised:
    """All reasoning that has come apart from the text so far, in the server's wording now."""

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

    `index` is the slot that the server names; many servers name none, or the same one for every call. `custom` says
    that the arguments are free text.
    """

    index: int | None
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0
    item_id: str | None = None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class ToolCallRevised:
    """The whole arguments of the call in slot `index` in the server's final wording."""

    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCallEnded:
    """The call in slot `index` is whole."""

    index: int


@dataclass(frozen=True, slots=True)
class ToolCallAttempted(ToolCall):
    """nbstream calls the function that a call asks for, with these arguments: as the model, or a reader, gave them."""


@dataclass(frozen=True, slots=True)
class ToolCallCompleted:
    """What became of a call that nbstream answers, also if it was never attempted: see the state of its `run`."""

    id: str | None
    name: str
    run: ToolRun


@dataclass(frozen=True, slots=True)
class MediaDelta:
    """A piece of an image, sound, video or file.

    `media` tells several of them apart. `replaces` says that `data` replaces what came before, as a sharper preview of
    an image does, and `last` that nothing follows: what replaces and is not the last is a preview.
    """

    media: Hashable
    kind: MediaKind
    data: bytes = b""
    media_type: str | None = None
    url: str | None = None
    item_id: str | None = None
    replaces: bool = False
    last: bool = False
    choice: int = 0
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ActivityReported:
    """News of a built-in tool's call: that it begins, where it is, more of its input, or the whole item.

    `activity` tells several of them apart; see `ActivityPart` for the rest. `item` replaces an earlier one, and `input`
    is appended. `last` says that the call is over.
    """

    activity: Hashable
    kind: str
    status: str | None = None
    input: str = ""
    item: Mapping[str, Any] | None = None
    item_id: str | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Annotated:
    """A citation or the like, as the server sent it.

    `part` is the number of the part that it belongs to; without one it belongs to the text that its span lies in, or to
    the last one. `start` and `end` are its span in characters: of that part, or of the whole text.
    """

    annotation: Any
    part: int | None = None
    start: int | None = None
    end: int | None = None
    choice: int = 0


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
    """The server said why the answer ends. Text and usage may still follow (wire order differs between servers).

    `output` is what the server wants back, as it sent it, when the results of its calls are sent: the items of
    Responses with the reasoning between them, or the fields of a chat message besides its content and its calls.
    """

    reason: str
    choice: int = 0
    output: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Moderated(Verdict):
    """The prompt or the answer was moderated, by the provider or here, or could not be."""

    @property
    def verdict(self) -> Verdict:
        """What moderation says of it."""
        return Verdict(self.subject, self.outcome, self.categories, self.by, self.reason)


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the reader should know: a kind of `StreamWarning`, what happened, and what can be done about it."""

    kind: str
    message: str
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Garbled:
    """The bytes are malformed from here on: what came instead, in a sentence for the reader, and what can be done.

    `kind` is that of the `StreamError` that it amounts to.
    """

    message: str
    remedies: tuple[Remedy, ...] = ()
    kind: str = "not_a_stream"


@dataclass(frozen=True, slots=True)
class Failed:
    """The server reported that it failed: its own words, its own code if it gave one.

    `kind` is that of the `StreamError` that it amounts to; `retryable`, `retry_after` and `remedies` are as there.
    """

    message: str
    code: str | None = None
    kind: str = "server"
    retryable: bool = False
    retry_after: float | None = None
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Unrecognized:
    """Something that neither API knows, as its text. It is what there is to say if the stream fails without a word."""

    text: str


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """The bytes ended cleanly. `marked` says whether the wire's own end mark (`[DONE]`) had been seen."""

    marked: bool


Event: TypeAlias = (
    Started
    | PartStarted
    | PartResumed
    | PartEnded
    | TextDelta
    | TextRevised
    | ReasoningDelta
    | ReasoningRevised
    | RefusalDelta
    | ToolCallDelta
    | ToolCallRevised
    | ToolCallEnded
    | ToolCallAttempted
    | ToolCallCompleted
    | MediaDelta
    | ActivityReported
    | Annotated
    | LogprobsReported
    | UsageReported
    | Finished
    | Moderated
    | Warned
    | Garbled
    | Failed
    | Unrecognized
    | EndOfStream
)
