"""What is known about a stream besides its answer, as frozen values: state, token counts, times, warnings, pauses."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, Protocol

from nbstream.parts import Part, PartViews, ToolCall, given_parts
from nbstream.text.place import Place
from nbstream.text.plain import encodable, plain
from nbstream.text.wording import told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nbstream.remedies import Remedy

__all__ = [
    "Choice",
    "Continuation",
    "Quota",
    "Retry",
    "Round",
    "StreamState",
    "StreamWarning",
    "Timing",
    "Usage",
    "Verdict",
    "add_up",
    "restore",
    "set_fields",
]


class StreamState(enum.StrEnum):
    """Where a stream is. Every stream ends in exactly one of `completed`, `failed`, `cancelled`."""

    PENDING = "pending"
    STREAMING = "streaming"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    def __repr__(self) -> str:
        return repr(str(self))  # which is all that a reader of a value needs

    @property
    def terminal(self) -> bool:
        """Whether nothing more can happen."""
        return self in {StreamState.COMPLETED, StreamState.FAILED, StreamState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server reported them. A server that reports none gives no `Usage` at all, never a guess.

    Attributes:
        input_tokens: Tokens of the prompt (Chat Completions: `prompt_tokens`).
        output_tokens: Tokens of the answer, reasoning included (Chat Completions: `completion_tokens`).
        total_tokens: Their sum, as the server gave it.
        cached_tokens: The part of `input_tokens` that came from a cache, if reported.
        reasoning_tokens: The part of `output_tokens` spent on reasoning, if reported.
        cache_write_tokens: The part of `input_tokens` that was written to a cache, if reported; some providers charge
            more for it.
    """

    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None

    def __setstate__(self, state: list[object]) -> None:
        """Take what was pickled, also when there were fewer fields."""
        for each, value in zip(fields(self), [*state, None], strict=False):
            object.__setattr__(self, each.name, value)


@dataclass(frozen=True, slots=True)
class Quota:
    """What a relay has left for its user. `None` where it sets no limit, or does not say.

    Attributes:
        tokens: Tokens of prompts and answers together.
        usd: US dollars.
        resets_at: When counting begins anew, in seconds since 1970.
        price: US dollars for a million tokens of a prompt, of an answer, and of a prompt that came from a cache.
    """

    tokens: int | None = None
    usd: float | None = None
    resets_at: float | None = None
    price: tuple[float, float, float] | None = None

    def cost_of(self, usage: Usage | None) -> float | None:
        """What tokens cost at the relay, in US dollars.

        Example:
            >>> Quota(price=(1.0, 10.0, 0.1)).cost_of(Usage(1000, 100, 1100))
            0.002
        """
        if usage is None or self.price is None:
            return None
        given, made, from_cache = self.price
        cached = min(usage.cached_tokens or 0, usage.input_tokens)
        return ((usage.input_tokens - cached) * given + cached * from_cache + usage.output_tokens * made) / 1_000_000

    def after(self, usage: Usage | None, cost: float | None) -> Quota:
        """What is left after an answer.

        Example:
            >>> Quota(1000, 1.0).after(Usage(90, 10, 100), 0.01)
            Quota(tokens=900, usd=0.99, resets_at=None, price=None)
        """
        tokens = self.tokens if self.tokens is None or usage is None else self.tokens - usage.total_tokens
        usd = self.usd if self.usd is None or cost is None else round(self.usd - cost, 9)
        return replace(self, tokens=tokens, usd=usd)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things took, in seconds, by the client's monotonic clock.

    Attributes:
        ttft: From sending the request to the first piece of text, reasoning, refusal or tool call; `None` if none came.
        total: From the call to the end, or to now while the stream is running.
        tokens_per_second: Reported output tokens over the time after the first token; `None` without usage.
        startup: From the call to sending the request: nbstream's own time, which the first stream of a process needs to
            import the SDK.
    """

    ttft: float | None = None
    total: float = 0.0
    tokens_per_second: float | None = None
    startup: float = 0.0

    def __setstate__(self, state: list[object]) -> None:
        """Take what was pickled, also when there was no `startup` yet."""
        for name, value in zip(("ttft", "total", "tokens_per_second", "startup"), [*state, 0.0], strict=False):
            object.__setattr__(self, name, value)


_NO_TIME = Timing()


@dataclass(frozen=True, slots=True)
class StreamWarning:
    """Something about a stream that its reader should know, though it did not end the stream.

    Attributes:
        kind: Which, as a stable word: `begun_anew`, `buffered`, `changed_attachment`, `cumulative_text`,
            `empty_answer`, `fewer_answers`, `invalid_arguments`, `malformed_event`, `other_api`, `overlapping_text`,
            `repeated_text`, `revised_text`, `too_many_answers`, `too_many_rounds`, `unknown_events`,
            `whole_answer`.
        happened: What happened, in a sentence.
        remedies: What can be done about it.
    """

    kind: str
    happened: str
    remedies: tuple[Remedy, ...] = ()

    @property
    def message(self) -> str:
        """What happened and what can be done, in the words of Python."""
        return self.told(Place.PYTHON)

    def told(self, place: Place) -> str:
        """The same in the words of a place."""
        return plain(encodable(told(self.happened, self.remedies, place)))  # it may come from a file

    def __setstate__(self, state: list[object]) -> None:
        """Take what was pickled; before there were remedies it had two fields."""
        for each, value in zip(fields(self), [*state, ()], strict=False):
            object.__setattr__(self, each.name, value)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What moderation says of a prompt or an answer.

    Attributes:
        subject: Which of them.
        outcome: `"clean"`, `"flagged"`, or `"unchecked"` if it could not be checked, which says nothing about it.
        categories: What it was flagged for, in the words of who has checked it.
        by: Who has: `"provider"`, `"openai"`, or the name of a function.
        reason: Why it could not be checked.

    Example:
        >>> Verdict("answer", "flagged", ("violence",), by="openai").sentence
        'Moderation (openai) flagged the answer: violence.'
    """

    subject: Literal["prompt", "answer"]
    outcome: Literal["clean", "flagged", "unchecked"]
    categories: tuple[str, ...] = ()
    by: str = "provider"
    reason: str = ""

    @property
    def sentence(self) -> str:
        """What a reader is told."""
        match self.outcome:
            case "clean":
                return f"Moderation ({self.by}) found nothing in the {self.subject}."
            case "flagged":
                what, details = f"Moderation ({self.by}) flagged the {self.subject}", ", ".join(self.categories)
            case _:
                what, details = f"The {self.subject} was not checked by moderation ({self.by})", self.reason
        return f"{what}: {details}." if details else f"{what}."


@dataclass(frozen=True, slots=True)
class Retry:
    """The pause before the request is sent again.

    Attributes:
        reason: Why, in a few words: `"rate limited"`.
        delay: How long the pause is, in seconds.
        attempt: The number of the attempt that follows; the first request was attempt 1.
        attempts: The maximum number of attempts.
    """

    reason: str
    delay: float
    attempt: int
    attempts: int

    def sentence(self, left: float | None = None) -> str:
        """What to show during the pause.

        Args:
            left: Seconds until it ends; by default the whole pause.

        Example:
            >>> Retry("rate limited", 2.0, attempt=2, attempts=3).sentence()
            'rate limited, retrying in 2 s · attempt 2 of 3'
        """
        seconds = max(0.0, self.delay if left is None else left)
        shown = f"{seconds:.0f}" if seconds >= 0.95 else f"{seconds:.1f}"
        return f"{self.reason}, retrying in {shown} s · attempt {self.attempt} of {self.attempts}"


@dataclass(frozen=True, slots=True)
class Round:
    """One of the requests that an answer took: the first, and each that continued it.

    Attributes:
        state: How it ended.
        finish_reason: Why, in the words of `StreamResult.finish_reason`.
        usage: Its own tokens.
        timing: Its own times.
        cost: Its own price in US dollars, where it is known.
        model: The model that answered.
        request_id: The `x-request-id` of its response.
        response_id: The id of its answer.
        attempts: How many times it was sent.
        output: What the server wants back when the results of its calls are sent, see `nbstream.events.Finished`.
        recorded_at: When it was recorded, if it was played from a recording.
    """

    state: StreamState
    finish_reason: str | None = None
    usage: Usage | None = None
    timing: Timing = _NO_TIME
    cost: float | None = None
    model: str | None = None
    request_id: str | None = None
    response_id: str | None = None
    attempts: int = 1
    output: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)
    recorded_at: datetime | None = None

    def __setstate__(self, state: list[object]) -> None:
        """Take what was pickled, also when there were fewer fields."""
        values = [*state, *(each.default for each in fields(self)[len(state) :])]
        for each, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, each.name, value)


def add_up(usages: Iterable[Usage | None]) -> Usage | None:
    """The sum of what is known; `None` if nothing is.

    Example:
        >>> add_up([Usage(1, 2, 3), None, Usage(10, 20, 30, cached_tokens=5)]) == Usage(11, 22, 33, cached_tokens=5)
        True
    """
    known = [usage for usage in usages if usage is not None]
    if len(known) < 2:
        return known[0] if known else None
    counts = zip(*map(_counts, known), strict=True)
    reported = ([each for each in column if each is not None] for column in counts)
    return Usage(*(sum(each) if each else None for each in reported))  # type: ignore[arg-type]


_counts = attrgetter(*(each.name for each in fields(Usage)))


class Continuation(Protocol):
    """What a result keeps in order to be resumed, see `nbstream.streaming.continuation`."""

    @property
    def in_background(self) -> bool:
        """Whether the server continues the answer without us, so that it can be resumed where it broke off."""
        ...

    @property
    def images(self) -> str:
        """Whether the answer was asked for with images from other servers as links or loaded."""
        ...

    def resume(self, result: Any, *, display: bool) -> Any:
        """Start the stream that continues `result`; returns its handle."""
        ...

    def resumed(self, result: Any, *, display: bool) -> Any:
        """The same, and wait for its end; returns the whole answer."""
        ...

    def asked_further(self, request: Any) -> Any:
        """A request with what has been asked in all rounds of the answer; `None` if it asks another model."""
        ...


@dataclass(frozen=True, slots=True, init=False)
class Choice(PartViews):
    """One of several answers to the same request (`n` above 1).

    Attributes:
        index: Its number.
        parts: What it is made of, in the order in which the server began them; its views mean what they mean in
            `StreamResult`, and so does `finish_reason`.
    """

    index: int
    parts: tuple[Part, ...]
    finish_reason: str | None

    def __init__(
        self,
        index: int,
        text: str = "",
        finish_reason: str | None = None,
        reasoning: str = "",
        refusal: str = "",
        tool_calls: tuple[ToolCall, ...] = (),
        *,
        parts: tuple[Part, ...] | None = None,
    ) -> None:
        made = given_parts(parts, text, reasoning, refusal, tool_calls)
        set_fields(self, index=index, parts=made, finish_reason=finish_reason)

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __setstate__(self, state: dict[str, Any] | list[Any]) -> None:
        restore(self, state)


def set_fields(frozen: object, **values: Any) -> None:
    """Set fields of a frozen value that is being made."""
    for name, value in values.items():
        object.__setattr__(frozen, name, value)


def restore(value: Any, state: dict[str, Any] | list[Any]) -> None:
    """Take what was pickled: fields by name, or, when the views were fields too, arguments in their order."""
    value.__init__(*state) if isinstance(state, list) else value.__init__(**state)
