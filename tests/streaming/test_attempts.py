"""A session that sends its request again: until when, what is forgotten, what is seen, and how it can end meanwhile.

Scripted streams in virtual time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nbstream.errors import (
    AuthenticationError,
    ConnectionLostError,
    NotAStreamError,
    RateLimitError,
    ServerError,
)
from nbstream.events import (
    Annotated,
    EndOfStream,
    Failed,
    Finished,
    Garbled,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
    Warned,
)
from nbstream.request import TimeLimits
from nbstream.result import Retry, Usage
from nbstream.testing import ScriptedAttempts, ScriptedStream, play
from tests.transport.over_http import verdict

if TYPE_CHECKING:
    from nbstream.result import StreamResult

HELLO = ScriptedStream.answering("Hel", "lo")


def busy(**fields: Any) -> ServerError:
    return ServerError("busy", status=503, retryable=True, **fields)


def test_it_is_sent_again_until_it_goes_well() -> None:
    attempts = ScriptedAttempts(busy(), busy(retry_after=7.0), HELLO)
    result = play(attempts)
    assert (*verdict(result), result.attempts, result.retry) == ("completed", "Hello", "", 3, None)
    assert result.timing.total == pytest.approx(0.5 + 7.0)
    assert attempts.requests == [attempts.requests[0]] * 3


def test_the_last_error_counts() -> None:
    errors = [busy(), RateLimitError("slow down", retryable=True), ServerError("gone", status=500, retryable=True)]
    result = play(ScriptedAttempts(*errors))
    assert (result.state, result.error, result.attempts) == ("failed", errors[2], 3)
    assert result.error is errors[2]
    assert errors[2].result is result


def test_an_error_that_will_not_go_away_ends_it() -> None:
    attempts = ScriptedAttempts(busy(), AuthenticationError("wrong key", status=401), HELLO)
    result = play(attempts)
    assert (*verdict(result), result.attempts) == ("failed", "", "authentication", 2)
    assert len(attempts.requests) == 2


@pytest.mark.parametrize(("max_retries", "sent"), [(0, 1), (1, 2), (2, 3), (5, 6)])
def test_it_is_sent_only_so_often(max_retries: int, sent: int) -> None:
    attempts = ScriptedAttempts(busy())
    result = play(attempts, max_retries=max_retries)
    assert (result.attempts, len(attempts.requests), result.retry) == (sent, sent, None)
    assert result.timing.total == pytest.approx(sum([0.5, 1, 2, 4, 8][:max_retries]))


BEFORE: list[Any] = [Started("m-1", "r1"), UsageReported(Usage(9, 9, 18)), Warned("whole_answer", "…")]


@pytest.mark.wire("B23", "C01")
@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(ConnectionLostError("cut", retryable=True), id="the connection broke"),
        pytest.param([Failed("overloaded", retryable=True)], id="the server reported an error"),
        pytest.param([*BEFORE, Failed("overloaded", retryable=True)], id="in one piece with other facts"),
    ],
)
@pytest.mark.parametrize("facts", [[], BEFORE], ids=["nothing", "facts"])
def test_before_the_answer_has_begun_it_is_sent_again(facts: list[Any], ending: Any) -> None:
    failing = ScriptedStream([], facts, 3.0, ending)
    result = play(ScriptedAttempts(failing, HELLO))
    assert (*verdict(result), result.attempts) == ("completed", "Hello", "", 2)
    assert (failing.opened, failing.closed) == (1, 1)


@pytest.mark.wire("B23", "C01")
@pytest.mark.parametrize(
    "content",
    [TextDelta("Half"), ReasoningDelta("Hm"), RefusalDelta("No"), ToolCallDelta(0, "a", "f"), TextDelta("Half", 1)],
    ids=lambda event: type(event).__name__,
)
@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(ConnectionLostError("cut", retryable=True), id="the connection broke"),
        pytest.param([Failed("overloaded", retryable=True)], id="the server reported an error"),
    ],
)
def test_what_has_begun_is_never_asked_for_again(content: Any, ending: Any) -> None:
    attempts = ScriptedAttempts(ScriptedStream([content], 3.0, ending), HELLO)
    result = play(attempts)
    assert (result.state, result.attempts, len(attempts.requests)) == ("failed", 1, 1)


@pytest.mark.wire("C01")
def test_content_in_one_piece_with_the_error_has_begun_too() -> None:
    attempts = ScriptedAttempts(ScriptedStream([TextDelta("Half"), Failed("overloaded", retryable=True)]), HELLO)
    assert (*verdict(play(attempts)), len(attempts.requests)) == ("failed", "Half", "server", 1)


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        pytest.param(ScriptedStream([Failed("bad request", kind="rejected")]), "rejected", id="a lasting error"),
        pytest.param(ScriptedStream([Failed("used up", kind="quota")]), "quota", id="a quota"),
        pytest.param(ScriptedStream([Garbled("HTML")]), "not_a_stream", id="no stream"),
        pytest.param(ScriptedStream([EndOfStream(marked=True)]), "empty_answer", id="an empty answer"),
        pytest.param(ScriptedStream(refusal=NotAStreamError("…")), "not_a_stream", id="refused for good"),
        pytest.param(ScriptedStream(3600.0), "first_token_timeout", id="silence"),
        pytest.param(ScriptedStream(ZeroDivisionError()), "internal", id="a bug"),
    ],
)
def test_what_would_only_happen_again_is_not_sent_again(stream: ScriptedStream, kind: str) -> None:
    attempts = ScriptedAttempts(stream, HELLO)
    result = play(attempts)
    assert (*verdict(result), len(attempts.requests)) == ("failed", "", kind, 1)


# --- what is forgotten ------------------------------------------------------------------------------------------------


def failing(*facts: Any) -> ScriptedStream:
    return ScriptedStream(list(facts), busy(), request_id="req_of_the_failed")


LEFT_OVER = [*BEFORE, Annotated({"type": "url_citation"})]


def facts_of(result: StreamResult) -> tuple[Any, ...]:
    return result.usage, result.model, result.response_id, result.warnings, result.annotations, result.finish_reason


def test_nothing_of_a_failed_attempt_is_in_the_answer() -> None:
    result = play(ScriptedAttempts(failing(*LEFT_OVER), ScriptedStream([TextDelta("Hi")], [EndOfStream(marked=True)])))
    assert (*verdict(result), result.request_id) == ("completed", "Hi", "", "req_1")
    assert facts_of(result) == (None, "scripted", None, (), (), None)


def test_nothing_of_a_failed_attempt_is_in_a_failure_of_the_next() -> None:
    result = play(ScriptedAttempts(failing(*LEFT_OVER), AuthenticationError("wrong key")))
    assert facts_of(result) == (None, "scripted", None, (), (), None)
    assert result.request_id is None


def test_a_pause_is_not_taken_for_a_proxy_that_holds_the_answer_back() -> None:
    result = play(ScriptedAttempts(busy(retry_after=30.0), ScriptedStream.answering("word " * 100)))
    assert (*verdict(result), result.warnings) == ("completed", "word " * 100, "", ())


# --- what is seen meanwhile -------------------------------------------------------------------------------------------


def test_the_pause_is_shown_and_then_forgotten(surface: Any) -> None:
    play(ScriptedAttempts(busy(retry_after=5.0), HELLO), surface=surface)
    first, *rest = surface.frames
    assert first.retry == Retry("server error", 5.0, attempt=2, attempts=3)
    assert (first.state, first.text, first.attempts) == ("pending", "", 1)
    assert surface.times[0] == pytest.approx(0.0)
    assert rest
    assert all(frame.retry is None and frame.attempts == 2 for frame in rest)
    assert surface.final.retry is None


def test_every_pause_is_shown_and_its_end_too(surface: Any) -> None:
    slow = ScriptedStream(4.0, [TextDelta("Hi")], [Finished("stop"), EndOfStream(marked=True)])
    play(ScriptedAttempts(busy(retry_after=3.0), RateLimitError("…", retryable=True), slow), surface=surface)
    drawn = zip(surface.times, surface.frames, strict=True)
    shown = [(round(at, 1), frame.retry and frame.retry.reason) for at, frame in drawn]
    assert shown[:4] == [(0.0, "server error"), (3.0, "rate limited"), (4.0, None), (8.0, None)]


def test_a_failure_after_pauses_is_shown_without_one(surface: Any) -> None:
    play(ScriptedAttempts(busy()), surface=surface)
    assert surface.final.retry is None
    assert surface.final.attempts == 3


# --- ends in the pause ------------------------------------------------------------------------------------------------


@pytest.mark.wire("B20")
def test_cancelling_in_the_pause_ends_it_at_once(surface: Any) -> None:
    attempts = ScriptedAttempts(busy(retry_after=30.0), HELLO)
    result = play(attempts, cancel_after=5.0, surface=surface)
    assert (*verdict(result), result.attempts, result.retry) == ("cancelled", "", "", 1, None)
    assert result.timing.total == pytest.approx(5.0)
    assert len(attempts.requests) == 1
    assert surface.final.retry is None


def test_a_pause_beyond_the_limit_of_the_whole_is_not_waited_for() -> None:
    attempts = ScriptedAttempts(busy(retry_after=30.0), HELLO)
    result = play(attempts, limits=TimeLimits(total=10.0))
    assert (*verdict(result), result.attempts, result.retry) == ("failed", "", "server", 1, None)
    assert result.timing.total == 0
    assert len(attempts.requests) == 1


def test_an_answer_whose_end_was_announced_is_not_asked_for_again() -> None:
    cut = ScriptedStream([Finished("length")], ConnectionLostError("cut", retryable=True))
    attempts = ScriptedAttempts(cut, HELLO)
    assert play(attempts).attempts == len(attempts.requests) == 1


def test_the_limit_of_the_whole_covers_all_attempts() -> None:
    slow = ScriptedStream(4.0, busy())
    result = play(ScriptedAttempts(slow), max_retries=9, limits=TimeLimits(total=10.0))
    assert (result.state, result.error and result.error.kind, result.attempts) == ("failed", "total_timeout", 3)
    assert result.timing.total == pytest.approx(10.0)
    assert slow.opened == slow.closed


def test_each_attempt_has_the_whole_time_for_its_first_token() -> None:
    slow = ScriptedStream(100.0, busy())
    late = ScriptedStream(119.0, [TextDelta("Hi")], [Finished("stop"), EndOfStream(marked=True)])
    result = play(ScriptedAttempts(slow, late))
    assert verdict(result) == ("completed", "Hi", "")
    assert result.timing.ttft == pytest.approx(100 + 0.5 + 119), "a reader has waited since the call"
