"""What every test gets: no network but loopback, a clean environment, and the doubles of `nbstream.testing`."""

from __future__ import annotations

import asyncio
import atexit
import functools
import gc
import ipaddress
import itertools
import os
import socket
import threading
from asyncio import _get_running_loop, _set_running_loop  # for those who write event loops
from typing import TYPE_CHECKING, Any, TypeVar

import openai
import pygments.lexers
import pytest

import nbstream.markdown.lexers
import nbstream.streaming.engine
from nbstream.demo import DemoServer, Pace
from nbstream.request import Endpoint, StreamRequest, TimeLimits
from nbstream.settings.config import NBStream
from nbstream.testing import FaultServer, LoopClock, RecordingSurface, ScriptedStream, VirtualLoop, run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

from tests.panel_page import panel_page
from tests.real_jupyter import _shared, chromium, front_end, jupyter, open_notebook, page, upstream

# Fixtures of one session each, so they are imported in one place only.
__all__ = ["_shared", "chromium", "front_end", "jupyter", "open_notebook", "page", "panel_page", "upstream"]

PATIENCE = 60.0

T = TypeVar("T")


# --- which test runs where --------------------------------------------------------------------------------------------

ASK_THROUGH_THE_SDK = {"loopback", "demo"}  # servers that nbstream's own requests go to


def pytest_addoption(parser: pytest.Parser) -> None:
    # Here, because pytest asks no other folder before it reads its arguments.
    parser.addoption("--figures", metavar="FILE", help="write the figures of the benchmarks, as JSON")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "chromium" in fixtures:
            item.add_marker(pytest.mark.browser)
        if fixtures & ASK_THROUGH_THE_SDK:
            item.add_marker(pytest.mark.sdk)
    yield  # what is not wanted is deselected by its markers
    items[:] = _shared_out(items, getattr(config, "workerinput", {}).get("workercount", 1))


def pytest_collection_finish() -> None:
    # What was collected stays to the end: without it a full collection, as the end of each shell asks for, takes 10 ms
    # instead of half a second.
    gc.collect()
    gc.freeze()


def _keep_what_was_imported_since() -> None:
    """Take that, too, out of further collections: the SDK and others import most of themselves with their first use."""
    if len(gc.get_objects()) > 50_000:
        gc.freeze()


def _shared_out(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Order the items so that each worker, which gets as many as any other, begins with its share of browser tests.

    They take longest, and what is left of a worker's share can be given to others only a test at a time.
    """
    dear = [item for item in items if item.get_closest_marker("browser")]
    cheap = iter([item for item in items if not item.get_closest_marker("browser")])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        count = (len(items) - len(ordered)) // (workers - worker)  # as pytest-xdist has it
        share = dear[worker::workers]
        ordered += [*share, *itertools.islice(cheap, max(0, count - len(share)))]
    return ordered


@pytest.fixture(autouse=True)
def _no_loop_of_playwrights(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hide the loop that Playwright, once used, keeps running in this thread, from tests with loops of their own."""
    running = _get_running_loop()
    if running is None or "chromium" in request.fixturenames:
        yield
        return
    _set_running_loop(None)
    yield
    _set_running_loop(running)


@pytest.fixture(scope="session")
def _sdk_requests() -> list[str]:
    """The paths that were asked for through the SDK as nbstream uses it."""
    paths: list[str] = []
    for name in ("get", "post"):
        method = getattr(openai.AsyncOpenAI, name)

        @functools.wraps(method)
        async def noted(client: Any, path: str, *arguments: Any, method: Any = method, **named: Any) -> Any:
            paths.append(path)
            return await method(client, path, *arguments, **named)

        setattr(openai.AsyncOpenAI, name, noted)
    return paths


@pytest.fixture(autouse=True)
def _marked_if_it_uses_the_sdk(request: pytest.FixtureRequest, _sdk_requests: list[str]) -> Iterator[None]:
    """Fail a test that asks through the SDK and is not marked so: it would not run on the other versions of the SDK."""
    _sdk_requests.clear()
    yield
    if not any(request.node.get_closest_marker(name) for name in ("sdk", "benchmark")):
        assert not _sdk_requests, "this test asks through the SDK: mark it with pytest.mark.sdk"


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
        if name.startswith(("OPENAI_", "NBSTREAM_", "JPY_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")  # nobody's own keys
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    NBStream.clear_instance()
    yield
    NBStream.clear_instance()


@pytest.fixture(scope="session", autouse=True)
def _engine_ends() -> Iterator[None]:
    """Close the engine that the tests have started, so that a connection left open shows as a warning."""
    yield
    if (last := nbstream.streaming.engine.replace_engine(None)) is not None:
        last.close()


# --- the server's end -------------------------------------------------------------------------------------------------


@pytest.fixture
def loopback() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def make_chat(loopback: FaultServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., nbstream.Chat]:
    """Make a chat with the scripted server that asks only once; chats that go by a name are forgotten afterwards."""
    monkeypatch.setattr(nbstream.Chat, "_kept", {})

    def make(*arguments: Any, **options: Any) -> nbstream.Chat:
        return nbstream.Chat(*arguments, **{"model": "m", "base_url": loopback.base_url, "max_retries": 0, **options})

    return make


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
    made = InteractiveShell.instance(config=Config({**settings, "NBStream": {"model": "of-file"}}))
    nbstream.load_ipython_extension(made)
    yield made
    InteractiveShell.clear_instance()
    made.atexit_operations()  # with a full collection at its end
    _keep_what_was_imported_since()
    atexit.unregister(made.atexit_operations)


# --- time and both ends of a session ----------------------------------------------------------------------------------


@pytest.fixture
def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture
def elapse() -> Callable[[float], None]:
    """Let virtual time pass without giving anybody a turn, as work that takes long does."""

    def elapse(seconds: float) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.elapse(seconds)

    return elapse


@pytest.fixture(name="run_virtually")
def _run_virtually() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine in virtual time."""
    return run_virtually


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


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which colouring code takes no time; on one that is busy, some code would be given up."""
    monkeypatch.setattr("nbstream.markdown.highlight.time.thread_time", lambda: 0.0)


@pytest.fixture
def lexer_gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set, no lexer of Pygments is to be had; none has been asked for so far."""
    opened, find = threading.Event(), pygments.lexers.get_lexer_by_name

    def gated(name: str, **options: object) -> object:
        opened.wait(PATIENCE)
        return find(name, **options)

    monkeypatch.setattr(pygments.lexers, "get_lexer_by_name", gated)
    monkeypatch.setattr("nbstream.markdown.lexers._lexers", type(vars(nbstream.markdown.lexers)["_lexers"])())
    return opened
