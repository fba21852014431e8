"""What is kept of the last stream: bounded, in order, and forgotten when there is another one."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import ConnectionLostError
from nbstream.events import EndOfStream, Finished, TextDelta
from nbstream.request import Endpoint, StreamRequest
from nbstream.settings.credential import Credential
from nbstream.streaming.notices import Notices
from nbstream.streaming.observers import Observers
from nbstream.streaming.steps import Asked, AttemptFailed, Called, Ended, Opened, Received, Step
from nbstream.streaming.tape import Clip, Tape
from nbstream.testing import ScriptedAttempts, ScriptedStream
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 1024 * 1024
KEY = "sk-0123456789abcdef0123"
REQUEST = StreamRequest(endpoint=Endpoint("http://localhost/v1"), api="chat", model="m", messages=())


class Stream:
    """A stream whose bytes the test sends."""

    request_id = None

    def __init__(self, key: str | None = None) -> None:
        credential = None if key is None else Credential(Secret(key))
        self._endpoint = Endpoint("http://localhost/v1", credential)
        self.send: Callable[[bytes, float], object] = print

    def tap(self, take: Callable[[bytes, float], object]) -> Endpoint:
        self.send = take
        return self._endpoint


def test_a_clip_keeps_the_beginning_and_the_end() -> None:
    clip: Clip[int] = Clip(head=100, tail=50)
    for number in range(1000):
        clip.add(number, float(number), 10)
    assert [item for item, _ in clip.head] == list(range(10))
    assert [item for item, _ in clip.tail] == list(range(995, 1000))
    assert (clip.left_out, clip.size) == (985, 150)


def test_what_is_larger_than_a_clip_is_left_out() -> None:
    clip: Clip[str] = Clip(head=100, tail=50)
    clip.add("huge", 0.0, 1000)
    clip.add("small", 1.0, 10)
    assert (clip.head, clip.tail, clip.left_out) == ([], [("small", 1.0)], 1)


def test_the_bytes_of_all_requests_together_are_bounded() -> None:
    tape = Tape()
    for number in range(20):
        tape.step(number, Asked(REQUEST, 1))
        stream = Stream()
        tape.listen(stream, 0.0)
        for _ in range(400):
            stream.send(b"x" * 1000, 0.0)
    kept = [wire.pieces.size for wire in tape.wires]
    assert sum(kept) < 2 * MEGABYTE
    assert kept[0] == 0
    assert kept[-1] > 400_000
    assert len(tape.steps) == 20


def test_a_tape_that_is_stopped_forgets_and_keeps_nothing_more() -> None:
    tape, stream = Tape(), Stream()
    tape.step(0.0, Asked(REQUEST, 1))
    tape.listen(stream, 0.0)
    stream.send(b"one", 1.0)
    wire = tape.wires[0]
    tape.stop()
    stream.send(b"two", 2.0)
    tape.step(3.0, Opened(None))
    tape.events(3.0, [TextDelta("three")])
    assert (tape.steps, tape.wires) == ([], [])
    assert wire.pieces.head == [(b"one", 1.0)]


def test_a_sealed_tape_holds_no_key() -> None:
    tape, stream = Tape(), Stream(KEY)
    tape.step(0.0, Asked(REQUEST, 1))
    tape.listen(stream, 100.0)
    for piece in (b"data: your key is sk-012", b"3456789abcdef0123\n\ndata: \xff\n", b"\n"):
        stream.send(piece, 1.0)
    tape.seal()
    (wire,) = tape.wires
    assert wire.endpoint is None
    assert wire.pieces.head == [(b"data: your key is <key>\n\ndata: \xef\xbf\xbd\n", 101.0), (b"\n", 101.0)]


# --- who is told ------------------------------------------------------------------------------------------------------

PLACE: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="nowhere")


class Following:
    """Remembers the steps, and where it was told of them."""

    def __init__(self, *, wants_events: bool) -> None:
        self.wants_events = wants_events
        self.steps: list[Step] = []
        self.moments: list[float] = []
        self.told: set[tuple[int, str, str]] = set()
        self.ended = threading.Event()

    def on_step(self, stream: int, at: float, step: Step) -> None:
        self.steps.append(step)
        self.moments.append(at)
        self.told.add((stream, PLACE.get(), threading.current_thread().name))
        if isinstance(step, Ended):
            self.ended.set()


@pytest.mark.parametrize("wants_events", [False, True])
def test_followers_are_told_each_step_in_the_context_of_the_stream(
    monkeypatch: pytest.MonkeyPatch, *, wants_events: bool
) -> None:
    following = Following(wants_events=wants_events)
    monkeypatch.setattr("nbstream.telemetry.following.followers", lambda: [following])
    lost = ScriptedStream(ConnectionLostError("It broke.", retryable=True, retry_after=0.001))
    end: list[Any] = [TextDelta("Hi"), Finished("stop"), EndOfStream(marked=True)]
    token = PLACE.set("the cell")
    try:
        source = ScriptedAttempts(lost, ScriptedStream(end))
        nbs.start("Hi", source=source, model="m", api="chat", display=False).result(60)
    finally:
        PLACE.reset(token)
    assert following.ended.wait(60)
    kinds: list[type] = [type(step) for step in following.steps]
    events: list[type] = [Received] * wants_events
    assert kinds == [Asked, Opened, AttemptFailed, Asked, Opened, *events, Ended]
    assert [step.attempt for step in following.steps if isinstance(step, Asked)] == [1, 2]
    assert following.moments == sorted(following.moments)
    assert {(place, thread) for _, place, thread in following.told} == {("the cell", "nbstream-observers")}
    assert Called not in kinds


def test_a_watch_without_anybody_does_nothing() -> None:
    watch = Observers(Notices()).watch()
    watch.request(REQUEST)  # there is no loop here, whose clock it would need
    watch.events([TextDelta("Hi")])
    watch.end(nbs.StreamResult("Hi"))
