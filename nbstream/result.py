"""What a stream leaves behind, as a frozen value: its answer, made of parts, and what is known about it.

The same `StreamResult` serves as the snapshot of a stream in flight. It knows no wire format and no display.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.outcome import (
    Choice,
    Continuation,
    Quota,
    Retry,
    Round,
    StreamState,
    StreamWarning,
    Timing,
    Usage,
    Verdict,
    restore,
    set_fields,
)
from nbstream.parts import (
    ActivityPart,
    Citation,
    MediaPart,
    Part,
    PartViews,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    ToolRun,
    given_parts,
    summary_of,
)
from nbstream.text.money import shown_cost
from nbstream.text.plain import encodable, plain, truncated

if TYPE_CHECKING:
    from datetime import datetime

    from nbstream.failures import StreamFailure

__all__ = [
    "ActivityPart",
    "Choice",
    "Citation",
    "MediaPart",
    "Part",
    "Quota",
    "ReasoningPart",
    "RefusalPart",
    "Retry",
    "Round",
    "StreamResult",
    "StreamState",
    "StreamWarning",
    "TextPart",
    "Timing",
    "ToolCall",
    "ToolCallPart",
    "ToolRun",
    "Usage",
    "Verdict",
]


_NO_TIME = Timing()


_MOST_PARTS = 200
"""How many parts the metadata of a notebook output lists, which is sent again and again while the answer grows."""


@dataclass(frozen=True, slots=True, init=False, repr=False)
class StreamResult(PartViews):
    """The outcome of one stream, or its snapshot while it is running.

    Give either `parts`, or the views of which they are made: `StreamResult("Hi")` has one `TextPart`.

    Attributes:
        parts: What the answer is made of, in the order in which the server began it. `text` (partial unless `state` is
            `completed`), `reasoning`, `refusal`, `tool_calls` and `annotations` are views of it.
        state: Where the stream is.
        finish_reason: Why the answer ends, in OpenAI's word where the server's means the same (`"stop"`, `"length"`,
            `"content_filter"`, `"tool_calls"`), else in the server's; `None` if it gave none.
        usage: Token counts, or `None` if the server reported none.
        model: The model that answered, in the server's word; the requested one until it says.
        request_id: The `x-request-id` of the response, to quote when asking a provider about a problem.
        response_id: The id of the answer itself.
        choices: All the answers, if the request asked for several (`n` above 1); the fields above are of the first.
        warnings: What the reader should know about the stream, though it did not end it.
        logprobs: The log probabilities of the tokens, as the server sent them, if the request asked for them.
        retry: The pause before the next attempt, while the stream is in it.
        attempts: How many times the request was sent.
        parsed: The answer as a Python object, for structured output; `None` otherwise.
        error: What went wrong, if `state` is `failed`.
        timing: How long it took.
        cost: The price in US dollars, where it is known (`pip install "nbstream[cost]"`); `None` otherwise.
        continuation: What `resume` needs.
        rounds: The requests that the answer took, each with its own usage, timing and cost; `usage`, `timing` and the
            ids above are those of the last.
        recorded_at: When the answer was recorded, if it was played from a recording; its cost was then saved.
        quota: What is left after the answer, if it came through a relay that says so.
        moderation: What moderation says of the prompt and of the answer, as far as somebody has checked them.

    Example:
        ```python
        result = nbs.stream("Explain SSE", model="demo")
        result.text, result.usage.output_tokens, result.timing.ttft
        ```
    """

    parts: tuple[Part, ...]
    state: StreamState
    finish_reason: str | None
    usage: Usage | None
    model: str | None
    request_id: str | None
    response_id: str | None
    choices: tuple[Choice, ...]
    warnings: tuple[StreamWarning, ...]
    logprobs: tuple[Any, ...]
    retry: Retry | None
    attempts: int
    parsed: Any
    error: StreamFailure | None
    timing: Timing
    cost: float | None
    continuation: Continuation | None = field(repr=False, compare=False)
    rounds: tuple[Round, ...]
    recorded_at: datetime | None
    quota: Quota | None
    moderation: tuple[Verdict, ...]

    def __init__(
        self,
        text: str = "",
        state: StreamState = StreamState.PENDING,
        finish_reason: str | None = None,
        usage: Usage | None = None,
        model: str | None = None,
        request_id: str | None = None,
        response_id: str | None = None,
        reasoning: str = "",
        refusal: str = "",
        tool_calls: tuple[ToolCall, ...] = (),
        choices: tuple[Choice, ...] = (),
        warnings: tuple[StreamWarning, ...] = (),
        annotations: tuple[Any, ...] = (),
        logprobs: tuple[Any, ...] = (),
        retry: Retry | None = None,
        attempts: int = 1,
        parsed: Any = None,
        error: StreamFailure | None = None,
        timing: Timing = _NO_TIME,
        cost: float | None = None,
        continuation: Continuation | None = None,
        rounds: tuple[Round, ...] = (),
        *,
        parts: tuple[Part, ...] | None = None,
        recorded_at: datetime | None = None,
        quota: Quota | None = None,
        moderation: tuple[Verdict, ...] = (),
    ) -> None:
        set_fields(
            self,
            parts=given_parts(parts, text, reasoning, refusal, tool_calls, annotations),
            state=state,
            finish_reason=finish_reason,
            usage=usage,
            model=model,
            request_id=request_id,
            response_id=response_id,
            choices=choices,
            warnings=warnings,
            logprobs=logprobs,
            retry=retry,
            attempts=attempts,
            parsed=parsed,
            error=error,
            timing=timing,
            cost=cost,
            continuation=continuation,
            rounds=rounds,
            recorded_at=recorded_at,
            quota=quota,
            moderation=moderation,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __setstate__(self, state: dict[str, Any] | list[Any]) -> None:
        restore(self, state)

    @property
    def all_rounds(self) -> tuple[Round, ...]:
        """The requests that the answer took, also where they were not kept one by one."""
        if self.rounds or not self.state.terminal:
            return self.rounds
        facts = self.usage, self.timing, self.cost, self.model, self.request_id, self.response_id, self.attempts
        return (Round(self.state, self.finish_reason, *facts, recorded_at=self.recorded_at),)

    @property
    def total_cost(self) -> float | None:
        """What all the requests have cost together in US dollars, those of recordings nothing; `None` if not known."""
        rounds = self.all_rounds
        known = [each.cost for each in rounds if each.cost is not None and each.recorded_at is None]
        if known:
            return sum(known)
        return 0.0 if rounds and all(each.recorded_at is not None for each in rounds) else self.cost

    @property
    def saved_cost(self) -> float | None:
        """What the requests would have cost that were played from recordings; `None` where no price is known."""
        known = [each.cost for each in self.all_rounds if each.cost is not None and each.recorded_at is not None]
        return sum(known) if known else None

    def resume(self, *, display: bool = True) -> StreamResult:
        """Continue an answer that broke off, was stopped or was cut at its limit; wait for the end.

        A background Responses answer (`background=True`) is resumed after the last event that had arrived: nothing is
        lost or said twice. Any other answer is sent back as an assistant turn for the model to continue, which most
        models and servers do well, and is appended to. What tools have returned is sent back, too; none runs again.

        Args:
            display: Whether to draw the answer, from its beginning.

        Returns:
            The whole answer; `usage` and `timing` are those of the continuation.

        Raises:
            UsageError: The answer is complete, or is not from this session.
            StreamError: The continuation failed; the error's `result` holds all that had arrived.

        Example:
            ```python
            try:
                result = nbs.stream("Write a long story", model="gpt-5-mini")
            except nbs.StreamError as error:
                result = error.result.resume()
            ```
        """
        resumed: StreamResult = self._continuation().resumed(self, display=display)
        return resumed

    def start_again(self, *, display: bool = True) -> Any:
        """Like `resume`, but return a `StreamHandle` at once.

        Args:
            display: Whether to draw the answer, from its beginning.

        Raises:
            UsageError: The answer is complete, or is not from this session.

        Example:
            ```python
            handle = error.result.start_again()
            result = await handle
            ```
        """
        return self._continuation().resume(self, display=display)

    def _continuation(self) -> Continuation:
        if self.continuation is None:
            raise UsageError("this result can no longer be continued; run its prompt again")
        return self.continuation

    def show(self) -> None:
        """Draw the answer again, in full: below the cell that runs now, or in the terminal.

        Example:
            ```python
            stream_result.show()
            ```
        """
        _display("show_again").show(self)

    def insert(self, *, ask: bool = True) -> bool:
        """Put the `code` of the answer into a new cell below the one that runs now. Nothing runs it.

        Its first line says which model has written it, and when; in JupyterLab and Notebook 7 so does its metadata.

        Args:
            ask: Whether to ask first.

        Returns:
            Whether it has been put there.

        Raises:
            UsageError: Nobody can be asked, or there is no notebook.
        """
        inserted: bool = _display("insertion").insert_below(self, self.code, ask=ask)
        return inserted

    def summary(self) -> list[tuple[str, str]]:
        """The facts worth showing, as (name, value) pairs in reading order; unknown ones are left out."""
        facts: list[tuple[str, str | None]] = [
            ("state", str(self.state)),
            ("finish reason", self.finish_reason),
            ("model", self.model),
            ("characters", f"{len(self.text):,}"),
            ("tokens", f"{usage.input_tokens:,} in, {usage.output_tokens:,} out" if (usage := self.usage) else None),
            ("cost", None if self.cost is None else shown_cost(self.cost)),
            ("first token", None if self.timing.ttft is None else f"{self.timing.ttft:.2f} s"),
            ("total", f"{self.timing.total:.2f} s"),
            ("attempts", str(self.attempts) if self.attempts > 1 else None),
            ("recorded", None if self.recorded_at is None else f"{self.recorded_at:%Y-%m-%d %H:%M %Z}"),
            ("request id", self.request_id),
            *((f"moderation ({each.subject})", each.sentence) for each in self.moderation),
            *((f"warning ({each.kind})", each.message) for each in self.warnings),
            ("error", str(self.error) if self.error else None),
        ]
        return [(plain(name), plain(encodable(value))) for name, value in facts if value]  # some are a server's words

    def metadata(self) -> dict[str, Any]:
        """The facts that go into the saved notebook beside the answer, as JSON: no prompt and no key."""
        return {
            "state": str(self.state),
            "model": self.model,
            "finish_reason": self.finish_reason,
            "usage": None if self.usage is None else asdict(self.usage),
            "cost": self.cost,
            "request_id": self.request_id,
            "ttft": None if self.timing.ttft is None else round(self.timing.ttft, 4),
            "total": round(self.timing.total, 4),
            "startup": round(self.timing.startup, 4),
            "attempts": self.attempts,
            **({} if self.recorded_at is None else {"recorded_at": self.recorded_at.isoformat(timespec="seconds")}),
            **({"moderation": [asdict(each) for each in self.moderation]} if self.moderation else {}),
            "warnings": [warning.kind for warning in self.warnings],
            "error": None if self.error is None else self.error.kind,
            "parts": [summary_of(part) for part in self.parts[:_MOST_PARTS]],
        }

    def __repr__(self) -> str:
        facts = [
            str(self.state),
            self.model,
            None if self.usage is None else f"{self.usage.output_tokens:,} tokens",
            None if self.cost is None else shown_cost(self.cost),
            None if self.error is None else self.error.kind,
            repr(truncated(self.text, 60)),
        ]
        told = plain(encodable(", ".join(fact for fact in facts if fact)))  # some are a server's words
        return f"<StreamResult {' '.join(told.split())}>"

    def _ipython_display_(self) -> None:
        """Show nothing where the cell that runs now shows the answer already; else let IPython show the repr."""
        if not _display("drawn").Drawn.here(self):
            raise NotImplementedError

    def _display_(self) -> Any:
        """The answer, for a marimo cell that ends with it: its value takes the place of all that the cell has shown."""
        return _display("marimo").shown_by(_display("show_again").bundle_of(self))


def _display(module: str) -> Any:
    # Displays know results, so a result must not know displays before one of them is wanted.
    return import_module(f"nbstream.display.{module}")
