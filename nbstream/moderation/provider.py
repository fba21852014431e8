"""An answer that its provider moderates: it comes as it is written, and its verdict at its end. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.events import EndOfStream, Failed, Finished, Garbled, MediaDelta, Moderated, Unrecognized
from nbstream.moderation.policy import DEFAULT_MODEL
from nbstream.moderation.words import words_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.events import Event
    from nbstream.moderation.policy import Moderation
    from nbstream.outcome import Verdict

__all__ = ["ProviderAnswer", "asked_of_provider"]

_TROUBLE = (Failed, Garbled)
_NO_VERDICT = Moderated("answer", "unchecked", reason="the server gave no verdict")


class ProviderAnswer:
    """One answer, and what its provider says of it.

    Args:
        awaited: Whether the provider was asked to moderate the answer, and not only the prompt.

    Attributes:
        size: How many characters have come.
    """

    def __init__(self, *, awaited: bool) -> None:
        self.size = 0
        self._awaited = awaited
        self._held: list[Event] = []
        self._said: dict[str, Moderated] = {}
        self._has_words = self._finished = self._over = False

    def add(self, events: Sequence[Event]) -> None:
        """Hold what has come."""
        for event in events:
            self._note(event)
            self._held.append(event)

    def passed_through(self, events: Sequence[Event]) -> list[Event]:
        """What has come, with what is to be said if there is no verdict."""
        passed: list[Event] = []
        for event in events:
            self._note(event)
            if type(event) is EndOfStream:
                passed += self._missing()
            passed.append(event)
        return passed

    @property
    def verdicts(self) -> list[Verdict]:
        """What the provider says, of the answer first; that it says nothing of it is a verdict, too."""
        said = [*self._missing(), *(self._said[name] for name in ("answer", "prompt") if name in self._said)]
        # A prompt was sent already; whether it was checked says nothing about the answer.
        return [each.verdict for each in said if each.subject == "answer" or each.outcome == "flagged"]

    @property
    def has_words(self) -> bool:
        """Whether any of the answer has come."""
        return self._has_words

    @property
    def is_decided(self) -> bool:
        """Whether all that is to be said has been."""
        return self._over or (self._finished and "answer" in self._said)

    def released(self, *, whole: bool) -> list[Event]:
        """What is held, which is no longer held: all of it, or only what says nothing of the answer."""
        held, self._held = self._held, []
        kept = [_final(event) for event in held if whole or isinstance(event, _TROUBLE) or not _is_content(event)]
        if not whole:  # its end is another one
            kept = [event for event in kept if not isinstance(event, Finished | EndOfStream)]
        at = next((place for place, event in enumerate(kept) if type(event) is EndOfStream), len(kept))
        return [*kept[:at], *(self._missing() if self._over else ()), *kept[at:]]

    def _missing(self) -> list[Moderated]:
        return [_NO_VERDICT] if self._awaited and self._has_words and "answer" not in self._said else []

    def _note(self, event: Event) -> None:
        if type(event) is Moderated:
            self._said[event.subject] = event
        elif type(event) is Finished:
            self._finished = True
        elif type(event) is EndOfStream or isinstance(event, _TROUBLE):
            self._over = True
        elif _is_content(event):
            self._has_words = True
            self._said.pop("answer", None)  # it was of what came before
            said = words_in(event)
            self.size += len(said.text) if said else 0


def asked_of_provider(policy: Moderation) -> dict[str, Any]:
    """What a request says so that its provider moderates it, on both APIs.

    Source: the OpenAI API reference, `moderation` of "Create a model response" and "Create chat completion".

    Args:
        policy: What is wanted.
    """
    mode = "block" if policy.on_flagged == "block" else "score"
    asked = {"input": {"mode": mode}, "output": {"mode": mode}}
    if "prompt" not in policy.at:
        del asked["input"]
    if policy.at == ("prompt",):
        del asked["output"]
    return {"moderation": {"model": policy.model or DEFAULT_MODEL, "policy": asked}}


def _final(event: Event) -> Event:
    """The event, not to be followed by another attempt: what has come was paid for."""
    return replace(event, retryable=False) if type(event) is Failed else event


def _is_content(event: Event) -> bool:
    return isinstance(event, MediaDelta | Unrecognized) or words_in(event) is not None
