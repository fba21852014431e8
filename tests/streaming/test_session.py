"""One stream from open to end, with a scripted stream, a surface that remembers, and time that jumps."""

import asyncio
import threading
from itertools import pairwise

import pytest

from nbstream.display.throttle import Throttle
from nbstream.errors import FirstTokenTimeoutError, InternalError, NotFoundError, StalledError
from nbstream.events import EndOfStream, Failed, Finished, Started, TextDelta, UsageReported, Warned
from nbstream.result import StreamState, Timing, Usage
from nbstream.streaming.rounds import Rounds

END = [Finished("stop"), EndOfStream(marked=True)]
FOREVER = 1e9


@pytest.fixture
def session(make_request, surface, clock):
    """A session on a scripted stream, paced at ten frames a second."""

    def session(stream, *, limits=(10.0, 120.0, 60.0), drawn_on=surface):
        return Rounds(
            make_request(limits=limits), drawn_on, stream, throttle=lambda: Throttle(max_rate=10), clock=clock
        )

    return session


@pytest.fixture
def run(session, run_virtually):
    """Run a stream to its end in virtual time."""

    def run(stream, **options):
        async def main():
            return await session(stream, **options).run()

        return run_virtually(main())

    return run


# --- a stream that goes well ------------------------------------------------------------------------------------------


def test_the_result(run, scripted, surface):
    usage = Usage(3, 20, 23)
    stream = scripted(
        0.5, [Started("m-1", "r1")], 0.5, [TextDelta("Hel")], 2.0, [TextDelta("lo"), UsageReported(usage)], END
    )
    result = run(stream)
    assert (result.text, result.state, result.error) == ("Hello", StreamState.COMPLETED, None)
    assert (result.model, result.response_id, result.request_id) == ("m-1", "r1", "req_1")
    assert result.timing == Timing(ttft=1.0, total=3.0, tokens_per_second=10.0)
    assert surface.final == result
    assert stream.closed


def test_what_nbstream_notices_by_itself_is_among_the_events(session, scripted, run_virtually):
    stream = scripted(60.0, *[[TextDelta(f"word {number} ")] for number in range(100)], END)

    async def main():
        rounds = session(stream)
        return await rounds.run(), list(rounds.log)

    result, events = run_virtually(main())
    assert [warning.kind for warning in result.warnings] == ["buffered"]
    assert [type(event) for event in events[-3:]] == [Finished, Warned, EndOfStream]


def test_nothing_is_drawn_before_there_is_something(run, scripted, surface):
    run(scripted(5.0, [], 5.0, [TextDelta("Hi")], END))
    assert [frame.text for frame in surface.frames] == ["Hi"]


def test_the_first_frame_comes_at_once(run, scripted, surface):
    run(scripted(0.7, [TextDelta("a")], 0.01, [TextDelta("b")], END))
    assert surface.times[0] == pytest.approx(0.7)
    assert surface.frames[0].text == "a"


def test_frames_are_coalesced(run, scripted, surface):
    steps = [step for i in range(1000) for step in ([TextDelta(f"{i} ")], 0.001)]
    result = run(scripted(*steps, END))
    assert 9 <= len(surface.frames) <= 11
    gaps = [b - a for a, b in pairwise(surface.times)]
    assert min(gaps) == pytest.approx(0.1)
    assert surface.final == result
    assert result.text == "".join(f"{i} " for i in range(1000))


def test_a_steady_stream_never_starves_the_display(run, scripted, surface):
    run(scripted(*[step for _ in range(100) for step in ([TextDelta("x")], 0.09)], END))
    assert len(surface.frames) > 40


def test_frames_only_grow(run, scripted, surface):
    run(scripted(*[step for i in range(100) for step in ([TextDelta(f"{i} ")], 0.03)], END))
    texts = [frame.text for frame in surface.frames]
    assert all(b.startswith(a) for a, b in pairwise(texts))
    assert surface.final.text.startswith(texts[-1])


def test_the_last_frame_always_comes(run, scripted, surface):
    result = run(scripted([TextDelta("a")], 0.01, [TextDelta("b"), *END]))
    assert surface.final == result
    assert result.text == "ab"


def test_text_after_the_end_is_dropped(run, scripted):
    assert run(scripted([TextDelta("a"), Failed("boom"), TextDelta("late")], [TextDelta("later")])).text == "a"


# --- how streams fail -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [(), ([TextDelta("Hi")],)])
def test_an_error_of_the_transport_is_the_result(run, scripted, surface, steps):
    error = NotFoundError("no such model", status=404)
    result = run(scripted(*steps, error))
    assert (result.state, result.error, result.text) == ("failed", error, "Hi" if steps else "")
    assert surface.final == result


def test_an_error_frame_ends_the_stream(run, scripted):
    result = run(scripted([TextDelta("Hi")], [Failed("boom", "x")], FOREVER))
    assert (result.state, result.error.code, result.text) == ("failed", "x", "Hi")


def test_a_bug_keeps_the_text(run, scripted, caplog):
    result = run(scripted([TextDelta("Hi")], ZeroDivisionError("secret detail")))
    assert isinstance(result.error, InternalError)
    assert (result.state, result.text) == ("failed", "Hi")
    assert "secret detail" not in result.error.message
    assert "ZeroDivisionError" in caplog.text


def test_an_iterator_that_just_stops_ends_without_a_mark(run, scripted):
    assert run(scripted([TextDelta("Hi")])).error.kind == "connection_lost"
    assert run(scripted([TextDelta("Hi"), Finished("stop")])).state == "completed"


# --- silence ----------------------------------------------------------------------------------------------------------


def test_a_slow_first_token_is_no_failure(run, scripted):
    assert run(scripted(119.0, [TextDelta("Hi")], 59.0, [TextDelta("!")], 59.0, END)).state == "completed"


def test_no_first_token(run, scripted):
    result = run(scripted(FOREVER))
    assert isinstance(result.error, FirstTokenTimeoutError)
    assert result.timing.total == pytest.approx(120.0)
    assert result.timing.ttft is None
    assert "sent no part of an answer for 120 s" in result.error.message


def test_no_connection_counts_as_silence_before_the_answer(run, scripted):
    assert run(scripted(connecting=FOREVER)).error.kind == "first_token_timeout"


def test_silence_in_the_middle(run, scripted):
    stream = scripted(100.0, [TextDelta("Hi")], FOREVER)
    result = run(stream)
    assert isinstance(result.error, StalledError)
    assert (result.text, result.timing.total) == ("Hi", pytest.approx(160.0))
    assert "silent for 60 s" in result.error.message
    assert stream.closed


@pytest.mark.parametrize("before", [[], [[TextDelta("Hi")]]])
def test_keep_alives_are_no_sign_of_an_answer(run, scripted, before):
    keep_alives = [1.0, []] * 1000
    result = run(scripted(*before, *keep_alives))
    assert result.error.kind == ("stalled" if before else "first_token_timeout")
    assert result.timing.total == pytest.approx(60.0 if before else 120.0)


def test_facts_without_content_do_not_stretch_the_wait_for_the_first_token(run, scripted):
    facts = [step for _ in range(1000) for step in (1.0, [Started("m")])]
    assert run(scripted(*facts)).timing.total == pytest.approx(120.0)


# --- cancelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make_stream", "at", "text"),
    [
        pytest.param(lambda new: new(connecting=FOREVER), None, "", id="before the start"),
        pytest.param(lambda new: new(connecting=FOREVER), 1.0, "", id="connecting"),
        pytest.param(lambda new: new(FOREVER), 1.0, "", id="waiting for the first token"),
        pytest.param(lambda new: new([TextDelta("Hi")], 0.9, [TextDelta("!")], 0.2, END), 1.0, "Hi!", id="streaming"),
        pytest.param(lambda new: new([TextDelta("Hi")], FOREVER), 30.0, "Hi", id="stalled"),
    ],
)
def test_cancelling_in_every_state(session, run_virtually, scripted, surface, make_stream, at, text):
    stream = make_stream(scripted)

    async def main():
        running = session(stream)
        if at is None:
            running.cancel()
        else:
            asyncio.get_running_loop().call_later(at, running.cancel)
        return await running.run()

    result = run_virtually(main())
    assert (result.state, result.text, result.error) == ("cancelled", text, None)
    assert result.timing.total == pytest.approx(at or 0.0)
    assert surface.final == result
    assert stream.closed == stream.opened


def test_cancelling_twice_or_after_the_end_changes_nothing(session, run_virtually, scripted, surface):
    async def main():
        running = session(scripted.answering("Hi"))
        result = await running.run()
        running.cancel()
        running.cancel()
        await asyncio.sleep(1)
        return result, running.snapshot()

    result, later = run_virtually(main())
    assert result == later == surface.final
    assert result.state == "completed"


def test_the_state_goes_one_way(session, run_virtually, scripted):
    states = []

    async def main():
        running = session(scripted(1.0, [TextDelta("a")], 1.0, [TextDelta("b")], 1.0, END))
        task = asyncio.create_task(running.run())
        while not task.done():
            states.append(running.snapshot().state)
            await asyncio.sleep(0.1)
        states.append(task.result().state)

    run_virtually(main())
    assert list(dict.fromkeys(states)) == ["pending", "streaming", "completed"]


# --- surfaces that misbehave ------------------------------------------------------------------------------------------


class BrokenSurface:
    def __init__(self, *broken):
        self._broken = broken
        self.calls = []

    def _call(self, name):
        self.calls.append(name)
        if name in self._broken:
            raise RuntimeError(f"cannot {name}")

    def open(self, _request, _stop):
        self._call("open")

    def draw(self, _):
        self._call("draw")

    def close(self, _):
        self._call("close")


@pytest.mark.parametrize("broken", [("draw",), ("close",), ("draw", "close")])
def test_a_surface_that_raises_loses_no_answer(run, scripted, caplog, broken):
    surface = BrokenSurface(*broken)
    result = run(scripted([TextDelta("a")], 1.0, [TextDelta("b")], 1.0, [TextDelta("c")], END), drawn_on=surface)
    assert (result.state, result.text) == ("completed", "abc")
    assert "could not draw the answer" in caplog.text
    assert surface.calls == ["draw", "close"] if "draw" in broken else ["draw", "draw", "draw", "close"]


class BlockedSurface(BrokenSurface):
    def __init__(self):
        super().__init__()
        self.reached, self.release = threading.Event(), threading.Event()

    def draw(self, snapshot):
        super().draw(snapshot)
        self.reached.set()
        assert self.release.wait(10)


def test_a_surface_that_blocks_holds_up_no_other_stream(make_request, scripted, surface):
    blocked = BlockedSurface()

    async def main():
        slow = Rounds(make_request(), blocked, scripted.answering("slow"))
        task = asyncio.create_task(slow.run())
        await asyncio.to_thread(blocked.reached.wait, 10)
        other = await Rounds(make_request(), surface, scripted.answering("quick")).run()
        assert not task.done()
        assert slow.snapshot().text == "slow"
        blocked.release.set()
        return other, await task

    other, slow = asyncio.run(main())
    assert (other.text, other.state) == ("quick", "completed")
    assert (slow.text, slow.state) == ("slow", "completed")


def test_the_last_frame_never_overtakes_one_under_way(make_request, scripted):
    blocked = BlockedSurface()

    async def main():
        task = asyncio.create_task(Rounds(make_request(), blocked, scripted.answering("a")).run())
        await asyncio.to_thread(blocked.reached.wait, 10)
        for _ in range(10):
            await asyncio.sleep(0)
        assert blocked.calls == ["draw"]
        blocked.release.set()
        await task

    asyncio.run(main())
    assert blocked.calls == ["draw", "close"]


def test_a_frame_that_takes_long_makes_frames_rarer(run, scripted, elapse):
    class Dear(BrokenSurface):
        def draw(self, snapshot):
            super().draw(snapshot)
            elapse(0.1)

    surface = Dear()
    run(scripted(*[step for _ in range(1000) for step in ([TextDelta("x")], 0.01)], END), drawn_on=surface)
    assert surface.calls.count("draw") < 30  # a fifth of the time at the most, not ten frames a second
