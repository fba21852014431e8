"""The streams that no caller waits for: what a list says of them, and that it keeps no answers alive."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import StalledError
from nbstream.parts import TextPart, ToolCallPart, ToolRun
from nbstream.result import StreamResult, StreamState, Usage
from nbstream.streaming.engine import engine
from nbstream.streaming.errands import waited_for_here
from nbstream.streaming.running import Job, JobFacts, Running
from nbstream.testing import chat_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.testing import FaultServer


class Handle:
    """A stream in small."""

    lost = False

    def __init__(self, request: Any) -> None:
        self.request = request
        self.snapshot = StreamResult()
        self.cancelled = 0
        self._tell: list[Callable[..., object]] = []

    def cancel(self) -> None:
        self.cancelled += 1

    def when_committed(self, tell: Callable[[StreamResult], object]) -> None:
        self._tell.append(tell)

    def when_drawn(self, tell: Callable[[], object]) -> None:
        self._tell.append(tell)

    def end(self, result: StreamResult) -> None:
        self.snapshot = result
        self._tell[0](result)

    def drawn(self) -> None:
        self._tell[1]()


@pytest.fixture
def handle(make_request: Any) -> Handle:
    return Handle(make_request())


def test_a_job_tells_how_far_it_is_and_then_how_it_ended(handle: Handle) -> None:
    now = 10.0
    job = Job(3, handle, "Hi", lambda: now)
    assert (job.name, job.what, job.model, job.state, job.running) == ("3", "Hi", "m", "pending", True)
    handle.snapshot = StreamResult("x" * 300, StreamState.STREAMING)
    now = 12.5
    assert job.seconds == 2.5
    assert job.facts == JobFacts(StreamState.STREAMING, None, 300, "x" * 200)
    handle.end(StreamResult("Done", StreamState.COMPLETED, "stop", Usage(5, 7, 12)))
    now = 99.0
    assert (job.facts, job.seconds) == (JobFacts(StreamState.COMPLETED, 7, 4, "Done"), 2.5)
    handle.drawn()
    assert repr(job) == "<Job 3: completed, 2 s>"
    job.stop()
    assert handle.cancelled == 0


def test_a_failure_and_a_question_are_told(handle: Handle) -> None:
    job = Job(1, handle, "Hi")
    call = ToolCallPart("c", "f", "{}", run=ToolRun("waiting"))
    handle.snapshot = StreamResult(state=StreamState.STREAMING, parts=(TextPart("Let me see."), call))
    assert job.facts.asks
    handle.end(StreamResult(state=StreamState.FAILED, error=StalledError("It hung.\nFor long.")))
    assert (job.facts.error, job.facts.asks) == ("It hung.", False)


def test_waiting_ends_with_the_last_frame_or_with_its_time(handle: Handle) -> None:
    job = Job(1, handle, "Hi")
    with pytest.raises(TimeoutError, match=r"1 has not ended in 0\.01 s"):
        job.wait(0.01)
    handle.end(StreamResult("Done", StreamState.COMPLETED))
    with pytest.raises(TimeoutError):
        job.wait(0.01)
    handle.drawn()
    job.wait()


def test_a_stream_that_can_no_longer_end_is_not_waited_for(handle: Handle) -> None:
    job = Job(1, handle, "Hi")
    handle.lost = True
    job.wait()
    assert (job.state, job.running) == ("failed", False)


def test_the_latest_that_have_ended_are_kept_without_their_answers(make_request: Any) -> None:
    running = Running()
    handles = [Handle(make_request()) for _ in range(30)]
    jobs = [running.add(each, "Hi") for each in handles]
    for each in handles[1:]:
        each.end(StreamResult("Done", StreamState.COMPLETED))
        each.drawn()
    last = running.add(Handle(make_request()), "Hi")
    assert [job.number for job in running] == [1, *range(11, 31), 31]
    assert running.of(handles[0]) is jobs[0]
    assert running.of(handles[5]) is None
    assert last.number == 31
    kept = weakref.ref(handles[29])
    del handles, each
    gc.collect()
    assert kept() is None


def test_a_stream_is_in_the_list_unless_its_caller_waits(loopback: FaultServer) -> None:
    def listed() -> list[int]:
        return [job.number for job in engine().running]

    before = listed()
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "display": False}
    for _ in range(3):
        loopback.send(chat_body("Hello"))
    nbs.stream("Hi", **options)
    with waited_for_here():
        nbs.start("Hi", **options).result()
    assert listed() == before
    handle = nbs.start("Hi", **options)
    (number,) = set(listed()) - set(before)
    (job,) = (each for each in engine().running if each.number == number)
    handle.result()
    job.wait(60)
    assert (job.what, job.state) == ("Hi", "completed")
