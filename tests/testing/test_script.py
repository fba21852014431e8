"""Scripted streams, and the session that `play` runs over them."""

import asyncio

import pytest

from nbstream.errors import ConnectionLostError, NotFoundError, RateLimitError, ServerError
from nbstream.events import EndOfStream, Event, Finished, Started, TextDelta
from nbstream.request import Position, TimeLimits
from nbstream.testing import RecordingSurface, ScriptedAttempts, ScriptedStream, play, run_virtually

END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]


def busy():
    return ServerError("busy", status=503, retryable=True)


def error_of(result):
    assert result.error is not None
    return result.error


# --- one stream -------------------------------------------------------------------------------------------------------


def test_steps_take_their_time():
    stream = ScriptedStream(0.5, [TextDelta("Hel")], 1.5, [TextDelta("lo")], END, connecting=2.0)
    result = play(stream)
    assert (result.text, result.state, result.request_id) == ("Hello", "completed", "req_1")
    assert (result.timing.ttft, result.timing.total) == (2.5, 4.0)
    assert (stream.opened, stream.closed) == (1, 1)


def test_answering_paces_the_pieces():
    result = play(ScriptedStream.answering("a", "b", "c", every=2.0))
    assert (result.text, result.timing.ttft, result.timing.total) == ("abc", 0.0, 4.0)


def test_a_stream_can_be_played_again():
    stream = ScriptedStream.answering("a")
    assert play(stream).text == play(stream).text == "a"
    assert (stream.opened, stream.closed, len(stream.requests)) == (2, 2, 2)


def test_an_exception_ends_the_stream():
    lost = ConnectionLostError("lost")
    result = play(ScriptedStream([TextDelta("Hi")], lost))
    assert (result.text, result.error) == ("Hi", lost)


def test_a_refusal_comes_after_connecting():
    stream = ScriptedStream(connecting=3.0, refusal=NotFoundError("no such model", status=404))
    result = play(stream)
    assert (error_of(result).status, result.timing.total) == (404, 3.0)
    assert (stream.opened, stream.closed, len(stream.requests)) == (0, 0, 1)


def test_limits_are_the_sessions_own():
    first = play(ScriptedStream(3600.0), limits=TimeLimits(first_token=5))
    assert error_of(first).kind == "first_token_timeout"
    total = play(ScriptedStream.answering(*"abc", every=4.0), limits=TimeLimits(total=6))
    assert (total.text, error_of(total).kind, total.timing.total) == ("ab", "total_timeout", 6.0)


def test_cancelling():
    stream = ScriptedStream([TextDelta("Hi")], 3600.0)
    result = play(stream, cancel_after=30.0)
    assert (result.text, result.state, result.timing.total) == ("Hi", "cancelled", 30.0)
    assert stream.closed == 1


def test_events_are_numbered_as_they_are_delivered(make_request):
    stream = ScriptedStream([Started("m"), TextDelta("a")], [], 0.0, [TextDelta("b")], numbered_from=7)
    seen: list[tuple[int | None, Position | None]] = []

    async def main():
        async with stream.open(make_request()) as opened:
            seen.append((None, opened.position()))
            seen.extend([(len(batch), opened.position()) async for batch in opened])

    run_virtually(main())
    at = [Position("scripted", number, None) for number in (8, 8, 9)]
    assert seen == [(None, None), (2, at[0]), (0, at[1]), (1, at[2])]


def test_a_stream_without_numbers_cannot_be_taken_up():
    assert ScriptedStream().position() is None


# --- several attempts -------------------------------------------------------------------------------------------------


def test_attempts_follow_one_another():
    attempts = ScriptedAttempts(
        busy(),
        ScriptedStream([Started("m")], ConnectionLostError("lost", retryable=True)),
        ScriptedStream.answering("Hi"),
    )
    result = play(attempts)
    assert (result.text, result.attempts, result.timing.total) == ("Hi", 3, 1.5)
    assert [attempt.opened for attempt in attempts.attempts] == [0, 1, 1]
    assert [attempt.closed for attempt in attempts.attempts] == [0, 1, 1]
    assert len(attempts.requests) == 3


def test_the_pause_is_the_one_the_error_asks_for():
    error = RateLimitError("slow down", status=429, retryable=True, retry_after=7.0)
    assert play(ScriptedAttempts(error, ScriptedStream.answering("Hi"))).timing.total == 7.0


@pytest.mark.parametrize("max_retries", [0, 1, 3])
def test_the_last_attempt_serves_all_further_ones(max_retries):
    attempts = ScriptedAttempts(busy())
    result = play(attempts, max_retries=max_retries)
    assert (result.state, error_of(result).status, result.attempts) == ("failed", 503, max_retries + 1)
    assert len(attempts.requests) == max_retries + 1


def test_no_attempt_is_no_script():
    with pytest.raises(ValueError, match="at least one attempt"):
        ScriptedAttempts()


# --- the surface ------------------------------------------------------------------------------------------------------


def test_a_surface_remembers(surface):
    result = play(ScriptedStream.answering("a", "b", "c", every=1.0), surface=surface)
    assert [frame.text for frame in surface.frames] == ["a", "ab", "abc"]
    assert surface.times == [0.0, 1.0, 2.0]
    assert surface.final == result
    assert surface.request.model == "scripted"
    assert surface.drawn.is_set()


def test_frames_are_paced(surface):
    play(ScriptedStream.answering(*"x" * 100, every=0.01), surface=surface, max_rate=5)
    assert 4 <= len(surface.frames) <= 6


def test_a_retry_is_drawn(surface):
    play(ScriptedAttempts(busy(), ScriptedStream.answering("Hi")), surface=surface)
    assert [frame.retry.delay for frame in surface.frames if frame.retry] == [0.5]


def test_a_surface_can_stop_the_stream():
    class Impatient(RecordingSurface):
        def draw(self, snapshot):
            super().draw(snapshot)
            assert self.stop is not None
            asyncio.get_running_loop().call_later(1.0, self.stop)

    surface = Impatient()
    result = play(ScriptedStream([TextDelta("Hi")], 3600.0), surface=surface)
    assert (result.state, result.timing.total) == ("cancelled", 1.0)


@pytest.mark.parametrize("call", ["draw", "close"])
def test_nothing_comes_after_the_end(surface, call):
    result = play(ScriptedStream.answering("Hi"), surface=surface)
    with pytest.raises(RuntimeError, match="after the end"):
        getattr(surface, call)(result)
