"""Cancelling in every state of a stream, over real HTTP and by every way there is.

Each time: the server sees it at once, the result says so and keeps what came, other streams go on, and nothing is left:
no task on the engine's loop, no socket to the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import socket
import sys
import threading
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
import nbstream.streaming.engine
from nbstream.streaming.engine import Engine, replace_engine
from nbstream.testing import FaultServer, RecordingSurface, chat_body, chat_chunk, error_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.transport.event_stream import EventStream, StreamSource

pytestmark = pytest.mark.sdk

PATIENCE = 60.0


# --- what is left -----------------------------------------------------------------------------------------------------


def tasks_left(engine: Engine) -> list[str]:
    """The tasks on the engine's loop, once everything that can continue has done so."""

    async def look() -> list[str]:
        left: list[str] = []
        for _ in range(100):
            left = [str(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            if not left:
                break
            await asyncio.sleep(0)
        return left

    return engine.submit(look()).result(PATIENCE)


def sockets_to(port: int) -> list[str]:
    """The states of this process's sockets that are, or are to be, connected to `port`."""
    open_here = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # it was closed meanwhile
            open_here.add(str(descriptor.readlink()))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    here = [row for row in rows if row[2].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in open_here]
    return list({row[9]: row[3] for row in here}.values())  # a table that changes while it is read may show one twice


# --- one stream, on an engine of its own ------------------------------------------------------------------------------


class WatchedSurface(RecordingSurface):
    """Says when a pause, and when a whole answer, has been drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.paused, self.whole = threading.Event(), threading.Event()

    def draw(self, snapshot: StreamResult) -> None:
        super().draw(snapshot)
        if snapshot.retry is not None:
            self.paused.set()
        if snapshot.finish_reason is not None:
            self.whole.set()


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    before = replace_engine(made)
    made.submit(asyncio.sleep(0, made.clients)).result(PATIENCE)  # importing openai takes long enough to be measured
    yield made
    replace_engine(before)
    made.close()


@pytest.fixture
def drawn_on(monkeypatch: pytest.MonkeyPatch) -> WatchedSurface:
    made = WatchedSurface()
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: made)
    return made


@pytest.fixture
def responding(engine: Engine) -> threading.Event:
    """Set once the headers of a response have come."""
    engine.source = announcing = Announcing(engine.clients)
    return announcing.come


class Announcing:
    """A source that says when it has opened a stream."""

    def __init__(self, inner: StreamSource) -> None:
        self.come = threading.Event()
        self._inner = inner

    @contextlib.asynccontextmanager
    async def open(self, request: StreamRequest) -> AsyncIterator[EventStream]:
        async with self._inner.open(request) as stream:
            self.come.set()
            yield stream


class Reached:
    """A stream that is in a certain state, once `event` is set."""

    def __init__(self, url: str, event: threading.Event, left: threading.Event | None, **expected: str) -> None:
        self.url = url
        self.event = event
        self.left = left  # set when the server has seen that the client is gone
        self.state = expected.get("state", "cancelled")
        self.text = expected.get("text", "")
        self.sockets = 0  # that are still open afterwards

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])


@pytest.fixture
def connecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reached]:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = listener.getsockname()[1]
        for _ in range(8):  # fill the queue of connections, so that further ones hang
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        begun, connect = threading.Event(), asyncio.SelectorEventLoop.sock_connect

        async def connecting(loop: asyncio.SelectorEventLoop, sock: socket.socket, address: Any) -> None:
            if address[1] == port:
                begun.set()
            await connect(loop, sock, address)

        monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", connecting)
        yield Reached(f"http://127.0.0.1:{port}/v1", begun, None)


@pytest.fixture
def waiting_for_headers(loopback: FaultServer) -> Reached:
    loopback.send(chat_body("late"), before_head=math.inf)
    return Reached(loopback.base_url, loopback.arrived, loopback.client_left)


@pytest.fixture
def waiting_for_the_first_token(loopback: FaultServer, responding: threading.Event) -> Reached:
    loopback.send(": ping\n\n", then="hold")
    return Reached(loopback.base_url, responding, loopback.client_left)


@pytest.fixture
def streaming(loopback: FaultServer, drawn_on: WatchedSurface) -> Reached:
    loopback.send(*[piece for _ in range(3000) for piece in (chat_chunk("x"), 0.005)], then="hold")
    return Reached(loopback.base_url, drawn_on.drawn, loopback.client_left, text="x")


@pytest.fixture
def stalled(loopback: FaultServer, drawn_on: WatchedSurface) -> Reached:
    loopback.send(chat_chunk("xxx"), then="hold")
    return Reached(loopback.base_url, drawn_on.drawn, loopback.client_left, text="xxx")


@pytest.fixture
def backing_off(loopback: FaultServer, drawn_on: WatchedSurface) -> Reached:
    headers = {"content-type": "application/json", "retry-after": "60"}
    loopback.send(error_body("busy"), status=503, headers=headers)
    reached = Reached(loopback.base_url, drawn_on.paused, None)
    reached.sockets = 1  # the connection of the refusal is kept for the next request
    return reached


@pytest.fixture
def lingering(engine: Engine, loopback: FaultServer, drawn_on: WatchedSurface) -> Reached:
    engine.clients.linger = PATIENCE
    loopback.send(chat_body("xxx"), then="hold")
    return Reached(loopback.base_url, drawn_on.whole, loopback.client_left, state="completed", text="xxx")


STATES = [
    "connecting",
    "waiting_for_headers",
    "waiting_for_the_first_token",
    "streaming",
    "stalled",
    "backing_off",
    "lingering",
]


@pytest.fixture(params=STATES)
def reached(request: pytest.FixtureRequest) -> Reached:
    stream: Reached = request.getfixturevalue(request.param)
    return stream


# --- the ways to cancel -----------------------------------------------------------------------------------------------


def by_the_handle(url: str, _: WatchedSurface, ready: Callable[[], None]) -> None:
    handle = nbs.start("Hi", model="m", base_url=url)
    ready()
    handle.cancel()
    handle.result(PATIENCE)


def by_the_surface(url: str, surface: WatchedSurface, ready: Callable[[], None]) -> None:
    """As a Stop button does, from another thread than the one that waits."""
    handle = nbs.start("Hi", model="m", base_url=url)
    ready()
    assert surface.stop is not None
    thread = threading.Thread(target=surface.stop)
    thread.start()
    thread.join()
    handle.result(PATIENCE)


def by_an_interrupt(url: str, _: WatchedSurface, ready: Callable[[], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        wait = futures.wait

        def interrupted(*_: Any, **__: Any) -> Any:
            patch.setattr(futures, "wait", wait)
            ready()
            raise KeyboardInterrupt

        patch.setattr(futures, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            nbs.stream("Hi", model="m", base_url=url)


def by_the_awaiting_task(url: str, _: WatchedSurface, ready: Callable[[], None]) -> None:
    async def main() -> None:
        task = asyncio.create_task(nbs.astream("Hi", model="m", base_url=url))
        await asyncio.to_thread(ready)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


@pytest.fixture(
    params=[by_the_handle, by_the_surface, by_an_interrupt, by_the_awaiting_task], ids=lambda way: way.__name__
)
def cancel(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are counted in /proc")
@pytest.mark.wire("B13", "B15", "B24", "J05")
def test_a_cancelled_stream_is_gone_at_once_and_leaves_nothing(
    reached: Reached, cancel: Any, engine: Engine, drawn_on: WatchedSurface
) -> None:
    before = len(sockets_to(reached.port))
    with FaultServer() as other:
        other.send(chat_body("Hello"))

        def ready() -> None:
            assert reached.event.wait(PATIENCE)
            elsewhere = nbs.stream("Hi", model="m", base_url=other.base_url, display=False)
            assert elsewhere.text == "Hello", "another stream continues meanwhile"
            assert len(sockets_to(reached.port)) == before + 1

        cancel(reached.url, drawn_on, ready)
        if reached.left is not None:
            assert reached.left.wait(PATIENCE), "the server sees it"

        final = drawn_on.final
        assert final is not None
        assert (final.state, final.error, final.retry) == (reached.state, None, None)
        assert set(final.text) == set(reached.text)

        assert len(sockets_to(reached.port)) == before + reached.sockets
        assert tasks_left(engine) == []
        assert nbs.stream("Hi", model="m", base_url=other.base_url, display=False).text == "Hello", "and afterwards"


# --- more often, and more at once -------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are counted in /proc")
@pytest.mark.wire("J04")
def test_many_streams_are_cancelled_at_once_and_one_of_them_is_not(engine: Engine, loopback: FaultServer) -> None:
    gate = threading.Event()
    loopback.send(chat_chunk("Hel"), gate, chat_body("lo"))
    handles = [nbs.start(f"{i}", model="m", base_url=loopback.base_url, display=False) for i in range(40)]
    loopback.wait(requests=40)
    spared, *others = handles
    for handle in others:
        handle.cancel()
    assert {handle.result(PATIENCE).state for handle in others} == {"cancelled"}
    loopback.wait(left=39)
    gate.set()
    assert spared.result(PATIENCE).text == "Hello"
    assert tasks_left(engine) == []
    port = int(loopback.base_url.rpartition(":")[2].partition("/")[0])
    until = time.monotonic() + PATIENCE
    while len(sockets_to(port)) > 1 and time.monotonic() < until:  # the event loop closes a socket a step later
        time.sleep(0.01)
    assert len(sockets_to(port)) == 1, "that of the stream which was not cancelled, kept for the next"


@pytest.mark.wire("J05")
def test_cancelling_again_and_again_changes_nothing(engine: Engine, stalled: Reached) -> None:
    handle = nbs.start("Hi", model="m", base_url=stalled.url)
    assert stalled.event.wait(PATIENCE)
    for _ in range(50):
        handle.cancel()
    result = handle.result(PATIENCE)
    handle.cancel()
    assert (result.state, result.text, handle.result()) == ("cancelled", "xxx", result)
    assert tasks_left(engine) == []


@pytest.mark.wire("J05")
def test_nothing_is_reported_of_what_was_cancelled(
    engine: Engine, stalled: Reached, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither an exception that nobody asked for, nor a generator or a connection that nobody closed."""
    handle = nbs.start("Hi", model="m", base_url=stalled.url)
    assert stalled.event.wait(PATIENCE)
    handle.cancel()
    handle.result(PATIENCE)
    del handle
    assert tasks_left(engine) == []
    engine.submit(asyncio.to_thread(gc.collect)).result(PATIENCE)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.wire("B20")
def test_a_cancelled_pause_sends_no_further_request(
    engine: Engine, backing_off: Reached, loopback: FaultServer
) -> None:
    handle = nbs.start("Hi", model="m", base_url=backing_off.url)
    assert backing_off.event.wait(PATIENCE)
    pause = handle.snapshot.retry
    assert pause is not None
    assert (pause.delay, pause.attempt) == (60.0, 2)
    handle.cancel()
    result = handle.result(PATIENCE)
    assert (result.state, result.attempts, result.retry) == ("cancelled", 1, None)
    assert tasks_left(engine) == []
    assert len(loopback.requests) == 1


@pytest.mark.wire("J05")
def test_closing_the_engine_ends_what_still_goes_on(engine: Engine, stalled: Reached, loopback: FaultServer) -> None:
    nbs.start("Hi", model="m", base_url=stalled.url)
    assert stalled.event.wait(PATIENCE)
    engine.close()
    assert loopback.client_left.wait(PATIENCE)
