"""One stream's events into its result. Pure: it is told what ended the stream and when, and never finds out by itself.

It owns the verdict. A stream is complete when the server said why it ends (a finish reason) or marked its end; bytes
that merely stop are a lost connection, and the text so far is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from nbstream.assembly.answer import Answer
from nbstream.assembly.reported import reported_error
from nbstream.assembly.state import Trigger, next_state
from nbstream.assembly.volume import ENTRY, volume_of
from nbstream.errors import ConnectionLostError, EmptyAnswerError, ServerError, StreamError, TimeLimitError, error_class
from nbstream.events import (
    MOST_ANSWERS,
    ActivityReported,
    Annotated,
    EndOfStream,
    Event,
    Failed,
    Finished,
    Garbled,
    LogprobsReported,
    MediaDelta,
    Moderated,
    PartEnded,
    PartResumed,
    PartStarted,
    ReasoningDelta,
    ReasoningRevised,
    RefusalDelta,
    Started,
    TextDelta,
    TextRevised,
    ToolCallAttempted,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallRevised,
    Unrecognized,
    UsageReported,
    Warned,
)
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import Choice, StreamResult, StreamState, StreamWarning, Usage, Verdict
from nbstream.text.cumulative import CUMULATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.assembly.builders import Words

__all__ = ["Assembler"]

# Words that servers give as the finish reason when they abandoned the answer.
_GIVEN_UP = {"abort", "aborted", "cancelled", "canceled", "error", "insufficient_system_resource", "network_error"}

# What the client alone noticed.
_WITHOUT_WORDS = (ConnectionLostError, EmptyAnswerError, TimeLimitError)

_REPETITIONS = {
    "begun_anew": "The server started the answer over instead of continuing it; both are kept.",
    "cumulative_text": CUMULATIVE,
    "overlapping_text": "The continuation repeated text that was already there; the repetition was dropped.",
    "repeated_text": "The last piece repeated the whole answer; the repetition was dropped.",
}

_PartFact: TypeAlias = (
    PartStarted
    | PartResumed
    | PartEnded
    | TextRevised
    | ReasoningRevised
    | ToolCallRevised
    | ToolCallEnded
    | ActivityReported
    | Annotated
)
_Fact: TypeAlias = _PartFact | Started | Finished | UsageReported | LogprobsReported | Moderated | Warned


class Assembler:
    """Collects one stream.

    Args:
        model: The model that was asked for, until the server names one.
        endpoint: The endpoint's name, for error messages.
        beginning: What exists already of an answer that is continued.
        resumed: Whether the server knows the beginning and continues its last part; otherwise what comes is new.
        choices: How many answers were asked for.

    Example:
        >>> assembler = Assembler(model="m", endpoint="localhost")
        >>> for event in (TextDelta("Hi"), Finished("stop"), EndOfStream(marked=True)):
        ...     assembler.feed(event)
        >>> assembler.snapshot().text, str(assembler.state)
        ('Hi', 'completed')
    """

    def __init__(
        self,
        *,
        model: str,
        endpoint: str,
        beginning: StreamResult | None = None,
        resumed: bool = False,
        choices: int = 1,
    ) -> None:
        self.state = StreamState.PENDING
        self.content_events = 0
        self._acted = False  # a tool has
        self.characters = 0  # all that has come, also what was taken back
        self.reason_given = False  # by some answer; `announced` says more, and costs more to ask
        self.usage: Usage | None = None
        self._endpoint = endpoint
        self._unrecognized = ""
        self._asked_for = choices
        beginning = beginning or StreamResult()
        self._model: str | None = beginning.model or model
        self._response_id = beginning.response_id
        self._first = Answer(beginning.parts, resumed=resumed)
        self._first_taken = False  # it is one of these
        self._answers: dict[int, Answer] = {}
        self._unannounced = 0  # how many of them go on, as far as the server has said
        self._surplus = Answer()
        self._warnings = {warning.kind: warning for warning in beginning.warnings}  # one of each kind
        self._verdicts: dict[Verdict, None] = dict.fromkeys(beginning.moderation)
        self._logprobs: list[Any] = list(beginning.logprobs)
        self.output: tuple[Mapping[str, Any], ...] = ()  # what the server wants back with the results of its calls
        self.error: StreamError | None = None

    @property
    def has_content(self) -> bool:
        """Whether anything of the answer has come; facts about it do not count."""
        return self.content_events > 0

    @property
    def part_count(self) -> int:
        """How many parts there are, in all the answers."""
        if len(self._answers) < 2:  # asked often
            return self._first.part_count
        answers = {id(answer): answer for answer in (self._first, self._surplus, *self._answers.values())}
        return sum(answer.part_count for answer in answers.values())

    @property
    def announced(self) -> bool:
        """Whether the server has said why the answer ends; usage and the end of the bytes may still follow."""
        return self._have_announced(self._asked_for)

    def _have_announced(self, count: int) -> bool:
        return len(self._answers) >= count and not self._unannounced

    def feed(self, event: Event) -> None:
        """Take the next event.

        Raises:
            IllegalTransitionError: The stream has already ended; nothing changes.
        """
        match event:
            case TextDelta(text, choice):
                self.characters += len(text)
                self._content(choice).add_text(event)
            case ReasoningDelta(text, choice):
                self.characters += len(text)
                self._content(choice).add_reasoning(text, summary=event.summary)
            case RefusalDelta(text, choice):
                self.characters += len(text)
                self._content(choice).add_refusal(text)
            case ToolCallDelta():
                self.characters += volume_of(event)
                self._content(event.choice).add_tool_call(event)
            case MediaDelta():
                self.characters += volume_of(event)
                self._content(event.choice).add_media(event)
            case EndOfStream(marked):
                self._end(marked=marked)
            case Failed() | Garbled() | Unrecognized():
                self._take_trouble(event)
            case ToolCallAttempted() | ToolCallCompleted():
                pass  # what becomes of calls is no news from the server
            case _:
                self.characters += volume_of(event)
                self.state = next_state(self.state, Trigger.CONTENT)
                self._take_fact(event)

    def _take_trouble(self, event: Failed | Garbled | Unrecognized) -> None:
        match event:
            case Unrecognized(text):
                self._unrecognized = text
            case Failed():
                if not self.is_known(event):
                    self.fail(self.error_of(event))
            case Garbled(message, remedies, kind):
                if self.announced:
                    self._warn("malformed_event", f"{message}. The answer was already complete.")
                else:
                    self.fail(error_class(kind)(f"{message}.", remedies=remedies))

    def is_known(self, event: Failed) -> bool:
        """Whether an error only repeats what the server has said already: that the answer was cut at a limit."""
        return event.kind == "context_length" and self.announced and self._first.finish_reason == "length"

    def error_of(self, event: Failed) -> StreamError:
        """The error that a server's report amounts to."""
        return reported_error(event, self._endpoint, self._model)

    def break_off(self, error: StreamError) -> None:
        """End the stream because of `error`.

        A server that has said why the answer ends may close uncleanly, or not at all; then the answer is complete.
        """
        # A server that does not give as many answers as were asked for may well wait with the end.
        expected = 1 if isinstance(error, TimeLimitError) else self._asked_for
        if isinstance(error, ConnectionLostError | TimeLimitError) and self._have_announced(expected):
            self._end(marked=False)
        else:
            self.fail(error)

    def fail(self, error: StreamError) -> None:
        """End the stream as failed, keeping what had arrived."""
        state = next_state(self.state, Trigger.FAIL)
        self._close()
        if isinstance(error, _WITHOUT_WORDS) or error.code in _GIVEN_UP:
            error.args = (f"{error.happened}{self._last_words()}",)
        characters = sum(each.size for each in self.texts)
        if not characters and isinstance(error, ConnectionLostError):
            error.remedies += (Remedy(RemedyKind.RETRY),)
        elif characters:
            count = f"{characters:,} characters" if characters > 1 else "one character"
            error.args = (f"{error.happened} What had arrived ({count}) is kept.",)
            if len(self._answers) < 2 and Remedy(RemedyKind.ASK_ANEW) not in error.remedies:
                error.remedies = (Remedy(RemedyKind.CONTINUE), *error.remedies)
        self.error = error
        self.state = state

    def cancel(self) -> None:
        """End the stream as cancelled by the user, keeping what had arrived."""
        state = next_state(self.state, Trigger.CANCEL)
        self._close()
        self.state = state

    @property
    def texts(self) -> tuple[Words, ...]:
        """The texts of the answer, while they grow. Any thread may ask."""
        return self._first.texts

    def snapshot(self, **outside: Any) -> StreamResult:
        """The result so far.

        Args:
            **outside: The fields that only the outside knows: `timing`, `request_id`, `retry`, `attempts`, …
        """
        state = self.state  # read first and set last, because other threads may ask: `completed` means all is there
        first = self._first.value(0)
        return StreamResult(
            parts=first.parts,
            state=state,
            finish_reason=first.finish_reason,
            usage=self.usage,
            model=self._model,
            response_id=self._response_id,
            choices=self._choices(),
            warnings=tuple(self._warnings.values()),
            logprobs=tuple(self._logprobs),
            moderation=tuple(self._verdicts),
            error=self.error,
            **outside,
        )

    def _take_fact(self, event: _Fact) -> None:
        match event:
            case Started(model, response_id):
                self._model = model or self._model
                self._response_id = response_id or self._response_id
            case UsageReported(usage):
                self.usage = usage
            case Finished(reason, choice):
                self.reason_given = True
                self.output = event.output or self.output
                answer = self._answer(choice)
                self._unannounced -= answer.finish_reason is None and answer is not self._surplus
                if answer.finish_reason != "length" or reason.lower() not in _GIVEN_UP:
                    answer.finish_reason = reason  # that the answer was cut is not told once more as an error
            case LogprobsReported(tokens):
                self._logprobs.extend(tokens)
            case Moderated():
                self._verdicts[event.verdict] = None
            case Warned(kind, message, remedies):
                self._warn(kind, message, remedies)
            case _:
                self._take_part_fact(event)

    def _take_part_fact(self, event: _PartFact) -> None:
        match event:
            case PartStarted():
                self._answer(event.choice).start(event)
            case PartResumed(part, choice):
                self._answer(choice).resume(part)
            case PartEnded(part, choice):
                self._answer(choice).end(part)
            case TextRevised(text, part, choice):
                self._content(choice).revise_text(text, part)
            case ReasoningRevised(text, choice):
                self._content(choice).revise_reasoning(text)
            case ToolCallRevised(index, arguments):
                self._first.tool_calls.revise(index, arguments)
            case ToolCallEnded(index):
                self._first.tool_calls.end(index)
            case ActivityReported():
                self._acted = True
                self._first.report(event)
            case Annotated():
                self._answer(event.choice).cite(event)
            case _:
                assert_never(event)

    def _content(self, choice: int) -> Answer:
        """Count a piece of an answer, and return the answer."""
        if self.state is not StreamState.STREAMING:
            self.state = next_state(self.state, Trigger.CONTENT)
        self.content_events += 1
        answer = self._answers.get(choice) or self._answer(choice)
        if answer.finish_reason is not None:
            self._unannounced += answer.announced and answer is not self._surplus
            answer.note_late_piece()
        return answer

    def _answer(self, choice: int) -> Answer:
        known = self._answers.get(choice)
        if known is not None:
            return known
        if len(self._answers) >= max(self._asked_for, MOST_ANSWERS):
            self._warn("too_many_answers", f"There were more than {len(self._answers)} answers; the rest is left out.")
            return self._surplus
        # Some servers begin to count at 1: what comes first is shown, unless several are to come.
        self.characters += ENTRY if self._first_taken else 0
        made = Answer() if self._first_taken or (choice and self._asked_for > 1) else self._first
        self._first_taken = self._first_taken or made is self._first
        self._answers[choice] = made
        self._unannounced += made.finish_reason is None
        if not choice:
            self._first = made
            self._first_taken = True
        return made

    def _choices(self) -> tuple[Choice, ...]:
        answers = sorted(self._answers.copy().items())
        return tuple(answer.value(index) for index, answer in answers) if len(answers) > 1 else ()

    def _end(self, *, marked: bool) -> None:
        """The bytes have ended, or nothing more is waited for."""
        reasons = [answer.finish_reason for answer in self._answers.values()]
        if given_up := next((reason for reason in reasons if reason and reason.lower() in _GIVEN_UP), None):
            self.fail(ServerError(f"{self._endpoint} gave up on the answer ({given_up}).", code=given_up))
        elif not self.has_content and not self._acted and not any(reasons):
            self.fail(
                EmptyAnswerError(
                    f"{self._endpoint} ended the response without an answer.",
                    remedies=[Remedy(RemedyKind.RETRY), Remedy(RemedyKind.CHECK_SERVER)],
                )
            )
        elif not marked and not (reasons and all(each.ended for each in self._answers.values())):
            lost = f"{self._endpoint} closed the connection in the middle of the answer."
            self.fail(ConnectionLostError(lost, retryable=True))
        else:
            self._complete()

    def _complete(self) -> None:
        state = next_state(self.state, Trigger.COMPLETE)
        self._close()
        said_nothing = not self.has_content and not self._acted
        if said_nothing and self.usage is None and self._first.finish_reason == "stop":
            said = f"{self._endpoint} ended the answer without any text or usage.{self._last_words()}"
            self._warn("empty_answer", said)
        if 0 < len(self._answers) < self._asked_for:
            given = f"{len(self._answers)} answer{'s' * (len(self._answers) > 1)}"
            self._warn("fewer_answers", f"{self._endpoint} gave {given} instead of {self._asked_for}.")
        if not all(answer.tool_calls.all_valid for answer in self._answers.values()):
            self._warn("invalid_arguments", "The arguments of a tool call are not valid JSON.")
        self.state = state

    def _close(self) -> None:
        if self._answers and 0 not in self._answers:
            self._first = self._answers[min(self._answers)]
        for answer in (self._first, *self._answers.values()):  # what was there already, if nothing has come
            answer.close()
            for kind in answer.repetitions:
                self._warn(kind, _REPETITIONS[kind])

    def _last_words(self) -> str:
        """A sentence that quotes what nothing understood."""
        return f" The last thing it sent: {self._unrecognized}." if self._unrecognized else ""

    def _warn(self, kind: str, happened: str, remedies: tuple[Remedy, ...] = ()) -> None:
        self._warnings.setdefault(kind, StreamWarning(kind, happened, remedies))
