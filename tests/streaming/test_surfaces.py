"""The surfaces of one stream: independent of each other, and the answer of all of them."""

import asyncio
import subprocess
import sys
import threading

import pytest

from nbstream.display.surface import Attentive, NullSurface
from nbstream.events import EndOfStream, Event, Finished, TextDelta
from nbstream.streaming.rounds import Rounds
from nbstream.streaming.surfaces import Surfaces
from nbstream.testing import LoopClock, RecordingSurface, ScriptedStream, run_virtually

END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]


class Terminal(RecordingSurface):
    """One that wants to know whether the caller waits."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def attend(self, waits):
        self.waits.append(waits)


class Hanging(RecordingSurface):
    """One that never comes back from one of its methods, until the test lets it."""

    def __init__(self, method):
        super().__init__()
        self.method = method
        self.reached, self.let_go = threading.Event(), threading.Event()

    def draw(self, snapshot):
        super().draw(snapshot)
        self.hang("draw")

    def close(self, result):
        super().close(result)
        self.hang("close")

    def hang(self, method):
        if method == self.method:
            self.reached.set()
            self.let_go.wait()


def stop():
    pass


def texts(surface):
    """What was drawn, without repetitions."""
    return list(dict.fromkeys(frame.text for frame in surface.frames))


@pytest.fixture
def play(make_request):
    """Stream `Hel`, `lo` on surfaces in virtual time; `between` is done after the first piece."""

    def play(*surfaces, between=lambda _: None):
        made, request = Surfaces(surfaces), make_request()

        async def main():
            async def stage(batches):
                async for batch in batches:
                    yield batch
                    between(made)

            stream = ScriptedStream([TextDelta("Hel")], 1.0, [TextDelta("lo")], 1.0, END)
            asked = make_request(stages=(stage,))
            rounds = Rounds(asked, made, stream, clock=LoopClock())
            made.open(request, rounds.cancel)
            return await rounds.run()

        return run_virtually(main())

    return play


def test_each_is_opened_drawn_on_and_closed(play):
    surfaces = [RecordingSurface(), RecordingSurface()]
    result = play(*surfaces)
    for surface in surfaces:
        assert texts(surface) == ["Hel", "Hello"]
        assert surface.request is not None
        assert surface.final == result


@pytest.mark.parametrize("method", ["open", "draw"])
def test_one_that_fails_is_drawn_on_no_more_but_closed(monkeypatch, caplog, play, method):
    broken, sound = RecordingSurface(), RecordingSurface()
    monkeypatch.setattr(broken, method, lambda *_: 1 / 0)
    result = play(broken, sound)
    assert (broken.frames, broken.final) == ([], result)
    assert texts(sound) == ["Hel", "Hello"]
    assert caplog.text.count("could not draw") == 1


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
def test_one_that_cannot_be_closed_does_not_keep_the_others_open(monkeypatch, caplog, play, error):
    broken, sound = RecordingSurface(), RecordingSurface()

    def close(_):
        raise error

    monkeypatch.setattr(broken, "close", close)
    result = play(broken, sound)
    assert sound.final is result
    assert "could not draw" in caplog.text


def test_the_attentive_among_them_are_told_that_the_caller_waits():
    terminal = Terminal()
    surfaces = Surfaces([RecordingSurface(), terminal])
    assert isinstance(surfaces, Attentive)
    surfaces.attend(True)
    surfaces.attend(False)
    assert terminal.waits == [True, False]


def test_one_that_joins_is_drawn_on_from_what_there_is(play):
    first, late, last = RecordingSurface(), RecordingSurface(), RecordingSurface()
    joined: list[Surfaces] = []

    def join(surfaces):
        if not joined:
            joined.append(surfaces)
            surfaces.join(late)

    result = play(first, between=join)
    assert late.request is not None
    assert (texts(late), late.final) == (["Hel", "Hello"], result)
    joined[0].join(last)
    assert last.request is None, "it is too late"


def test_one_that_joins_before_the_beginning_is_opened_once(make_request):
    late = RecordingSurface()
    surfaces = Surfaces()
    surfaces.join(late)
    assert late.request is None
    surfaces.open(make_request(), stop)
    assert (late.stop, late.frames) == (stop, [])


def test_one_that_wants_to_exit_does_not_take_the_others_along(monkeypatch, play):
    leaving, sound = RecordingSurface(), RecordingSurface()
    monkeypatch.setattr(leaving, "draw", lambda _: sys.exit())
    play(leaving, sound)
    assert sound.frames


@pytest.mark.parametrize("method", ["draw", "close"])
def test_one_that_hangs_for_ever_holds_up_neither_the_end_nor_another_surface_nor_another_stream(
    make_request, scripted, monkeypatch, caplog, method
):
    monkeypatch.setattr("nbstream.streaming.rounds._LEAST_PATIENCE_SECONDS", 0.2)
    hanging, beside, other = Hanging(method), RecordingSurface(), RecordingSurface()
    committed = []

    async def main():
        def commit(result):
            committed.append((result.text, hanging.final, beside.final))

        rounds = Rounds(make_request(), Surfaces([hanging, beside]), scripted.answering("Hello"), commit=commit)
        first = asyncio.create_task(rounds.run())
        second = await Rounds(make_request(), other, scripted.answering("quick")).run()
        return await first, second

    try:
        first, second = asyncio.run(main())
    finally:
        hanging.let_go.set()
    assert committed == [("Hello", None, None)], "before anything was closed"
    assert (first.text, first.state, second.text) == ("Hello", "completed", "quick")
    assert (beside.final, other.final) == (first, second)
    assert "no longer waits for a display" in caplog.text


def test_nothing_is_drawn_on_a_thread_where_nothing_is_drawn(make_request, scripted):
    async def main():
        before = threading.active_count()
        rounds = [Rounds(make_request(), NullSurface(), scripted.answering("Hi", every=0.001)) for _ in range(200)]
        tasks = [asyncio.create_task(each.run()) for each in rounds]
        most = before
        while not all(task.done() for task in tasks):
            most = max(most, threading.active_count())
            await asyncio.sleep(0)
        return before, most

    before, most = asyncio.run(main())
    assert most == before


def test_a_thread_that_hangs_does_not_keep_python_from_exiting():
    code = """
import threading
from nbstream.streaming.daemon_thread import DaemonThread
DaemonThread("hangs").submit(threading.Event().wait)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


class Refreshed(RecordingSurface):
    """One that wants frames of the same answer at certain times after the first."""

    def __init__(self, *times):
        super().__init__()
        self.due = times

    def refresh_by(self, touch):
        self.touch = touch

    def draw(self, snapshot):
        if not self.frames:
            for seconds in self.due:
                asyncio.get_running_loop().call_later(seconds, self.touch)
        super().draw(snapshot)


def test_one_may_have_the_same_answer_drawn_again(play):
    surface, other = Refreshed(0.0, 0.01, 0.5, 0.51, 0.52), RecordingSurface()
    play(surface, other)
    drawn = [(frame.text, round(time, 2)) for frame, time in zip(surface.frames, surface.times, strict=True)]
    assert drawn[:5] == [
        ("Hel", 0.0),
        ("Hel", 0.11),
        ("Hel", 0.5),
        ("Hel", 0.61),
        ("Hello", 1.0),
    ]
    assert len(other.frames) == len(drawn) - 3, "it is nothing to the others"


def test_after_the_end_nothing_is_drawn_again(play, caplog):
    surface = Refreshed(2.0)
    result = play(surface)
    frames = len(surface.frames)
    surface.touch()  # from any thread, and though the loop has ended
    assert (len(surface.frames), surface.final, caplog.text) == (frames, result, "")
