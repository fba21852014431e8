"""Observers of the engine, and stages between the wire and the answer."""

import sys
import threading
from dataclasses import replace

import pytest

import nbstream as nbs
from nbstream.errors import ConnectionLostError, InternalError, StageError, UsageError
from nbstream.events import EndOfStream, Event, Finished, TextDelta
from nbstream.request import TimeLimits
from nbstream.streaming.engine import engine
from nbstream.testing import ScriptedAttempts, ScriptedStream, play

PATIENCE = 10.0
END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]


class Recorder:
    """Remembers what it is told, and on which threads."""

    def __init__(self):
        self.told = []
        self.threads = set()
        self.ended = threading.Event()

    def on_request(self, stream, request):
        self.told.append((stream, "request", request.model))
        self.threads.add(threading.current_thread())

    def on_event(self, stream, event):
        self.told.append((stream, "event", event))
        self.threads.add(threading.current_thread())

    def on_end(self, stream, result):
        self.told.append((stream, "end", result))
        self.ended.set()


class Broken:
    def on_request(self, *_):
        raise ZeroDivisionError

    on_event = on_end = on_request


@pytest.fixture
def observe():
    leaving = []

    def observe(observer):
        leaving.append(engine().observers.add(observer))
        return observer

    yield observe
    for leave in leaving:
        leave()


def ask(source, **options):
    return nbs.start("Hi", source=source, model="m", api="chat", display=False, **options)


def test_they_are_told_of_requests_events_and_ends_elsewhere(observe):
    seen = observe(Recorder())
    lost = ScriptedStream(ConnectionLostError("It broke.", retryable=True, retry_after=0.001))
    result = ask(ScriptedAttempts(lost, ScriptedStream([TextDelta("Hel")], [TextDelta("lo")], END))).result(PATIENCE)
    assert seen.ended.wait(PATIENCE)
    [stream] = {stream for stream, _, _ in seen.told}
    assert seen.told == [
        (stream, "request", "m"),
        (stream, "request", "m"),
        (stream, "event", TextDelta("Hel")),
        (stream, "event", TextDelta("lo")),
        (stream, "event", END[0]),
        (stream, "event", END[1]),
        (stream, "end", result),
    ]
    assert [thread.name for thread in seen.threads] == ["nbstream-observers"]


def test_one_that_raises_is_logged_and_hurts_nobody(observe, caplog):
    observe(Broken())
    seen = observe(Recorder())
    result = ask(ScriptedStream.answering("Hello")).result(PATIENCE)
    assert seen.ended.wait(PATIENCE)
    assert result.text == "Hello"
    assert [what for _, what, _ in seen.told] == ["request", "event", "event", "event", "end"]
    assert "could not tell a listener" in caplog.text


def test_one_that_has_left_is_told_no_more():
    seen = Recorder()
    leave = engine().observers.add(seen)
    leave()
    ask(ScriptedStream.answering("Hello")).result(PATIENCE)
    assert seen.told == []


# --- stages -----------------------------------------------------------------------------------------------------------


async def shout(batches):
    async for batch in batches:
        yield [replace(event, text=event.text.upper()) if isinstance(event, TextDelta) else event for event in batch]


def held_back(checked):
    """Moderation in small: text is let through once it has been checked."""

    async def stage(batches):
        held = []
        async for batch in batches:
            held += batch
            if checked(held):
                yield held
                held = []

    return stage


def test_a_stage_sees_every_event_before_the_answer_does(observe):
    seen = observe(Recorder())
    handle = ask(ScriptedStream.answering("Hel", "lo"), stages=[shout])
    assert handle.result(PATIENCE).text == "HELLO"
    assert seen.ended.wait(PATIENCE)
    assert [event.text for _, what, event in seen.told if isinstance(event, TextDelta)] == ["HEL", "LO"]
    assert next(iter(handle.events())) == TextDelta("HELLO")


def test_a_stage_that_drops_the_end_ends_the_stream_without_a_mark():
    async def without_an_end(batches):
        async for batch in batches:
            yield [event for event in batch if not isinstance(event, EndOfStream)]

    assert ask(ScriptedStream.answering("Hello"), stages=[without_an_end]).result(PATIENCE).state == "completed"


async def failing(batches):
    async for batch in batches:
        yield batch
        raise ValueError("no")


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (failing, "The stage failing raised ValueError: no."),
        (lambda _: [], "raised TypeError: "),
        (lambda _: sys.exit(3), "raised SystemExit: 3."),
    ],
)
def test_what_a_stage_raises_is_its_own(stage, said):
    with pytest.raises(StageError) as raised:
        ask(ScriptedStream([TextDelta("Hel")], [TextDelta("lo")], END), stages=[shout, stage]).result(PATIENCE)
    assert said in raised.value.message
    assert raised.value.result.text == ("HEL" if stage is failing else "")
    assert ask(ScriptedStream.answering("Hello")).result(PATIENCE).text == "Hello"


def test_what_the_source_raises_is_not_said_to_be_a_stages_fault():
    broken = ScriptedStream([TextDelta("Hel")], ValueError("no"))
    with pytest.raises(InternalError) as raised:
        ask(broken, stages=[shout, shout]).result(PATIENCE)
    assert "ValueError" in raised.value.message
    assert raised.value.result.text == "HEL"


def test_what_a_stage_holds_back_is_not_silence():
    limits = TimeLimits(first_token=1.0, stall=1.0)
    steps = [step for _ in range(10) for step in (0.5, [TextDelta("x")])]
    whole = held_back(lambda held: isinstance(held[-1], EndOfStream))
    result = play(ScriptedStream(*steps, END), stages=[whole], limits=limits)
    assert (result.text, result.state) == ("x" * 10, "completed")


def test_an_observer_that_hangs_delays_no_other_news(observe):
    asked, release, told = threading.Event(), threading.Event(), threading.Event()

    class Hanging(Broken):
        def on_request(self, *_):
            asked.set()
            release.wait(PATIENCE)

    observe(Hanging())
    try:
        ask(ScriptedStream.answering("Hello"))
        assert asked.wait(PATIENCE)
        engine().notices.tell(told.set)
        assert told.wait(PATIENCE)
    finally:
        release.set()


def test_stages_follow_each_other_and_are_closed():
    order = []

    def named(name):
        async def stage(batches):
            try:
                async for batch in batches:
                    order.append(name)
                    yield batch
            finally:
                order.append(f"{name} closed")

        return stage

    ask(ScriptedStream([TextDelta("Hi"), *END]), stages=[named("a"), named("b")]).result(PATIENCE)
    assert order == ["a", "b", "b closed", "a closed"]


def test_text_that_a_stage_holds_back_is_never_shown():
    shown = []

    def checked(events):
        shown.append(handle.text if handle is not None else "")
        return any(isinstance(event, Finished) for event in events)

    handle = None
    handle = ask(ScriptedStream([TextDelta("bad ")], 0.01, [TextDelta("good")], 0.01, END), stages=[held_back(checked)])
    assert handle.result(PATIENCE).text == "bad good"
    assert set(shown) == {""}


def test_a_stage_that_drops_the_end_does_not_make_half_an_answer_whole():
    async def cut(batches):
        async for batch in batches:
            yield [event for event in batch if isinstance(event, TextDelta)]

    result = ask(ScriptedStream.answering("Hello"), stages=[cut], max_retries=0).snapshot
    assert result.state != "completed"


@pytest.mark.parametrize("stages", [[7], "x", shout])
def test_what_is_no_stage_is_told(stages):
    with pytest.raises(UsageError, match="stages are a list of functions"):
        ask(ScriptedStream.answering("Hello"), stages=stages)
