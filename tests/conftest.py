"""What every test gets: no network but loopback, a clean environment, and doubles for the two ends of a stream.

The doubles are real things in small: a server that sends exact bytes, an event loop whose time jumps, a stream made of
events, a surface that remembers.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ipaddress
import os
import selectors
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pytest

import nbstream.engine
from nbstream.config import NBStream
from nbstream.demo import DemoServer, Pace
from nbstream.events import EndOfStream, Event, Finished, TextDelta
from nbstream.request import Endpoint, StreamRequest, TimeLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from nbstream.result import StreamResult
from tests.real_jupyter import chromium, front_end, jupyter, open_notebook, page, upstream

# Fixtures of one session each, so they are imported in one place only.
__all__ = ["chromium", "front_end", "jupyter", "open_notebook", "page", "upstream"]

PATIENCE = 10.0

T = TypeVar("T")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Playwright keeps an event loop running in this thread from its first use on: tests with loops of their own first.
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


# --- surroundings -----------------------------------------------------------------------------------------------------


def _is_loopback(family: int, address: Any) -> bool:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return True
    host = str(address[0])
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Fail a test that connects to, or asks the name of, another machine, also where the code swallows the error."""
    attempts: list[Any] = []

    def guard(name: str) -> None:
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, *arguments: Any) -> Any:
            address = arguments[-1]
            if not _is_loopback(self.family, address):
                attempts.append(address)
                raise OSError(f"a test tried to reach {address}")
            return original(self, *arguments)

        monkeypatch.setattr(socket.socket, name, guarded)

    for name in ("connect", "connect_ex", "sendto"):
        guard(name)
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name != socket.gethostname() and not _is_loopback(socket.AF_INET, (name,)):
            attempts.append(name)
            raise OSError(f"a test asked for the address of {name}")
        return resolve(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield attempts
    assert not attempts, f"this test went off loopback: {attempts}"


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of the machine or of an earlier test decides what a test sees."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "NBSTREAM_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    NBStream.clear_instance()
    yield
    NBStream.clear_instance()


@pytest.fixture(scope="session", autouse=True)
def _engine_ends() -> Iterator[None]:
    """Close the engine that the tests have started, so that a connection left open shows as a warning."""
    yield
    if nbstream.engine._engine is not None:
        nbstream.engine._engine.close()
        nbstream.engine._engine = None


# --- the server's end -------------------------------------------------------------------------------------------------

Piece = bytes | threading.Event


@dataclass
class Answer:
    """One response: bytes to send, events to wait for before going on, and what then becomes of the connection.

    `end` finishes the response properly, `close` just closes, `reset` resets, `hold` waits for the client to leave.
    """

    pieces: tuple[Piece, ...]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    then: Literal["end", "close", "reset", "hold"] = "end"
    chunked: bool = True


@dataclass
class Received:
    """One request, as it came, and which connection it came on."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


class FaultServer:
    """An HTTP server that sends exactly the bytes it is told to; the last answer serves all further requests."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[Received] = []
        self.arrived = threading.Event()
        self.client_left = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    @property
    def connections(self) -> int:
        return len(self._open)

    def send(self, *pieces: Piece | str, **how: Any) -> None:
        """Script the next answer."""
        raw = tuple(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
        self.answers.append(Answer(raw, **how))

    def close(self) -> None:
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection, len(self._open)), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as reader, contextlib.suppress(OSError):
            while line := reader.readline():
                headers = dict(iter(lambda: _header(reader.readline()), ("", "")))
                body = reader.read(int(headers.get("content-length", 0)))
                self.requests.append(Received(line.split()[1].decode(), headers, body, number))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                self.arrived.set()
                self._answer(connection, answer)
                if answer.then != "end" or not answer.chunked:
                    break

    def _answer(self, connection: socket.socket, answer: Answer) -> None:
        headers = {"content-type": "text/event-stream", **answer.headers}
        headers |= {"transfer-encoding": "chunked"} if answer.chunked else {"connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"HTTP/1.1 {answer.status} Scripted\r\n{lines}\r\n".encode())
        for piece in answer.pieces:
            if isinstance(piece, threading.Event):
                piece.wait(PATIENCE)
            elif piece:
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if answer.chunked else piece)
        if answer.then == "end" and answer.chunked:
            connection.sendall(b"0\r\n\r\n")
        elif answer.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif answer.then == "hold":
            with contextlib.suppress(ConnectionError):
                connection.recv(1)
            self.client_left.set()


def _header(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode().strip().partition(":")
    return name.lower(), value.strip()


@pytest.fixture
def loopback() -> Iterator[FaultServer]:
    server = FaultServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def _instant_demo() -> Iterator[DemoServer]:
    with DemoServer(Pace.parse("instant")) as server:
        yield server


@pytest.fixture
def demo(_instant_demo: DemoServer, monkeypatch: pytest.MonkeyPatch) -> DemoServer:
    """The demo model behind `model="demo"`, without its pauses."""
    monkeypatch.setattr("nbstream.demo.server._Process.server", _instant_demo)
    return _instant_demo


# --- a notebook's shell -----------------------------------------------------------------------------------------------


@pytest.fixture
def shell() -> Iterator[Any]:
    """An IPython shell without history, the one that `get_ipython()` returns, with the extension loaded."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    settings = {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
    made = InteractiveShell(config=Config({**settings, "NBStream": {"model": "of-file"}}))
    InteractiveShell._instance = made  # type: ignore[assignment]
    nbstream.load_ipython_extension(made)
    yield made
    InteractiveShell.clear_instance()
    made.atexit_operations()
    atexit.unregister(made.atexit_operations)


# --- time -------------------------------------------------------------------------------------------------------------


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: when nothing is ready, the hands jump to the next timer."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits for ever"
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which an hour passes at once; worker threads' work is done in line, so all is repeatable."""

    def __init__(self) -> None:
        self.jumping = _JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.now

    def run_in_executor(self, _: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  what the work raises belongs to whoever awaits it
            future.set_exception(error)
        return future


class LoopClock:
    """The running loop's time, as a `Clock`."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture
def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture
def elapse() -> Callable[[float], None]:
    """Let virtual time pass without giving anybody a turn, as work that takes long does."""

    def elapse(seconds: float) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.jumping.now += seconds

    return elapse


@pytest.fixture
def run_virtually() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine in virtual time."""

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(coroutine)

    return run


# --- both ends of a session -------------------------------------------------------------------------------------------

Step = Sequence[Event] | float | Exception


class ScriptedStream:
    """A stream of steps: a batch of events, seconds to wait, or an exception to raise.

    Example: `ScriptedStream([TextDelta("Hi")], 0.5, [Finished("stop"), EndOfStream(marked=True)])`
    """

    request_id: str | None = "req_1"

    def __init__(self, *steps: Step, connecting: float = 0.0) -> None:
        self._steps = steps
        self._connecting = connecting
        self.opened = False
        self.closed = False

    @classmethod
    def answering(cls, *pieces: str) -> ScriptedStream:
        return cls(*([TextDelta(piece)] for piece in pieces), [Finished("stop"), EndOfStream(marked=True)])

    @contextlib.asynccontextmanager
    async def open(self, _: StreamRequest) -> AsyncIterator[ScriptedStream]:
        await asyncio.sleep(self._connecting)
        self.opened = True
        try:
            yield self
        finally:
            self.closed = True

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Sequence):
                yield list(step)
            else:
                await asyncio.sleep(step)


class RecordingSurface:
    """Remembers what it was asked to draw, and when; `drawn` is set once there is text."""

    def __init__(self) -> None:
        self.frames: list[StreamResult] = []
        self.times: list[float] = []
        self.final: StreamResult | None = None
        self.stop: Callable[[], None] | None = None
        self.drawn = threading.Event()

    def open(self, request: StreamRequest, stop: Callable[[], None]) -> None:  # noqa: ARG002
        self.stop = stop

    def draw(self, snapshot: StreamResult) -> None:
        assert self.final is None, "drawn after the end"
        with contextlib.suppress(RuntimeError):  # on a worker thread there is no loop, and no time of its own
            self.times.append(asyncio.get_running_loop().time())
        self.frames.append(snapshot)
        if snapshot.text:
            self.drawn.set()

    def close(self, result: StreamResult) -> None:
        assert self.final is None, "closed twice"
        self.final = result


@pytest.fixture
def surface() -> RecordingSurface:
    return RecordingSurface()


@pytest.fixture
def scripted() -> type[ScriptedStream]:
    return ScriptedStream


@pytest.fixture
def make_request() -> Callable[..., StreamRequest]:
    """Build a request; only what a test is about needs saying."""

    def make(
        base_url: str = "http://localhost:8000/v1", *, api_key: Any = None, limits: Any = None, **values: Any
    ) -> StreamRequest:
        asked = {"messages": ({"role": "user", "content": "Hi"},), "model": "m", "api": "chat", **values}
        return StreamRequest(endpoint=Endpoint(base_url, api_key), limits=TimeLimits(*(limits or ())), **asked)

    return make
