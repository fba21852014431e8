"""No wait is for ever: forks, the end of the program, threads that are none, loops that are not asyncio's."""

from __future__ import annotations

import asyncio
import copy
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import ConnectionLostError, UsageError
from nbstream.ipython.awaited_cells import AwaitedCells
from nbstream.streaming.engine import Engine, engine, replace_engine
from nbstream.testing import ScriptedStream, chat_body
from tests.chats import half

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.streaming.handle import StreamHandle
    from nbstream.testing import FaultServer

PATIENCE = 60.0
can_fork = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    made = Engine()
    before = replace_engine(made)
    yield made
    last = replace_engine(before)
    for each in {made, last or made}:
        each.close()


@pytest.fixture
def handle(own_engine: Engine, loopback: FaultServer) -> StreamHandle:
    """Of a stream that has begun and whose engine has ended since, as threads never should."""
    loopback.send(half("Hel"), then="hold")
    handle = nbs.start("Hi", model="m", base_url=loopback.base_url, display=False)
    assert next(iter(handle)) == "Hel"
    own_engine._loop.call_soon_threadsafe(own_engine._loop.stop)  # noqa: SLF001  what no user can do
    own_engine._thread.join(PATIENCE)  # noqa: SLF001
    return handle


WAITS: dict[str, Any] = {
    "result": lambda handle: handle.result(),
    "result in time": lambda handle: handle.result(PATIENCE),
    "wait": lambda handle: handle.wait(),
    "text": list,
    "events": lambda handle: list(handle.events()),
    "await": lambda handle: asyncio.run(awaited(handle)),
    "wait_async": lambda handle: asyncio.run(handle.wait_async()),
    "async text": lambda handle: asyncio.run(gathered(handle)),
    "async events": lambda handle: asyncio.run(gathered(handle.events())),
}


async def awaited(handle: Any) -> Any:
    return await handle


async def gathered(pieces: Any) -> list[Any]:
    return [piece async for piece in pieces]


@pytest.mark.sdk
@pytest.mark.parametrize("wait", WAITS)
def test_a_handle_notices_that_its_engine_is_gone(handle: StreamHandle, wait: str) -> None:
    assert handle.lost
    with pytest.raises(ConnectionLostError, match=r"lost: the thread that reads it has ended\. Ask again\.$") as caught:
        WAITS[wait](handle)
    assert (caught.value.result.text, str(caught.value.result.state)) == ("Hel", "failed")
    assert (handle.text, handle.done()) == ("Hel", False)


@pytest.mark.sdk
def test_a_block_is_left_at_once(handle: StreamHandle) -> None:
    async def leave() -> None:
        async with handle:
            pass

    began = time.monotonic()
    with handle:
        handle.cancel()
    asyncio.run(leave())
    assert time.monotonic() - began < 9, "ten seconds each are for streams that may end"


@pytest.mark.sdk
def test_the_next_stream_gets_another_engine(handle: StreamHandle, own_engine: Engine, loopback: FaultServer) -> None:
    loopback.send(chat_body("Hi"))
    for _ in range(2):
        assert nbs.stream("Hi", model="m", base_url=loopback.base_url, display=False).text == "Hi"
    assert engine() is not own_engine
    assert handle.lost
    handle.cancel()


@pytest.mark.sdk
def test_a_chat_is_not_busy_with_what_is_lost(own_engine: Engine, make_chat: Any, loopback: FaultServer) -> None:
    chat = make_chat()
    loopback.send(half("Hel"), then="hold")
    next(iter(chat.start("Hi", display=False)))
    own_engine.close()
    loopback.send(chat_body("Hi"))
    assert chat.stream("Hi again", display=False).text == "Hi"


def test_a_thread_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", start)
    with pytest.raises(UsageError, match="needs a background thread, and none can be started: can't start"):
        Engine()


@pytest.mark.parametrize("patched", ["threading", "select"])
def test_a_loop_that_gevent_keeps_from_running_is_told(monkeypatch: pytest.MonkeyPatch, patched: str) -> None:
    def run_forever(_: Any) -> None:
        raise Exception("This operation would block forever\n\tHub: <Hub '' at 0x7f>")  # noqa: TRY002  as gevent does

    gevent = SimpleNamespace(is_module_patched=lambda name: name == patched)
    monkeypatch.setitem(sys.modules, "gevent.monkey", gevent)
    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.run_forever", run_forever)
    engine = Engine()
    engine._thread.join(PATIENCE)  # noqa: SLF001
    assert engine.fault == (
        "its loop cannot run in the background (This operation would block forever); gevent has replaced parts of "
        "Python that it needs: use a process without gevent.monkey.patch_all()"
    )
    assert engine.doomed
    monkeypatch.undo()
    engine.close()


# --- loops of others --------------------------------------------------------------------------------------------------


def test_without_asyncio_nothing_is_sent_and_the_way_is_said(make_chat: Any, loopback: FaultServer) -> None:
    source = ScriptedStream([])
    handle = nbs.start("Hi", model="m", base_url=loopback.base_url, source=source, display=False)
    for waiting in (
        nbs.astream("Hi", model="m", base_url=loopback.base_url),
        make_chat().astream("Hi"),
        awaited(handle),
        gathered(handle),
        gathered(handle.events()),
    ):
        with pytest.raises(UsageError, match=r"only asyncio can await a stream.*nbs\.stream"):
            waiting.send(None)
    assert not loopback.requests
    handle.cancel()


def test_trio_within_a_callback_of_asyncio_is_not_asyncio(
    make_chat: Any, loopback: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = SimpleNamespace(current_async_library=lambda: "trio", AsyncLibraryNotFoundError=RuntimeError)
    monkeypatch.setitem(sys.modules, "trio", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "sniffio", library)
    with pytest.raises(UsageError, match="only asyncio can await a stream"):
        asyncio.run(make_chat().astream("Hi"))
    assert not loopback.requests


def test_a_cell_on_trio_waits_without_a_loop(shell: Any) -> None:
    call = "get_ipython().run_cell_magic('stream', '-m demo', 'hello\\n')\n"
    cells = AwaitedCells(shell)
    assert cells([call])[0].startswith("await ")
    for runner in ("trio", "curio", "sync", "False"):
        shell.run_line_magic("autoawait", runner)
        assert cells([call]) == [call]
    shell.run_line_magic("autoawait", "asyncio")
    assert cells([call])[0].startswith("await ")


# --- programs of their own --------------------------------------------------------------------------------------------


def run(program: str) -> tuple[str, str]:
    """Run a program; what it wrote. It has a server, of which a child that was forked has only the address."""
    beginning = """
        import atexit, os, sys, threading, time
        import nbstream as nbs
        from nbstream.streaming.engine import engine
        from nbstream.testing import FaultServer, chat_body

        server = FaultServer()
        server.send(chat_body("Hi there"))
        asked = {"model": "m", "base_url": server.base_url, "max_retries": 0, "display": False}

        def ask():
            try:
                print(nbs.stream("Hi", **asked).text, flush=True)
            except Exception as error:
                print(f"{type(error).__name__}: {error}", flush=True)

        def in_child(act, end=os._exit):
            child = os.fork()
            if not child:
                act()
                end(0)
            for _ in range(6000):
                if os.waitpid(child, os.WNOHANG)[0]:
                    return
                time.sleep(0.01)
            os.kill(child, 9)
            print("it hangs")
    """
    text = textwrap.dedent(beginning) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=240, check=False)
    return done.stdout, done.stderr


@can_fork
@pytest.mark.sdk
def test_a_fork_in_the_midst_of_the_first_import_can_ask() -> None:
    """Each time in a process of its own, which has nothing of the SDK yet."""
    out, err = run("""
        def fork_within(begin, delay):
            begin()
            time.sleep(delay)
            in_child(ask)
            ask()

        for begin, delay in (
            (engine().prepare, 0), (engine().prepare, 0.2), (lambda: nbs.start("Hi", **asked), 0.05)
        ):
            assert "openai" not in sys.modules
            in_child(lambda: fork_within(begin, delay))
    """)
    assert (out, err) == ("Hi there\n" * 6, "")


@can_fork
def test_a_fork_does_not_wait_for_the_streams_of_its_parent() -> None:
    out, err = run("""
        gate = threading.Event()
        server.send(chat_body("Hel", finish_reason=None, done=False), gate)
        server.send(chat_body("Hi there"))
        chat = nbs.Chat(**{name: value for name, value in asked.items() if name != "display"})
        ask()
        handle = chat.start("Hi", display=False)
        next(iter(handle))

        def act():
            try:
                handle.result()
            except nbs.StreamError as error:
                print(error, error.result.text, flush=True)
            print(chat.stream("Hi", display=False).text, flush=True)

        in_child(act)
        gate.set()
    """)
    lost = "The stream is lost: this process is a fork of the one that reads it. Ask again. Hel"
    assert (out.splitlines(), err) == (["Hi there", lost, "Hi there"], "")


@can_fork
def test_at_the_end_of_a_program_and_without_stdout() -> None:
    out, err = run("""
        def ask_after_the_main_thread():
            threading.Thread(target=lambda: (threading.main_thread().join(), ask())).start()

        def ask_without_stdout():
            del asked["display"]
            sys.stdout.close()
            print(nbs.stream("Hi", **asked).text, file=sys.stderr)

        in_child(lambda: atexit.register(ask), sys.exit)
        in_child(ask_after_the_main_thread, sys.exit)
        in_child(ask_without_stdout)
    """)
    lines = out.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "can no longer be asked, because the program is ending" in line or "needs a background thread" in line
    assert err == "Hi there\n"


def test_a_lost_chat_can_be_copied(make_chat: Any) -> None:
    assert copy.copy(make_chat()).turns == ()
