"""The moderation of one request: its prompt, and, as a stage before the answer is put together, what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.errors import AnswerTooLongError, StreamError
from nbstream.events import EndOfStream, Failed, Finished, Garbled, Moderated
from nbstream.moderation.checking import verdict_on
from nbstream.moderation.holding import Holding
from nbstream.moderation.provider import ProviderAnswer
from nbstream.moderation.refusal import raise_if_unchecked
from nbstream.moderation.running import Running
from nbstream.remedies import Remedy, RemedyKind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from nbstream.events import Event
    from nbstream.moderation.policy import Moderation
    from nbstream.outcome import Verdict
    from nbstream.request import Target

__all__ = ["ModerationStage"]

# After such a silence, what has come is checked without what may follow.
_QUIET_SECONDS = 1.5
_FILTERED = "content_filter"
_LAST = (EndOfStream, Failed, Garbled)
_ENDS = (Finished, *_LAST)


class ModerationStage:
    """Moderates the requests of one answer, and is their last stage. Each attempt at one begins anew.

    Args:
        policy: How.
        target: Whose moderation endpoint is asked, if one is.
        most: How many characters an answer may have.
        begun: The text of the answer that is there already, and is continued.

    Attributes:
        policy: As given.
        prompt: What was said of the prompt, once it was checked.
        cleared: Whether all that came of the answer may be shown, and so may be written to a file.
    """

    def __init__(self, policy: Moderation, target: Target | None, most: int, begun: str = "") -> None:
        self.policy = policy
        self.prompt: Verdict | None = None
        self.cleared = False
        self._target = target
        self._most = most
        self._begun = begun

    def after(self, begun: str) -> ModerationStage:
        """The same for one answer, of which there is this text already.

        Args:
            begun: The text.
        """
        return ModerationStage(self.policy, self._target, self._most, begun)

    @property
    def holds(self) -> bool:
        """Whether an answer is held back until it was checked."""
        return self.policy.holds

    async def check_prompt(self, text: str) -> Verdict:
        """What is said of the prompt.

        Args:
            text: All of it that is not the model's.
        """
        self.prompt = await verdict_on(text, "prompt", self.policy, self._target)
        return self.prompt

    def refuses(self, verdict: Verdict) -> bool:
        """Whether a verdict ends the answer."""
        if verdict.outcome == "clean" or self.policy.on_flagged == "notify":
            return False
        return verdict.outcome == "flagged" or self.policy.on_failure == "block"

    async def __call__(self, batches: AsyncIterator[list[Event]]) -> AsyncGenerator[list[Event]]:
        """What may be shown of an answer.

        Raises:
            ModerationError: It could not be checked.
        """
        self.cleared = False
        told: list[Event] = [] if self.prompt is None else [_told(self.prompt)]
        released = self._moderated(batches)
        try:
            async for batch in released:
                # Nobody asks for more after the end.
                self.cleared = any(isinstance(event, _LAST) for event in batch) and not self._is_refused(batch)
                yield [*told, *batch]
                told = []
        finally:
            await released.aclose()

    def _is_refused(self, batch: list[Event]) -> bool:
        said = (event.verdict for event in batch if isinstance(event, Moderated))
        return any(map(self.refuses, said))

    def _moderated(self, batches: AsyncIterator[list[Event]]) -> AsyncGenerator[list[Event]]:
        if self.policy.check == "provider":
            return self._by_provider(batches)
        return self._by_check(batches) if self.policy.at != ("prompt",) else _as_it_is(batches)

    async def _by_provider(self, batches: AsyncIterator[list[Event]]) -> AsyncGenerator[list[Event]]:
        answer = ProviderAnswer(awaited=self.policy.at != ("prompt",))
        try:
            async for batch in batches:
                if not self.holds:
                    yield answer.passed_through(batch)
                    continue
                answer.add(batch)
                self._check_size(answer.size)
                if not answer.is_decided:
                    continue
                refused = next(filter(self.refuses, answer.verdicts), None)
                released = answer.released(whole=refused is None)
                if refused is None:
                    yield released
                    continue
                yield [*released, *_end_of(refused)]
                raise_if_unchecked(refused)
                return
        except StreamError as error:
            error.retryable = error.retryable and not (self.holds and answer.has_words)  # it was paid for
            raise

    async def _by_check(self, batches: AsyncIterator[list[Event]]) -> AsyncGenerator[list[Event]]:
        held, running = Holding(self.policy, self._begun), Running(batches)
        told: list[Event] = []
        quiet = False
        try:
            while True:
                passage = None if running.checks else held.due(quiet=quiet, over=running.over)
                if passage is not None:
                    running.check(passage, verdict_on(passage.text, "answer", self.policy, self._target))
                if released := held.released(all_of_it=not self.holds):
                    yield _with(released, told)
                    told = []
                if running.over and not running.checks:
                    break
                batch, said = await running.wait(_QUIET_SECONDS)
                quiet = batch is None and said is None
                held.add(batch or ())
                self._check_size(held.size)
                if said is None:
                    continue
                if self.refuses(said.verdict):
                    yield [_told(said.verdict), *_end_of(said.verdict)]
                    raise_if_unchecked(said.verdict)
                    return
                held.passed(said.passage, said.verdict)
                told = [] if held.verdict is None else [_told(held.verdict)]
        finally:
            await running.close()
        if told:
            yield told
        if running.error is not None:
            self.cleared = True
            raise running.error

    def _check_size(self, size: int) -> None:
        """Do not hold more than an answer may have.

        Raises:
            AnswerTooLongError: There is more.
        """
        if size > self._most:
            raise AnswerTooLongError(
                f"The answer has more than {self._most:,} characters and has not ended.",
                remedies=[Remedy(RemedyKind.LONGER_ANSWER)],
            )


async def _as_it_is(batches: AsyncIterator[list[Event]]) -> AsyncGenerator[list[Event]]:
    async for batch in batches:
        yield batch


def _end_of(refused: Verdict) -> list[Event]:
    """The end of an answer that was flagged; one that was not checked has failed."""
    return [Finished(_FILTERED), EndOfStream(marked=True)] if refused.outcome == "flagged" else []


def _told(verdict: Verdict) -> Moderated:
    return Moderated(verdict.subject, verdict.outcome, verdict.categories, verdict.by, verdict.reason)


def _with(events: list[Event], told: list[Event]) -> list[Event]:
    """The events with what is told before the end."""
    at = next((place for place, event in enumerate(events) if isinstance(event, _ENDS)), len(events))
    return [*events[:at], *told, *events[at:]]
