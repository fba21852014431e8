"""How often a stream wakes the loop, counted in virtual time, and that nobody waits longer for what he needs."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.display.surface import NullSurface
from nbstream.display.throttle import Throttle
from nbstream.recording.recorder import Recorder
from nbstream.request import Endpoint, StreamRequest, TimeLimits
from nbstream.result import StreamResult, StreamState
from nbstream.streaming.rounds import Rounds
from nbstream.testing import LoopClock, RecordingSurface, run_virtually
from tests.streaming.socket import Socket

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbstream.display.surface import Surface

# What a model writes: fifty pieces a second.
GAP = 0.02
SECONDS = 20
FRAMES = 15.0


def moments(seconds: float = SECONDS, gap: float = GAP) -> list[float]:
    return [0.5 + number * gap for number in range(round(seconds / gap))]


def answered(
    source: Any,
    surface: Surface | None = None,
    beside: Callable[[Rounds], Any] | None = None,
    **fields: Any,
) -> StreamResult:
    """The answer, read in virtual time.

    Args:
        source: Where it comes from.
        surface: What it is drawn on.
        beside: Makes what runs meanwhile.
        fields: Of the request.
    """
    endpoint = Endpoint("http://localhost:8000/v1")
    messages = ({"role": "user", "content": "Hi"},)
    request = StreamRequest(messages=messages, model="m", api="chat", endpoint=endpoint, **fields)

    async def main() -> StreamResult:
        rounds = Rounds(request, surface or NullSurface(), source, throttle=lambda: Throttle(FRAMES), clock=LoopClock())
        other = None if beside is None else asyncio.ensure_future(beside(rounds))
        result = await rounds.run()
        if other is not None:
            await other
        return result

    return run_virtually(main())


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def within(times: list[float], start: float, end: float) -> list[float]:
    return [each for each in times if start <= each < end]


def test_a_stream_that_nobody_watches_wakes_the_loop_ten_times_a_second() -> None:
    socket = Socket(moments())
    result = answered(socket)
    assert result.state is StreamState.COMPLETED
    assert len(result.text) == 5 * SECONDS / GAP
    assert len(within(socket.reads, 10, 20)) <= 101
    assert len(socket.reads) < 13 * SECONDS


def test_its_first_pieces_are_read_as_they_come() -> None:
    socket = Socket(moments())
    result = answered(socket)
    assert result.timing is not None
    assert result.timing.ttft == pytest.approx(0.5)
    assert max(gaps(within(socket.reads, 0, 1.3))) < 0.061
    assert max(gaps(socket.reads)) < 0.121


@pytest.mark.parametrize("seconds", [0.3, 1, 3, 20])
def test_the_end_comes_hardly_later(seconds: float) -> None:
    last = moments(seconds)[-1]
    total = answered(Socket(moments(seconds))).timing
    assert total is not None
    assert total.total - last <= max(0.04, min(0.1, 0.05 * seconds)) + 1e-9


def test_a_surface_gets_something_new_for_each_frame() -> None:
    socket, surface = Socket(moments()), RecordingSurface()
    answered(socket, surface)
    steady = within(surface.times, 3, 20)
    assert len(steady) >= 0.95 * FRAMES * 17
    assert max(gaps(steady)) < 1.3 / FRAMES
    grown = [len(frame.text) for frame in surface.frames]
    assert max(gaps([*map(float, grown)])) <= 5 * 5, "four or five words a frame"
    assert len(within(socket.reads, 10, 20)) <= 10 * FRAMES + 1


def test_a_program_that_reads_along_gets_pieces_more_often() -> None:
    socket = Socket(moments(5))

    async def read(rounds: Rounds) -> None:
        async for _ in rounds.log:
            pass

    answered(socket, beside=read)
    assert max(gaps(socket.reads)) < 0.081


def test_what_may_end_an_answer_at_a_word_sees_each_as_it_comes() -> None:
    socket = Socket(moments())
    result = answered(socket, stop_when=lambda text: len(text) >= 5 * 500)
    assert len(result.text) == 5 * 500
    assert max(gaps(socket.reads)) == pytest.approx(GAP)
    assert socket.reads[-1] == pytest.approx(moments()[499])


def test_a_stop_does_not_wait_for_what_gathers() -> None:
    stopped = 10.05

    async def stop(rounds: Rounds) -> None:
        await asyncio.sleep(stopped)
        rounds.cancel()

    result = answered(Socket(moments()), beside=stop)
    assert result.state is StreamState.CANCELLED
    assert result.timing is not None
    assert result.timing.total == pytest.approx(stopped)


def test_gathering_is_no_silence() -> None:
    limits = TimeLimits(stall=0.08)
    assert answered(Socket(moments(5)), limits=limits).state is StreamState.COMPLETED
    silent = answered(Socket([*moments(5), 10.0]), limits=limits)
    assert silent.error is not None
    assert silent.error.kind == "stalled"
    assert silent.timing is not None
    assert silent.timing.total == pytest.approx(moments(5)[-1] + 0.08, abs=0.021)


def test_what_comes_slowly_is_read_at_once() -> None:
    slowly = moments(20, gap=0.25)
    socket = Socket(slowly)
    answered(socket)
    assert socket.reads == pytest.approx(slowly)


def test_a_burst_is_not_held_up() -> None:
    result = answered(Socket([0.5] * 20_000))
    assert len(result.text) == 100_000
    assert result.timing is not None
    assert result.timing.total == pytest.approx(0.5)


def test_what_is_recorded_is_read_as_it_comes(tmp_path: Path) -> None:
    from nbstream.transport.decoded import decoded

    socket = Socket(moments(5))
    recorder = Recorder(socket, tmp_path / "answer.jsonl", asked={})

    class Recorded:
        def open(self, request: StreamRequest) -> Any:
            return decoded(recorder, request)

    answered(Recorded())
    assert recorder.failure is None
    assert socket.reads == pytest.approx(moments(5))
