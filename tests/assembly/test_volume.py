"""Much text, fast, slow, and in many streams at once: how many frames, bytes and pieces it costs, by value.

Time is virtual or plays no part. What the cost is in seconds is for the benchmarks.
"""

from __future__ import annotations

import asyncio
import json
import threading
import tracemalloc
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.assembly import Assembler
from nbstream.display.live_view import LiveView
from nbstream.display.notebook import MarkdownGrowth
from nbstream.events import EndOfStream, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from nbstream.request import Endpoint
from nbstream.result import StreamResult, StreamState
from nbstream.settings.config import NBStream
from nbstream.streaming.rounds import Rounds
from nbstream.testing import DONE, RecordingSurface, ScriptedStream, chat_chunk
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from nbstream.demo import DemoServer
    from nbstream.events import Event
    from nbstream.request import StreamRequest
    from nbstream.testing import LoopClock

    MakeRequest = Callable[..., StreamRequest]

END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]
PATIENCE = 10.0
LONG = 100_000  # chunks


# --- very many chunks -------------------------------------------------------------------------------------------------


@pytest.mark.wire("J01")
def test_a_hundred_thousand_chunks_come_out_as_one_text() -> None:
    body = chat_chunk("token ") * LONG + chat_chunk(finish_reason="stop") + DONE
    decoder = WireDecoder(ChatCompletionsAdapter(), Endpoint("http://localhost:8000/v1"))
    assembler = Assembler(model="m", endpoint="localhost:8000")
    for start in range(0, len(body), 65_536):
        for event in decoder.feed(body[start : start + 65_536]):
            assembler.feed(event)
    for event in decoder.close():
        assembler.feed(event)
    result = assembler.snapshot()
    assert (result.state, result.finish_reason, result.text) == ("completed", "stop", "token " * LONG)
    assert [part.type for part in result.parts] == ["text"]


@pytest.mark.wire("J01")
@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta, "arguments"])
def test_what_is_kept_is_the_text_and_little_else(kind: Any) -> None:
    # Tokens of ten characters; each is a string of its own, as from a parser.
    assembler = Assembler(model="m", endpoint="localhost:8000")
    tracemalloc.start()
    try:
        for number in range(20_000):
            piece = f"{number:>10}"
            assembler.feed(ToolCallDelta(0, "a", "f", piece) if kind == "arguments" else kind(piece))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2 * 200_000 + 100_000


# --- fast and slow ----------------------------------------------------------------------------------------------------


@pytest.fixture
def run(
    make_request: MakeRequest, surface: RecordingSurface, clock: LoopClock, run_virtually: Callable[..., Any]
) -> Callable[..., StreamResult]:
    """Run a stream in virtual time at the pace of the product."""

    def run(*steps: Any, limits: tuple[float, ...] = (10.0, 600.0, 60.0)) -> StreamResult:
        async def main() -> StreamResult:
            stream = ScriptedStream(*steps)
            return await Rounds(make_request(limits=limits), surface, stream, clock=clock).run()

        result: StreamResult = run_virtually(main())
        return result

    return run


@pytest.mark.wire("J02")
@pytest.mark.parametrize(("rate", "seconds"), [(1_000, 8), (8_000, 1)])
def test_frames_are_bounded_by_time_not_by_tokens(
    rate: int, seconds: int, run: Callable[..., StreamResult], surface: RecordingSurface
) -> None:
    tokens = [f"{number} " for number in range(seconds * rate)]
    result = run(*[step for token in tokens for step in ([TextDelta(token)], 1 / rate)], END)
    assert result.text == "".join(tokens)
    pace = NBStream().max_frame_rate
    assert 0.9 * pace * seconds <= len(surface.frames) <= pace * seconds + 1
    assert surface.final == result


@pytest.mark.wire("J02")
def test_the_live_view_is_sent_each_character_about_once() -> None:
    # A hundred characters a line, two hundred frames: the whole text at each frame would be 50 times as much.
    lines = [f"{number:>4} " + "word " * 19 + "\n\n" * (number % 8 == 7) for number in range(1_000)]
    messages: list[str] = []
    view = LiveView("m", lambda: None)
    view.send = lambda message, *_: messages.append(json.dumps(message))
    for count in range(5, 1_001, 5):
        view.draw(StreamResult("".join(lines[:count]), StreamState.STREAMING))
    view.close()
    size = len("".join(lines))
    assert len(messages) == 200
    assert sum(map(len, messages)) < 1.5 * size
    assert max(map(len, messages)) < size / 20


@pytest.mark.wire("J02")
def test_growing_markdown_slows_down_as_the_text_grows() -> None:
    # Sixty seconds of a thousand characters each, offered thirty times a second.
    growth, sent = MarkdownGrowth(), []
    for frame in range(1, 60 * 30):
        now, size = frame / 30, frame * 1_000 // 30
        if growth.due(size, now):
            sent.append((now, size))
    assert sum(size for _, size in sent) < 12 * 60_000
    assert all(b - a >= 0.24 for (a, _), (b, _) in pairwise(sent))
    assert all(sum(size for at, size in sent if start <= at < start + 3) < 3 * 1_000_000 / 4 for start in range(60)), (
        "a front end drops what comes faster than a megabyte a second"
    )


@pytest.mark.wire("J03")
def test_a_token_every_ten_seconds_is_a_frame_every_ten_seconds(
    run: Callable[..., StreamResult], surface: RecordingSurface
) -> None:
    result = run(300.0, *[step for number in range(60) for step in ([TextDelta(f"{number} ")], 10.0)], END)
    assert result.state == "completed"
    assert surface.times[:60] == [pytest.approx(300.0 + 10.0 * number) for number in range(60)]
    assert len(surface.frames) <= 61, "one more for the end, if it comes before the reading is over"
    assert result.timing.ttft == pytest.approx(300.0)


@pytest.mark.wire("J03")
def test_comments_and_empty_batches_draw_nothing(run: Callable[..., StreamResult], surface: RecordingSurface) -> None:
    silence: list[Any] = [[], 1.0] * 500
    run(*silence, [TextDelta("Hi")], END)
    assert [frame.text for frame in surface.frames] == ["Hi"]


# --- many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.wire("J04")
def test_two_hundred_streams_on_one_loop_keep_to_themselves(
    make_request: MakeRequest, clock: LoopClock, run_virtually: Callable[..., Any]
) -> None:
    surfaces = [RecordingSurface() for _ in range(200)]

    async def one(number: int) -> StreamResult:
        steps = [step for i in range(20) for step in ([TextDelta(f"{number}.{i} ")], 0.01 * (1 + number % 7))]
        stream = ScriptedStream(*steps, END)
        return await Rounds(make_request(), surfaces[number], stream, clock=clock).run()

    async def main() -> list[StreamResult]:
        return await asyncio.gather(*map(one, range(200)))

    for number, result in enumerate(run_virtually(main())):
        assert result.text == "".join(f"{number}.{i} " for i in range(20))
        assert surfaces[number].final == result
        assert all(result.text.startswith(frame.text) for frame in surfaces[number].frames)


@pytest.mark.wire("J04")
@pytest.mark.usefixtures("demo")
def test_thirty_streams_over_real_connections() -> None:
    handles = [nbs.start(f"Count to {number}", model="demo", display=False) for number in range(40, 70)]
    for number, handle in zip(range(40, 70), handles, strict=True):
        result = handle.result(60)
        assert result.state == "completed"
        assert str(number) in result.text
        assert str(number + 1) not in result.text


@pytest.mark.wire("J04")
def test_one_of_many_can_be_stopped(demo: DemoServer) -> None:
    kept = nbs.start("Count to 30", model="demo", display=False)
    stopped = nbs.start("Tell a long story", model="demo", display=False, demo={"fault": "stall"})
    stopped.cancel()
    assert stopped.result(PATIENCE).state == "cancelled"
    assert kept.result(PATIENCE).state == "completed"
    assert len(demo.requests) >= 1


# --- nobody watches ---------------------------------------------------------------------------------------------------


class HangingSurface(RecordingSurface):
    """A front end that has gone: the first frame hangs until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def draw(self, snapshot: StreamResult) -> None:
        super().draw(snapshot)
        assert self.let_go.wait(PATIENCE)


class WatchedStream(ScriptedStream):
    """Tells when it has been read to its end; waits for the first frame after its first step."""

    def __init__(self, surface: RecordingSurface, *steps: Any) -> None:
        super().__init__(*steps)
        self._surface = surface
        self.read = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        try:
            async for batch in super().__aiter__():
                yield batch
                await asyncio.to_thread(self._surface.drawn.wait, PATIENCE)
        finally:
            self.read.set()


@pytest.mark.wire("J05")
def test_reading_goes_on_while_painting_hangs(make_request: MakeRequest) -> None:
    surface = HangingSurface()

    async def main() -> StreamResult:
        pieces = [[TextDelta(f"{number} ")] for number in range(500)]
        stream = WatchedStream(surface, *pieces, END)
        session = Rounds(make_request(), surface, stream)
        running = asyncio.create_task(session.run())
        await asyncio.wait_for(stream.read.wait(), PATIENCE)
        seen = session.snapshot()
        assert (seen.state, len(surface.frames), surface.final) == ("completed", 1, None)
        assert seen.text == "".join(f"{number} " for number in range(500))
        surface.let_go.set()
        return await asyncio.wait_for(running, PATIENCE)

    result = asyncio.run(main())
    assert result.text.endswith("499 ")
    assert surface.final == result
    assert len(surface.frames) <= 2, "frames that were missed are not made up for"


@pytest.mark.wire("J05")
def test_a_stream_can_be_stopped_while_painting_hangs(make_request: MakeRequest) -> None:
    surface = HangingSurface()

    async def main() -> StreamResult:
        stream = WatchedStream(surface, [TextDelta("Hel")], [TextDelta("lo")], 1e6)
        session = Rounds(make_request(), surface, stream)
        running = asyncio.create_task(session.run())
        await asyncio.to_thread(surface.drawn.wait, PATIENCE)
        session.cancel()
        await asyncio.wait_for(stream.read.wait(), PATIENCE)
        assert stream.closed
        surface.let_go.set()
        return await asyncio.wait_for(running, PATIENCE)

    result = asyncio.run(main())
    assert result.state == "cancelled"
    assert result.text.startswith("Hel")
    assert surface.final == result


class GoneSurface(RecordingSurface):
    """A front end whose channel is closed."""

    def draw(self, snapshot: StreamResult) -> None:
        super().draw(snapshot)
        raise ConnectionError("the channel is closed")

    def close(self, result: StreamResult) -> None:
        super().close(result)
        raise ConnectionError("the channel is closed")


@pytest.mark.wire("J05")
@pytest.mark.usefixtures("caplog")
def test_a_front_end_that_has_gone_costs_nothing_of_the_answer(
    make_request: MakeRequest, clock: LoopClock, run_virtually: Callable[..., Any]
) -> None:
    surface = GoneSurface()

    async def main() -> StreamResult:
        steps = [step for number in range(100) for step in ([TextDelta(f"{number} ")], 0.1)]
        stream = ScriptedStream(*steps, END)
        return await Rounds(make_request(), surface, stream, clock=clock).run()

    result = run_virtually(main())
    assert result.text == "".join(f"{number} " for number in range(100))
    assert (result.state, surface.final) == ("completed", result)
    assert len(surface.frames) == 1
