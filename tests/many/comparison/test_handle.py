"""Several streams at once over real HTTP: all stopped by an interrupt, one stopped alone; functions that they call."""

import asyncio
import signal
import threading
from typing import TYPE_CHECKING

import pytest

import nbstream as nbs
from nbstream.many.comparison.board import QuietBoard
from nbstream.many.comparison.columns import columns_of
from nbstream.many.comparison.compare import begin_comparison
from nbstream.many.comparison.handle import ComparisonHandle
from nbstream.testing import Answer, chat_body, chat_chunk

if TYPE_CHECKING:
    from nbstream.many.comparison.comparison import Comparison

PATIENCE = 30.0


@pytest.fixture
def held(loopback):
    """A server whose answer of `done` is complete, and whose others hold after their first words."""

    def answer(received):
        if received.json["model"] == "done":
            return chat_body("Done", usage=(3, 2))
        return Answer(chat_chunk("Half"), then="hold")

    loopback.respond(answer)
    return loopback


@pytest.fixture
def begin(held):
    def begin(*models, **options):
        about = {"models": models, "on": None, "display": False, "base_url": held.base_url}
        return begin_comparison("Hi", **about, **options)

    return begin


def has_begun(handle):
    """Wait until each answer has some text."""
    for each in handle.handles:
        next(text for text in each.texts() if text)


def test_one_is_stopped_and_the_others_go_on(begin):
    handle = begin("done", "slow", "slower")
    has_begun(handle)
    handle.handles[1].cancel()
    handle.handles[1].result(PATIENCE)
    assert [str(each.state) for each in handle.handles][1:] == ["cancelled", "streaming"]
    assert handle.state == "streaming"
    handle.cancel()
    results = handle.wait()
    assert [(str(result.state), result.text) for result in results] == [
        ("completed", "Done"),
        ("cancelled", "Half"),
        ("cancelled", "Half"),
    ]
    assert handle.state == "completed"


class Interrupted(QuietBoard):
    """Sends the main thread the signal as soon as it waits."""

    def attend(self, waits):
        if waits:
            main = threading.main_thread().ident
            threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGINT)).start()


@pytest.fixture
def _interruptible():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs without it
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupt_stops_all_and_keeps_what_has_arrived(held):
    columns = columns_of("Hi", ["slow", "done", "slower"], None, 1, {"base_url": held.base_url})
    handle = ComparisonHandle(columns, Interrupted())
    told: list[Comparison] = []
    handle.when_committed(told.append)
    has_begun(handle)
    with pytest.raises(KeyboardInterrupt):
        handle.wait()
    assert [str(result.state) for result in told[0]] == ["cancelled", "completed", "cancelled"]
    assert told[0].texts == {"done": "Done"}


def test_it_can_be_awaited_and_cancelled(begin):
    async def stopped():
        handle = begin("slow", "done")
        waiting = asyncio.create_task(handle.wait_async())
        await asyncio.to_thread(has_begun, handle)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return handle

    handle = asyncio.run(stopped())
    assert [str(each.state) for each in handle.handles] == ["cancelled", "completed"]

    async def awaited():
        return await begin("done", "done").wait_async()

    assert asyncio.run(awaited()).texts == {"done (1)": "Done", "done (2)": "Done"}


def test_functions_run_on_the_thread_that_waits(loopback):
    threads = []

    def look() -> str:
        """Look."""
        threads.append(threading.current_thread())
        return "seen"

    def answer(received):
        if received.json["messages"][-1]["role"] == "tool":
            return chat_body(f"{received.json['model']} has {received.json['messages'][-1]['content']}")
        call = {"index": 0, "id": "c", "function": {"name": "look", "arguments": "{}"}}
        return chat_chunk({"tool_calls": [call]}) + chat_body(finish_reason="tool_calls")

    loopback.respond(answer)
    results = nbs.compare(
        "Hi", models=["a", "b"], tools=[look], approve="all", display=False, base_url=loopback.base_url
    )
    assert results.texts == {"a": "a has seen", "b": "b has seen"}
    assert threads == [threading.main_thread()] * 2


def test_a_wrong_call_sends_nothing(held):
    with pytest.raises(nbs.errors.UsageError, match="the prompt is empty"):
        nbs.compare("", models=["a", "b"], base_url=held.base_url)
    with pytest.raises(nbs.errors.UsageError, match="there is no endpoint called x"):
        nbs.compare("Hi", models=["a"], on=["x", "y"])
    assert held.requests == []
