"""The words that mark how an answer ended, and its facts, the same on every surface. Pure: result in, words out.

Each verdict has its own word, easy to spot in a notebook, and a sentence that says what happened and what to do. Both
are one line of plain text; a surface adds only its own escapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import ActivityPart, MediaPart, StreamState
from nbstream.text.money import shown_cost
from nbstream.text.place import Place
from nbstream.text.plain import plain
from nbstream.text.wording import WORDINGS, told

if TYPE_CHECKING:
    from nbstream.outcome import Timing, Verdict
    from nbstream.request import Footer
    from nbstream.result import StreamResult

__all__ = ["Mark", "facts_of", "footer_of", "mark_of", "notes_of"]


class Mark(NamedTuple):
    """How an answer ended, if not in the ordinary way: a word to spot and a sentence to read."""

    word: str
    sentence: str


# By the kind of the error. A kind that is missing here is a plain "Failed": its sentence says all there is to say.
_FAILURES = {
    "answer_too_long": "Limit reached",
    "approval": "Not allowed",
    "budget": "Over budget",
    "connect_timeout": "Timed out",
    "connection_lost": "Connection lost",
    "context_length": "Too long",
    "empty_answer": "Empty answer",
    "event_too_large": "Limit reached",
    "first_token_timeout": "Timed out",
    "invalid_answer": "Does not fit",
    "moderation": "Not checked",
    "no_recording": "No recording",
    "not_a_stream": "Not a stream",
    "quota": "Quota used up",
    "rate_limit": "Rate limited",
    "secrets": "Not sent",
    "server": "Server error",
    "size_limit": "Limit reached",
    "stalled": "Stalled",
    "time_budget": "Out of time",
    "time_limit": "Timed out",
    "total_timeout": "Timed out",
}
_ORDINARY = {"stop", "tool_calls"}
_AT_ONCE_SECONDS = 0.1


def mark_of(result: StreamResult, place: Place = Place.CELL, *, raised: bool = False) -> Mark | None:
    """The mark that belongs under an answer; `None` for one that simply ended.

    Args:
        result: The answer.
        place: Where it is read.
        raised: Whether the error of a failed one is shown below the mark, and says the rest.

    Example:
        >>> from nbstream.result import StreamResult
        >>> mark_of(StreamResult("Hello", StreamState.COMPLETED, "content_filter"))
        Mark(word='Filtered', sentence="The provider's content filter ended the answer.")
    """
    mark: Mark | None
    match result.state:
        case StreamState.FAILED:
            mark = _failed(result, place, raised=raised)
        case StreamState.CANCELLED:
            mark = _stopped(result, place)
        case StreamState.COMPLETED if result.text.strip() or result.refusal or _has_media(result):
            mark = _answered(result, place)
        case StreamState.COMPLETED:
            mark = _without_text(result, place)
        case _:
            return None
    return mark and Mark(mark.word, _line(mark.sentence))


def notes_of(result: StreamResult, place: Place = Place.CELL) -> list[str]:
    """The warnings that belong below the mark, each once; none while the stream is running.

    Args:
        result: The answer.
        place: Where it is read.
    """
    if not result.state.terminal:
        return []
    # That an answer is empty is what its mark says.
    messages = [warning.told(place) for warning in result.warnings if warning.kind != "empty_answer"]
    marked = _marking(result)
    messages += [each.sentence for each in result.moderation if each.outcome != "clean" and each is not marked]
    if result.choices:
        messages.append(
            f"There are {len(result.choices)} answers; all of them are in {WORDINGS[place].result}.choices."
        )
    return list(dict.fromkeys(map(_line, messages)))


def footer_of(result: StreamResult, footer: Footer = "short") -> list[str]:
    """What the line below an answer in a cell says: nothing that differs between two runs with the same answer.

    Only what a relay has left for its user does; where a relay says it, it is worth that.

    Args:
        result: The answer.
        footer: How much: nothing; of a completed answer its model, tokens and cost; or also of any answer how it ended.

    Example:
        >>> from nbstream.result import StreamResult, Usage
        >>> result = StreamResult("Hi", StreamState.COMPLETED, "stop", Usage(9, 1200, 1209), "m", cost=0.02)
        >>> footer_of(result), footer_of(result, "full")
        (['m', '1,200 tokens', '$0.020'], ['m', 'complete', '9 tokens in', '1,200 tokens out', '$0.020'])
    """
    usage, state = result.usage, result.state
    if footer == "none" or not state.terminal or (footer == "short" and state is not StreamState.COMPLETED):
        return []
    cost = _spent(result)
    if footer == "short":
        facts = [result.model, usage and _tokens(usage.output_tokens), cost]
    else:
        mark = mark_of(result)
        counts = [f"{_tokens(usage.input_tokens)} in", f"{_tokens(usage.output_tokens)} out"] if usage else []
        facts = [result.model, mark.word.lower() if mark else "complete", *counts, cost]
    return [_line(fact) for fact in (*facts, *_moderated(result), *_recorded(result), *_left(result)) if fact]


def _moderated(result: StreamResult) -> list[str]:
    """That the answer was checked, and by whom; what else moderation says is a mark or a note."""
    by = [each.by for each in result.moderation if (each.subject, each.outcome) == ("answer", "clean")]
    return [f"checked by {by[-1]}"] if by else []


def _spent(result: StreamResult) -> str | None:
    cost = result.total_cost
    return None if cost is None or (result.recorded_at is not None and not cost) else shown_cost(cost)


def _recorded(result: StreamResult) -> list[str]:
    """That the answer was played from a recording, of which day, and what that has saved."""
    if result.recorded_at is None:
        return []
    saved = [] if (cost := result.saved_cost) is None else [f"{shown_cost(cost)} saved"]
    return [*saved, f"recorded {result.recorded_at:%Y-%m-%d}"]


def _left(result: StreamResult) -> list[str]:
    """What a relay has left for its user."""
    quota = result.quota
    if quota is None:
        return []
    tokens = [] if quota.tokens is None else [f"{_tokens(max(0, quota.tokens))} left"]
    return tokens if quota.usd is None else [*tokens, f"{shown_cost(quota.usd)} left"]


def facts_of(result: StreamResult) -> list[str]:
    """The facts about an answer that has ended, in reading order; what is not known is left out, never guessed.

    Example:
        >>> from nbstream.result import StreamResult, Timing, Usage
        >>> timing = Timing(ttft=0.42, total=9.0, tokens_per_second=141.3)
        >>> facts_of(StreamResult("Hi", StreamState.COMPLETED, "stop", Usage(9, 1200, 1209), "m", timing=timing))
        ['m', 'complete', '1,200 tokens', 'first token after 0.42 s', '141 tokens/s']
    """
    mark, timing = mark_of(result), result.timing
    facts = [
        result.model,
        mark.word.lower() if mark else "complete",
        None if result.usage is None else _tokens(result.usage.output_tokens),
        None if timing.ttft is None else f"first token after {timing.ttft:.2f} s",
        _rate(timing),
        _spent(result),
        *_moderated(result),
        *_recorded(result),
        *_left(result),
    ]
    return [_line(fact) for fact in facts if fact]


def _rate(timing: Timing) -> str | None:
    """How fast the answer was written; unknown if all of it came at once, as a proxy delivers what it has held back."""
    writing = timing.total - timing.startup - (timing.ttft or 0.0)
    rate = timing.tokens_per_second
    return None if rate is None or writing < _AT_ONCE_SECONDS else f"{rate:,.0f} tokens/s"


def _tokens(count: int) -> str:
    return f"{count:,} token{'s' * (count != 1)}"


def _has_media(result: StreamResult) -> bool:
    return any(isinstance(part, MediaPart) for part in result.parts)


def _failed(result: StreamResult, place: Place, *, raised: bool) -> Mark | None:
    if result.error is None:
        return Mark("Failed", "The stream failed.")
    word = _FAILURES.get(result.error.kind, "Failed")
    if not raised:
        return Mark(word, result.error.told(place))
    whole = result.error.kind == "invalid_answer" and result.finish_reason in _ORDINARY
    happened = "The answer is not what its schema describes." if whole else "The answer is incomplete."
    return Mark(word, happened) if result.body or result.reasoning or result.tool_calls else None


def _stopped(result: StreamResult, place: Place) -> Mark:
    if not result.body:
        return Mark("Stopped", "You stopped the stream before the answer began.")
    return Mark("Stopped", _way_on(f"You stopped the answer after {len(result.body):,} characters.", result, place))


def _answered(result: StreamResult, place: Place) -> Mark | None:
    if result.refusal:
        words = f" Its words are in {WORDINGS[place].result}.refusal." if result.text else ""
        return Mark("Refused", f"The model refused to answer.{words}")
    if result.finish_reason not in _ORDINARY:
        return _ended(result, place)
    if (verdict := _marking(result)) is None:
        return None
    return Mark("Flagged" if verdict.outcome == "flagged" else "Not checked", verdict.sentence)


def _marking(result: StreamResult) -> Verdict | None:
    """The verdict that the mark is about, if it is about one: that on the answer, before that on the prompt."""
    wanted: tuple[str, ...] = ()
    if result.state is StreamState.FAILED:
        wanted = ("unchecked",) if result.error is not None and result.error.kind == "moderation" else ()
    elif result.state is StreamState.COMPLETED and result.finish_reason in {"content_filter", *_ORDINARY}:
        wanted = ("flagged", "unchecked")
    verdicts = [each for outcome in wanted for each in reversed(result.moderation) if each.outcome == outcome]
    return verdicts[0] if verdicts else None


def _filtered(result: StreamResult, otherwise: str) -> str:
    """Who has filtered the answer, and what became of the rest."""
    verdict = _marking(result)
    if verdict is None or verdict.outcome != "flagged":
        return otherwise
    if verdict.by == "provider":
        return verdict.sentence
    return f"{verdict.sentence} {'It was not sent.' if verdict.subject == 'prompt' else 'The rest was dropped.'}"


def _ended(result: StreamResult, place: Place) -> Mark:
    match result.finish_reason:
        case None:
            happened = "The server did not say why the answer ended, so it may be incomplete."
            return Mark("Reason unknown", _way_on(happened, result, place))
        case "length":
            happened = f"The token limit was reached ({WORDINGS[place].token_limit})."
            return Mark("Cut off", _way_on(happened, result, place))
        case "content_filter":
            return Mark("Filtered", _filtered(result, "The provider's content filter ended the answer."))
        case "stop_when":
            return Mark("Ended early", "The answer was ended by its stop condition (stop_when).")
        case reason:
            return Mark("Ended", f"The server ended the answer for a reason of its own: {reason}.")


def _way_on(happened: str, result: StreamResult, place: Place) -> str:
    """The sentence, with how to get the rest, where it can be had: of one answer of which there is some text."""
    return told(happened, [Remedy(RemedyKind.CONTINUE)] if result.text and not result.choices else [], place)


def _without_text(result: StreamResult, place: Place) -> Mark:
    """An output without a word of an answer needs one of ours in any case."""
    reason, name = result.finish_reason, WORDINGS[place].result
    more_tokens = [Remedy(RemedyKind.RAISE_TOKEN_LIMIT)]
    if reason == "content_filter":
        happened = _filtered(result, "The provider's content filter let no answer through.")
        return Mark("Filtered", told(happened, [Remedy(RemedyKind.REPHRASE)], place))
    if result.tool_calls:
        names = ", ".join(dict.fromkeys(call.name or "a tool without a name" for call in result.tool_calls))
        asked = Mark("Tool call", f"The model asks to call {names}; see {name}.tool_calls.")
        return asked if reason in _ORDINARY else _ended(result, place)
    if used := dict.fromkeys(part.name for part in result.parts if isinstance(part, ActivityPart)):
        asked = Mark("Tool call", f"The model asks for {', '.join(used)} and says nothing; see {name}.parts.")
        return asked if reason in _ORDINARY else _ended(result, place)
    # Some providers keep the thoughts to themselves and report only what they cost.
    hidden = result.usage is not None and bool(result.usage.reasoning_tokens)
    if result.reasoning or hidden:
        thoughts = f" Its reasoning is in {name}.reasoning." if result.reasoning else ""
        if reason == "length":
            return Mark("No answer", told("The token limit was used up by thinking.", more_tokens, place) + thoughts)
        return Mark("No answer", f"The model thought but did not answer.{thoughts}")
    if reason == "length":
        return Mark("Cut off", told("The token limit was reached before the answer began.", more_tokens, place))
    because = "" if reason is None or reason in _ORDINARY else f" (reason: {reason})"
    again = [Remedy(RemedyKind.REGENERATE), Remedy(RemedyKind.REPHRASE)]
    return Mark("Empty", told(f"The model ended without an answer{because}.", again, place))


def _line(sentence: str) -> str:
    return " ".join(plain(sentence).split())
