"""The four time limits, each with a class, a kind and words of its own, and what counts as progress.

Virtual time wherever no socket is needed; bytes pass through the real decoder.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from typing import TYPE_CHECKING, Any

import openai
import pytest

from nbstream.display.surface import NullSurface
from nbstream.errors import (
    ConnectTimeoutError,
    FirstTokenTimeoutError,
    StalledError,
    StreamError,
    TimeLimitError,
    TotalTimeoutError,
)
from nbstream.events import EndOfStream, Finished, Started, TextDelta
from nbstream.request import TimeLimits
from nbstream.streaming.rounds import Rounds
from nbstream.testing import (
    DONE,
    FaultServer,
    ScriptedAttempts,
    ScriptedBytes,
    ScriptedStream,
    VirtualLoop,
    chat_body,
    chat_chunk,
    frame,
    play,
)
from nbstream.text.place import Place
from nbstream.transport.open import ClientPool
from tests.transport.over_http import LONG, PATIENCE, SHORT, a_request, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager

    from nbstream.events import Event
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

FOREVER = 1e9
END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]


def limits_of(result: StreamResult) -> tuple[type[Any], str, bool]:
    error = result.error
    assert isinstance(error, TimeLimitError)
    return type(error), error.kind, error.retryable


# --- which limit it was -----------------------------------------------------------------------------------------------

LIMITS = TimeLimits(connect=5, first_token=20, stall=3, total=None)


@pytest.mark.parametrize(
    ("stream", "limits", "error", "kind", "after", "words"),
    [
        pytest.param(
            ScriptedStream(FOREVER), LIMITS, FirstTokenTimeoutError, "first_token_timeout", 20, "20 s", id="no answer"
        ),
        pytest.param(
            ScriptedStream(connecting=FOREVER),
            LIMITS,
            FirstTokenTimeoutError,
            "first_token_timeout",
            20,
            "localhost:8000 sent no part of an answer",
            id="no headers",
        ),
        pytest.param(
            ScriptedStream([TextDelta("Hi")], FOREVER), LIMITS, StalledError, "stalled", 3, "silent for 3 s", id="stall"
        ),
        pytest.param(
            ScriptedStream(*[step for _ in range(99) for step in ([TextDelta("x")], 1.0)]),
            TimeLimits(total=50),
            TotalTimeoutError,
            "total_timeout",
            50,
            "not complete within 50 s",
            id="too long an answer",
        ),
        pytest.param(
            ScriptedStream(FOREVER),
            TimeLimits(first_token=20, total=7.5),
            TotalTimeoutError,
            "total_timeout",
            7.5,
            "within 7.5 s",
            id="the whole before the beginning",
        ),
    ],
)
def test_each_limit_has_an_error_of_its_own(
    stream: ScriptedStream, limits: TimeLimits, error: type[Any], kind: str, after: float, words: str
) -> None:
    result = play(ScriptedAttempts(stream, ScriptedStream.answering("again")), limits=limits)
    assert limits_of(result) == (error, kind, False)
    assert result.error is not None
    assert words in result.error.message
    assert "localhost:8000" in result.error.message
    assert result.timing.total == pytest.approx(after)
    assert (result.state, result.attempts) == ("failed", 1)
    assert stream.closed == stream.opened


def test_a_reader_is_told_how_to_give_more_time() -> None:
    error = play(ScriptedStream(FOREVER)).error
    assert error is not None
    assert [each.kind for each in error.remedies] == ["more_time_to_begin"]
    assert error.told(Place.CELL).endswith("Give a slow model more time with --timeout SECONDS.")


@pytest.mark.parametrize("limits", [TimeLimits(stall=3), TimeLimits(total=3)], ids=["stall", "total"])
def test_what_had_arrived_is_kept_and_said_to_be(limits: TimeLimits) -> None:
    result = play(ScriptedStream([TextDelta("Hel"), TextDelta("lo")], FOREVER), limits=limits)
    assert result.text == "Hello"
    assert isinstance(result.error, StreamError)
    assert "5 characters" in result.error.message
    assert result.error.result is result


@pytest.mark.wire("B24")
@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(TimeLimits(stall=3), id="stall"),
        pytest.param(TimeLimits(total=3), id="total"),
    ],
)
def test_a_limit_that_passes_after_the_reason_was_given_ends_a_whole_answer(limits: TimeLimits) -> None:
    result = play(ScriptedStream([TextDelta("Hi"), Finished("stop")], FOREVER), limits=limits)
    assert verdict(result) == ("completed", "Hi", "")
    assert result.timing.total == pytest.approx(3)


# --- what stretches a limit, and what does not ------------------------------------------------------------------------


def test_a_limit_is_met_at_its_last_moment() -> None:
    stream = ScriptedStream(19.9, [TextDelta("a")], 2.9, [TextDelta("b")], 2.9, END)
    assert verdict(play(stream, limits=LIMITS)) == ("completed", "ab", "")


def test_stalls_are_not_added_up() -> None:
    stream = ScriptedStream(*[step for _ in range(500) for step in ([TextDelta("x")], 2.9)], END)
    assert verdict(play(stream, limits=LIMITS)) == ("completed", "x" * 500, "")


def test_without_a_limit_an_answer_may_take_days() -> None:
    stream = ScriptedStream(*[step for _ in range(5000) for step in ([TextDelta("x")], 59.0)], END)
    result = play(stream, limits=TimeLimits(total=None))
    assert result.state == "completed"
    assert result.timing.total > 3 * 86400


NOTHING = [
    pytest.param(b": ping\n\n", id="a comment"),
    pytest.param(b":\n\n", id="an empty comment"),
    pytest.param(b"data: : ping\n\n", id="a comment as data"),
    pytest.param(b"event: ping\ndata: {}\n\n", id="a named ping"),
    pytest.param(b"\n\n", id="blank lines"),
    pytest.param(b"retry: 10\n\n", id="a field"),
    pytest.param(chat_chunk({"role": "assistant"}), id="a role"),
    pytest.param(chat_chunk({"content": ""}), id="an empty piece"),
    pytest.param(chat_chunk({"content": None, "tool_calls": []}), id="empty fields"),
    pytest.param(frame({"choices": []}), id="no choices"),
    pytest.param(b"data: null\n\n", id="null"),
    pytest.param(b"dat", id="a piece of an event"),
]


@pytest.mark.wire("A01", "A02", "A22", "B13")
@pytest.mark.parametrize("nothing", NOTHING)
def test_what_says_nothing_is_no_progress(nothing: bytes) -> None:
    said_over_and_over = [each for _ in range(200) for each in (1.0, nothing)]
    before = play(ScriptedBytes(*said_over_and_over), limits=LIMITS)
    assert limits_of(before)[1] == "first_token_timeout"
    assert before.timing.total == pytest.approx(20)
    within = play(ScriptedBytes(chat_chunk("Hi"), 1.0, chat_chunk("!"), *said_over_and_over), limits=LIMITS)
    assert verdict(within) == ("failed", "Hi!", "stalled")
    assert within.timing.total == pytest.approx(1 + 3)


@pytest.mark.wire("B13", "B14")
@pytest.mark.parametrize(
    "something",
    [
        pytest.param(chat_chunk("x"), id="text"),
        pytest.param(chat_chunk(" "), id="a space"),
        pytest.param(chat_chunk({"reasoning_content": "Hm. "}), id="a thought"),
        pytest.param(chat_chunk({"refusal": "No. "}), id="a refusal"),
        pytest.param(
            chat_chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}}]}),
            id="a tool call",
        ),
    ],
)
def test_content_of_any_kind_is_progress(something: bytes) -> None:
    sent = [each for _ in range(100) for each in (2.9, something)]
    result = play(ScriptedBytes(17.0, something, *sent, chat_chunk("", "stop"), DONE), limits=LIMITS)
    assert result.state == "completed"
    assert result.timing.ttft == pytest.approx(17)


def test_facts_before_the_answer_leave_the_first_limit_as_it_is() -> None:
    facts = [step for number in range(99) for step in (1.0, [Started(f"m-{number}")])]
    result = play(ScriptedStream(*facts), limits=LIMITS)
    assert limits_of(result)[1] == "first_token_timeout"
    assert result.timing.total == pytest.approx(20)


@pytest.mark.wire("B24")
def test_after_the_reason_comments_do_not_hold_the_answer_open() -> None:
    pings = [each for _ in range(9999) for each in (1.0, b": ping\n\n")]
    result = play(ScriptedBytes(chat_chunk("Hi"), chat_chunk("", "stop"), *pings))
    assert verdict(result) == ("completed", "Hi", "")
    assert result.timing.total < TimeLimits().stall


class Loading:
    """A source that takes its time before it sends anything, as the SDK does when it is imported."""

    def __init__(self, stream: ScriptedStream) -> None:
        self._stream = stream

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[ScriptedStream]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.elapse(LIMITS.first_token + 1)
        return self._stream.open(request)


def test_loading_the_sdk_passes_neither_for_silence_nor_for_a_proxy_that_holds_streams_back() -> None:
    result = play(Loading(ScriptedStream([TextDelta("Hello " * 100)], END)), limits=LIMITS)
    assert verdict(result) == ("completed", "Hello " * 100, "")
    assert result.warnings == ()


# --- connecting -------------------------------------------------------------------------------------------------------


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a server that is not reached: its queue of connections is full, so further ones hang."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module", autouse=True)
def _sdk_is_loaded() -> None:
    """The SDK loads its parts at their first use, which takes long enough to be seen in a short limit."""
    assert openai.AsyncOpenAI(api_key="k", base_url="http://localhost:1/v1").chat.completions.with_streaming_response


def ask(url: str, *, max_retries: int = 0, linger: float = 0.25, **limits: Any) -> StreamResult:
    """Send a request over a real connection, with generous limits but for those given."""

    async def run() -> StreamResult:
        pool = ClientPool(linger)
        generous = {"connect": LONG, "first_token": LONG, "stall": LONG, **limits}
        request = a_request(url, limits=TimeLimits(**generous), max_retries=max_retries)
        pool.client_for(request)  # making a client takes long enough to be seen in a short limit
        try:
            return await Rounds(request, NullSurface(), pool).run()
        finally:
            await pool.close()

    return asyncio.run(asyncio.wait_for(run(), PATIENCE))


@pytest.mark.wire("B16")
@pytest.mark.sdk
def test_a_connection_that_is_not_made(deaf: str) -> None:
    result = ask(f"http://{deaf}/v1", connect=SHORT)
    assert limits_of(result) == (ConnectTimeoutError, "connect_timeout", True)
    assert result.error is not None
    assert f"No connection to {deaf} within {SHORT:g} s" in result.error.message


@pytest.mark.wire("B16")
@pytest.mark.sdk
def test_a_connection_that_is_not_made_is_tried_again(deaf: str) -> None:
    result = ask(f"http://{deaf}/v1", max_retries=1, connect=SHORT)
    assert (limits_of(result)[1], result.attempts) == ("connect_timeout", 2)


@pytest.mark.wire("B16")
@pytest.mark.sdk
def test_securing_a_connection_is_part_of_making_it(silent: str) -> None:
    assert limits_of(ask(f"https://{silent}/v1", connect=SHORT))[1] == "connect_timeout"


@pytest.mark.wire("B15")
@pytest.mark.sdk
def test_a_connection_that_was_made_is_no_longer_connecting(silent: str) -> None:
    result = ask(f"http://{silent}/v1", connect=SHORT, first_token=3 * SHORT)
    assert limits_of(result)[1] == "first_token_timeout"
    assert result.timing.total >= 3 * SHORT


@pytest.mark.wire("B16")
@pytest.mark.parametrize(
    ("first_token", "total", "kind"), [(SHORT, None, "first_token_timeout"), (15, SHORT, "total_timeout")]
)
@pytest.mark.sdk
def test_the_other_limits_hold_while_connecting(deaf: str, first_token: float, total: float | None, kind: str) -> None:
    result = ask(f"http://{deaf}/v1", first_token=first_token, total=total)
    assert limits_of(result)[1] == kind


# --- over a real connection -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        ({"first_token": SHORT}, "first_token_timeout"),
        ({"stall": SHORT}, "stalled"),
        ({"total": SHORT}, "total_timeout"),
    ],
)
def test_a_limit_that_passes_closes_the_connection(loopback: FaultServer, limits: dict[str, Any], kind: str) -> None:
    text = "" if kind == "first_token_timeout" else "Hi"
    loopback.send(chat_chunk(text), then="hold")
    assert verdict(ask(loopback.base_url, max_retries=2, **limits)) == ("failed", text, kind)
    loopback.wait(left=1)
    assert len(loopback.requests) == 1


@pytest.mark.wire("B24")
@pytest.mark.parametrize("limit", ["stall", "total"])
def test_a_limit_that_passes_while_the_server_lingers_changes_nothing(
    loopback: FaultServer, limit: str, caplog: pytest.LogCaptureFixture
) -> None:
    limits: dict[str, Any] = {limit: SHORT}
    loopback.send(chat_body("Hello"), then="hold")
    assert verdict(ask(loopback.base_url, linger=LONG, **limits)) == ("completed", "Hello", "")
    loopback.wait(left=1)
    gc.collect()
    assert not caplog.records, "an error that changes nothing is not told to anybody"
