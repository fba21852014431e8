"""The words that mark how an answer ended, and its facts, the same on every surface. Pure: result in, words out.

Each verdict has a word of its own, for the eye that runs down a notebook, and a sentence that says what happened and
what to do. Both are one line of plain text; a surface adds only its own escapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbstream.money import shown_cost
from nbstream.plain import plain
from nbstream.result import MediaPart, StreamState

if TYPE_CHECKING:
    from nbstream.result import StreamResult

__all__ = ["IN_A_CELL", "IN_A_PANEL", "Mark", "Ways", "footer_of", "mark_of", "notes_of"]


class Mark(NamedTuple):
    """How an answer ended, if not in the ordinary way: a word for the eye and a sentence for the rest."""

    word: str
    sentence: str


class Ways(NamedTuple):
    """How a reader gets further, in the words of the place where the answer is shown.

    Attributes:
        result: Where the whole result is.
        go_on: What gets the rest of a partial answer.
        limit: What sets the token limit.
        again: What asks once more.
        words: What errors and warnings say to the reader of a cell, and what to say here, the longest first.
    """

    result: str
    go_on: str
    limit: str
    again: str
    words: tuple[tuple[str, str], ...] = ()

    def worded(self, sentence: str) -> str:
        """An error's or a warning's sentence in the words of this place.

        Example:
            >>> IN_A_PANEL.worded("Wait a little and run the cell again.")
            'Wait a little and ask again.'
        """
        for in_a_cell, here in self.words:
            sentence = sentence.replace(in_a_cell, here)
        return sentence


IN_A_CELL = Ways("stream_result", "%stream_continue goes on from there", "--max-tokens", "Run the cell again")
IN_A_PANEL = Ways(
    "panel.result",
    "Continue goes on from there",
    "Max tokens in the settings",
    "Ask for another answer",
    (
        (
            "or name a compatible server with --base-url URL, or try the built-in demo model with -m demo",
            "or name a compatible server with ChatPanel(base_url=…), or choose the built-in demo model: demo",
        ),
        ("name one with -m MODEL (in Python, model=…) or NBSTREAM_MODEL", "choose one below"),
        ("%stream_continue goes on from there", "Continue goes on from there"),
        ("Run the cell again to retry", "Ask again"),
        ("Run the cell again", "Ask again"),
        ("run the cell again", "ask again"),
        ("--max-tokens", "Max tokens in the settings"),
        ("--timeout SECONDS", "panel.chat.configure(timeout=…)"),
        ("--total-timeout", "panel.chat.configure(total_timeout=…)"),
        ("--api chat", 'panel.chat.configure(api="chat")'),
        ("--api responses", 'panel.chat.configure(api="responses")'),
    ),
)

# By the kind of the error. A kind that is missing here is a plain "Failed": its sentence says all there is to say.
_FAILURES = {
    "connect_timeout": "Timed out",
    "connection_lost": "Connection lost",
    "context_length": "Too long",
    "empty_answer": "Empty answer",
    "first_token_timeout": "Timed out",
    "not_a_stream": "Not a stream",
    "quota": "Quota used up",
    "rate_limit": "Rate limited",
    "server": "Server error",
    "stalled": "Stalled",
    "time_limit": "Timed out",
    "total_timeout": "Timed out",
}
_ORDINARY = {"stop", "tool_calls"}


def mark_of(result: StreamResult, ways: Ways = IN_A_CELL) -> Mark | None:
    """The mark that belongs under an answer; `None` for one that simply ended.

    Args:
        result: The answer.
        ways: How the reader gets further.

    Example:
        >>> from nbstream.result import StreamResult
        >>> mark_of(StreamResult("Hello", StreamState.COMPLETED, "content_filter"))
        Mark(word='Filtered', sentence="The provider's content filter ended the answer.")
    """
    mark: Mark | None
    match result.state:
        case StreamState.FAILED:
            mark = _failed(result, ways)
        case StreamState.CANCELLED:
            mark = _stopped(result, ways)
        case StreamState.COMPLETED if result.text.strip() or result.refusal or _has_media(result):
            mark = _answered(result, ways)
        case StreamState.COMPLETED:
            mark = _without_text(result, ways)
        case _:
            return None
    return mark and Mark(mark.word, _line(mark.sentence))


def notes_of(result: StreamResult, ways: Ways = IN_A_CELL) -> list[str]:
    """The warnings that belong below the mark, each once; none while the stream goes on.

    Args:
        result: The answer.
        ways: How the reader gets further.
    """
    if not result.state.terminal:
        return []
    # That an answer is empty is what its mark says.
    messages = [ways.worded(warning.message) for warning in result.warnings if warning.kind != "empty_answer"]
    if result.choices:
        messages.append(f"There are {len(result.choices)} answers; all of them are in {ways.result}.choices.")
    return list(dict.fromkeys(map(_line, messages)))


def footer_of(result: StreamResult) -> list[str]:
    """The facts about an answer that has ended, in reading order; what is not known is left out, never guessed.

    Example:
        >>> from nbstream.result import StreamResult, Timing, Usage
        >>> timing = Timing(ttft=0.42, total=9.0, tokens_per_second=141.3)
        >>> footer_of(StreamResult("Hi", StreamState.COMPLETED, "stop", Usage(9, 1200, 1209), "m", timing=timing))
        ['m', 'complete', '1,200 tokens', 'first token after 0.42 s', '141 tokens/s']
    """
    mark, timing = mark_of(result), result.timing
    facts = [
        result.model,
        mark.word.lower() if mark else "complete",
        None
        if result.usage is None
        else f"{result.usage.output_tokens:,} token{'s' * (result.usage.output_tokens != 1)}",
        None if timing.ttft is None else f"first token after {timing.ttft:.2f} s",
        None if timing.tokens_per_second is None else f"{timing.tokens_per_second:,.0f} tokens/s",
        None if (cost := result.total_cost) is None else shown_cost(cost),
    ]
    return [_line(fact) for fact in facts if fact]


def _has_media(result: StreamResult) -> bool:
    return any(isinstance(part, MediaPart) for part in result.parts)


def _failed(result: StreamResult, ways: Ways) -> Mark:
    if result.error is None:
        return Mark("Failed", "The stream failed.")
    return Mark(_FAILURES.get(result.error.kind, "Failed"), ways.worded(result.error.message))


def _stopped(result: StreamResult, ways: Ways) -> Mark:
    if not result.body:
        return Mark("Stopped", "You stopped the stream before the answer began.")
    return Mark("Stopped", f"You stopped the answer after {len(result.body):,} characters{_way_on(result, ways)}.")


def _answered(result: StreamResult, ways: Ways) -> Mark | None:
    if result.refusal:
        words = f" Its words are in {ways.result}.refusal." if result.text else ""
        return Mark("Refused", f"The model refused to answer.{words}")
    return None if result.finish_reason in _ORDINARY else _ended(result, ways)


def _ended(result: StreamResult, ways: Ways) -> Mark:
    match result.finish_reason:
        case None:
            words = "The server gave no reason for the end, so the answer may be whole or cut"
            return Mark("Reason unknown", f"{words}{_way_on(result, ways)}.")
        case "length":
            return Mark("Cut off", f"The token limit was reached ({ways.limit}){_way_on(result, ways)}.")
        case "content_filter":
            return Mark("Filtered", "The provider's content filter ended the answer.")
        case "stop_when":
            return Mark("Ended early", "The answer was ended by its stop condition (stop_when).")
        case reason:
            return Mark("Ended", f"The server ended the answer for a reason of its own: {reason}.")


def _way_on(result: StreamResult, ways: Ways) -> str:
    """How to get the rest, where it can be had: of one answer of which there is some text."""
    return f"; {ways.go_on}" if result.text and not result.choices else ""


def _without_text(result: StreamResult, ways: Ways) -> Mark:
    """An output without a word of an answer needs one of ours in any case."""
    reason, thoughts = result.finish_reason, f"What it thought is in {ways.result}.reasoning."
    if reason == "content_filter":
        return Mark("Filtered", "The provider's content filter let no answer through; try other words.")
    if result.tool_calls:
        names = ", ".join(dict.fromkeys(call.name or "a tool without a name" for call in result.tool_calls))
        asked = Mark("Tool call", f"The model asks to call {names}, see {ways.result}.tool_calls.")
        return asked if reason in _ORDINARY else _ended(result, ways)
    # Some providers keep the thoughts to themselves and report only what they cost.
    hidden = result.usage is not None and bool(result.usage.reasoning_tokens)
    if result.reasoning or hidden:
        shown = f" {thoughts}" if result.reasoning else ""
        if reason == "length":
            return Mark("No answer", f"The token limit went into thinking; allow more with {ways.limit}.{shown}")
        return Mark("No answer", f"The model thought but did not answer.{shown}")
    if reason == "length":
        return Mark("Cut off", f"The token limit was reached before the answer began; allow more with {ways.limit}.")
    because = "" if reason is None or reason in _ORDINARY else f" (reason: {reason})"
    return Mark("Empty", f"The model ended without an answer{because}. {ways.again}, or try other words.")


def _line(sentence: str) -> str:
    return " ".join(plain(sentence).split())
