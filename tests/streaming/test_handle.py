"""Handles on streams of a real server: looking, waiting, cancelling, interrupting."""

import asyncio
import concurrent.futures
import functools
import signal
import threading

import pytest

import nbstream as nbs
from nbstream.errors import ConnectionLostError, RateLimitError

STALLING = {"fault": "stall"}  # the demo server falls silent in the middle of its answer


@pytest.fixture
def start(demo, surface, monkeypatch):  # noqa: ARG001  the demo model must be there
    """Start a stream of the demo model, drawn on the recording surface."""
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    return functools.partial(nbs.start, model="demo")


@pytest.fixture
def interrupt_when(monkeypatch):
    """Interrupt the main thread, as a kernel does, once an event is set and the main thread waits for a stream."""
    threads, waiting, wait = [], threading.Event(), concurrent.futures.wait
    main = threading.get_ident()

    def wait_and_tell(*arguments, **named):
        waiting.set()
        return wait(*arguments, **named)

    monkeypatch.setattr("concurrent.futures.wait", wait_and_tell)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs without it

    def interrupt_when(event):
        def interrupt():
            assert event.wait(60)
            assert waiting.wait(60)
            signal.pthread_kill(main, signal.SIGINT)

        threads.append(threading.Thread(target=interrupt))
        threads[-1].start()

    yield interrupt_when
    for thread in threads:
        thread.join()
    signal.signal(signal.SIGINT, handler)


def test_a_handle_tells_what_has_come_so_far(start, surface):
    handle = start("Tell a long story", demo=STALLING)
    assert surface.drawn.wait(60)
    assert handle.state == "streaming"
    assert handle.text
    assert not handle.done()
    assert repr(handle) == f"<StreamHandle streaming, {len(handle.text):,} characters>"
    handle.cancel()
    handle.result(60)


def test_a_result_can_be_had_again_and_again(start, surface):
    handle = start("Count to 30")
    result = handle.result(60)
    assert handle.result() is handle.wait() is result
    assert handle.done()
    assert (handle.text, handle.state, handle.snapshot) == (result.text, result.state, result)
    assert surface.final == result
    assert "30" in result.text


def test_waiting_has_a_limit_and_leaves_the_stream_alone(start, surface):
    handle = start("Tell a long story", demo=STALLING)
    assert surface.drawn.wait(60)
    with pytest.raises(concurrent.futures.TimeoutError):
        handle.result(0.01)
    assert handle.state == "streaming"
    handle.cancel()
    assert handle.result(60).state == "cancelled"


def test_a_failed_stream_raises_with_its_result(start, surface):
    handle = start("Tell a long story", demo={"fault": "cut"})
    with pytest.raises(ConnectionLostError) as caught:
        handle.result(60)
    result = caught.value.result
    assert result is not None
    assert (result.state, result.error) == ("failed", caught.value)
    assert result.text
    assert surface.final == result
    assert handle.snapshot is result


def test_a_refused_stream_raises_with_an_empty_result(start):
    with pytest.raises(RateLimitError) as caught:
        start("hello", demo={"fault": "rate_limit"}).wait()
    assert caught.value.result is not None
    assert caught.value.result.text == ""


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_cancelling_closes_the_connection_and_the_next_stream_works(start, demo, surface, api):
    handle = start("Tell a long story", api=api, demo=STALLING)
    assert surface.drawn.wait(60)
    handle.cancel()
    handle.cancel()
    result = handle.result(60)
    assert result.state == "cancelled"
    assert result.text
    assert surface.final == result
    record = demo.requests[-1]
    assert record.ended.wait(60)
    assert record.state == "client_closed"
    assert nbs.stream("hello", model="demo", api=api, display=False).state == "completed"


def test_the_surfaces_own_stop_is_the_same_path(start, surface):
    handle = start("Tell a long story", demo=STALLING)
    assert surface.drawn.wait(60)
    surface.stop()
    assert handle.wait().state == "cancelled"


def test_cancelling_at_once(start):
    handle = start("Tell a long story", demo={"first_token": 60})
    handle.cancel()
    assert handle.result(60).state == "cancelled"


def test_cancelling_after_the_end_changes_nothing(start):
    handle = start("hello")
    result = handle.result(60)
    handle.cancel()
    assert handle.result() is result
    assert result.state == "completed"


def test_many_streams_at_once(start):
    handles = [start(f"Count to {count}", api=api) for count in (10, 20, 30) for api in ("chat", "responses")]
    for handle, count in zip(handles, (10, 10, 20, 20, 30, 30), strict=True):
        text = handle.result(60).text
        assert text.rstrip().endswith(str(count))


def test_one_stream_waits_for_no_other(start, surface):
    silent = start("Tell a long story", demo=STALLING)
    assert surface.drawn.wait(60)
    assert nbs.stream("hello", model="demo", display=False).state == "completed"
    assert silent.state == "streaming"
    silent.cancel()
    silent.result(60)


# --- interrupts -------------------------------------------------------------------------------------------------------


def test_an_interrupt_cancels_and_keeps_what_came(start, surface, demo, interrupt_when):
    handle = start("Tell a long story", demo=STALLING)
    interrupt_when(surface.drawn)
    with pytest.raises(KeyboardInterrupt):
        handle.wait()
    assert handle.state == "cancelled"
    assert handle.text
    assert surface.final == handle.snapshot
    assert demo.requests[-1].ended.wait(60)
    assert demo.requests[-1].state == "client_closed"


# --- awaiting ---------------------------------------------------------------------------------------------------------


def test_a_handle_can_be_awaited(start):
    async def main():
        handle = start("hello")
        return await handle, await handle

    one, two = asyncio.run(main())
    assert one is two
    assert one.state == "completed"


def test_awaiting_a_failed_stream_raises(start):
    async def main():
        await start("hello", demo={"fault": "rate_limit"})

    with pytest.raises(RateLimitError):
        asyncio.run(main())


def test_giving_up_an_await_leaves_the_stream_running(start, surface):
    async def main():
        handle = start("Tell a long story", demo=STALLING)

        async def wait():
            return await handle

        task = asyncio.create_task(wait())
        await asyncio.to_thread(surface.drawn.wait, 10)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert handle.state == "streaming"
        handle.cancel()
        return await handle

    assert asyncio.run(main()).state == "cancelled"
