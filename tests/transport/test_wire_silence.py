"""A server that says nothing: before the answer, within it, and a proxy that holds everything back."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from nbstream.display.surface import NullSurface
from nbstream.events import EndOfStream, Finished, Started, TextDelta
from nbstream.request import TimeLimits
from nbstream.streaming.rounds import Rounds
from nbstream.testing import FaultServer, RecordingSurface, ScriptedStream, chat_body, chat_chunk, play
from nbstream.transport.open import ClientPool
from tests.transport.over_http import LONG, PATIENCE, SHORT, a_request, ask, verdict

if TYPE_CHECKING:
    from nbstream.result import StreamResult
    from nbstream.testing.script import Step

PING = b": ping\n\n"
HI: list[Step] = [[TextDelta("Hi")], [Finished("stop"), EndOfStream(marked=True)]]


# --- a proxy that holds everything back -------------------------------------------------------------------------------


def burst(silence: float, pieces: int, pause: float = 0.0) -> ScriptedStream:
    steps: list[Step] = [[Started("m")], silence]
    for number in range(pieces):
        steps += [[TextDelta(f"word {number:04} ")], pause]
    return ScriptedStream(*steps, [Finished("stop"), EndOfStream(marked=True)])


@pytest.mark.wire("B12")
def test_a_burst_after_silence_is_told_and_does_not_flood_the_display() -> None:
    surface = RecordingSurface()
    result = play(burst(60.0, 3000), surface=surface)
    assert (result.state, len(result.text)) == ("completed", 30_000)
    assert [warning.kind for warning in result.warnings] == ["buffered"]
    assert len(surface.frames) <= 2
    assert surface.final is not None
    assert surface.final.warnings == result.warnings


@pytest.mark.wire("B12")
@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(burst(0.1, 3000), id="fast from the beginning"),
        pytest.param(burst(60.0, 300, 0.02), id="slow to begin"),
        pytest.param(burst(60.0, 1), id="a short answer"),
    ],
)
def test_an_answer_that_was_not_held_back_is_not_said_to_be(stream: ScriptedStream) -> None:
    assert play(stream).warnings == ()


# --- silence before the answer ----------------------------------------------------------------------------------------


@pytest.mark.wire("B15")
def test_no_headers(loopback: FaultServer) -> None:
    loopback.send(chat_body("late"), before_head=math.inf)
    assert verdict(ask(loopback.base_url, first_token=SHORT, max_retries=2)) == ("failed", "", "first_token_timeout")
    loopback.wait(left=1)
    assert len(loopback.requests) == 1, "a slow server is not asked again"


@pytest.mark.wire("B13")
@pytest.mark.parametrize("before", ["", PING, chat_chunk({"role": "assistant", "content": ""})])
def test_headers_and_then_silence(loopback: FaultServer, before: bytes) -> None:
    loopback.send(before, then="hold")
    assert verdict(ask(loopback.base_url, first_token=SHORT, max_retries=2)) == ("failed", "", "first_token_timeout")
    loopback.wait(left=1)
    assert len(loopback.requests) == 1


@pytest.mark.wire("B14")
def test_a_slow_beginning_and_a_stall_have_limits_of_their_own() -> None:
    limits = TimeLimits(first_token=1800, stall=60)
    assert play(ScriptedStream(1200.0, *HI), limits=limits).state == "completed"
    stalled = play(ScriptedStream(1200.0, HI[0], 1200.0, HI[1]), limits=limits)
    assert verdict(stalled) == ("failed", "Hi", "stalled")
    assert stalled.timing.total == pytest.approx(1260)


@pytest.mark.wire("B14")
def test_what_is_no_piece_of_the_answer_does_not_begin_it() -> None:
    assert play(ScriptedStream(100.0, [Started("m")], 19.0, *HI)).state == "completed"
    result = play(ScriptedStream(100.0, [Started("m")], 100.0, *HI))
    assert verdict(result) == ("failed", "", "first_token_timeout")
    assert result.timing.total == pytest.approx(120)


# --- silence within the answer ----------------------------------------------------------------------------------------


@pytest.mark.wire("B13")
def test_half_an_answer_and_then_silence(loopback: FaultServer) -> None:
    loopback.send(chat_chunk("Half"), then="hold")
    assert verdict(ask(loopback.base_url, stall=SHORT, max_retries=2)) == ("failed", "Half", "stalled")
    loopback.wait(left=1)
    assert len(loopback.requests) == 1


@pytest.mark.wire("B13", "A01")
@pytest.mark.parametrize(
    ("begun", "first_token", "stall", "kind"),
    [("", SHORT, LONG, "first_token_timeout"), (chat_chunk("Half"), LONG, SHORT, "stalled")],
)
def test_keep_alives_are_no_progress(
    loopback: FaultServer, begun: bytes, first_token: float, stall: float, kind: str
) -> None:
    pings = [piece for _ in range(2000) for piece in (PING, 0.01)]
    loopback.send(begun, *pings, then="hold")
    assert verdict(ask(loopback.base_url, first_token=first_token, stall=stall))[2] == kind
    loopback.wait(left=1)


@pytest.mark.wire("B13")
@pytest.mark.parametrize("begun", ["", PING, chat_chunk("Half")])
def test_stop_works_in_silence(loopback: FaultServer, begun: bytes) -> None:
    loopback.send(begun, then="hold")

    async def main() -> StreamResult:
        pool = ClientPool()
        session = Rounds(a_request(loopback.base_url), NullSurface(), pool)
        running = asyncio.create_task(session.run())
        await asyncio.to_thread(loopback.wait, requests=1)
        session.cancel()
        result = await running
        await asyncio.to_thread(loopback.wait, left=1)
        await pool.close()
        return result

    assert asyncio.run(asyncio.wait_for(main(), PATIENCE)).state == "cancelled"


# --- silence after the answer -----------------------------------------------------------------------------------------


@pytest.mark.wire("B24", "A15")
def test_after_a_finish_reason_the_end_is_not_waited_for_as_long_as_an_answer() -> None:
    result = play(ScriptedStream([TextDelta("Hi"), Finished("stop")], 3600.0))
    assert verdict(result) == ("completed", "Hi", "")
    assert result.timing.total < TimeLimits().stall


@pytest.mark.wire("B24")
def test_the_end_mark_is_the_end_whatever_follows(loopback: FaultServer) -> None:
    late = [piece for _ in range(2000) for piece in (chat_chunk("late"), 0.01)]
    loopback.send(chat_body("Hello"), *late, then="hold")
    result = ask(loopback.base_url)
    assert verdict(result) == ("completed", "Hello", "")
    assert result.timing.total < 5
    loopback.wait(left=1)


@pytest.mark.wire("B24")
def test_a_server_that_does_not_finish_loses_its_connection(loopback: FaultServer) -> None:
    loopback.send(chat_body("one"))
    loopback.send(chat_body("two"), then="hold")
    loopback.send(chat_body("three"))
    assert ask(loopback.base_url, times=3).text == "three"
    assert [received.connection for received in loopback.requests] == [1, 1, 2]
