"""Interrupts at any step of a call: the stream is ended, the kernel is usable, and nothing is half done."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.streaming.interrupts import HeldInterrupts
from nbstream.testing import Answer, chat_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Self

    from nbstream.testing import FaultServer, Received

PATIENCE = 30.0
WAITED = 1.0


class AtStep:
    """Interrupts the main thread once, when it is about to run the n-th line of nbstream's.

    A call that waits may never get there, because a machine that has other things to do runs fewer lines in that time;
    then it is interrupted where it waits.
    """

    def __init__(self, step: int) -> None:
        self.left = step
        self._late = threading.Timer(WAITED, self._interrupt_wait)

    def __enter__(self) -> Self:
        if self.left > 0:
            self._late.start()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        self._late.cancel()

    def _interrupt_wait(self) -> None:
        if self.left > 0:  # an interrupt that is lost is not made good
            self.left = 0
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def _trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if "/nbstream/" not in frame.f_code.co_filename or "/testing/" in frame.f_code.co_filename:
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)
        return self._trace


def steps_of(call: Callable[[], object]) -> int:
    """How many lines a call runs."""
    with AtStep(0) as counted:
        call()
    return -counted.left


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs without it
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def server(loopback: FaultServer) -> FaultServer:
    """Answers everything, and never ends an answer to a question that says so."""

    def answer(received: Received) -> Answer:
        if "endless" in str(received.json["messages"][-1]["content"]):
            return Answer(chat_body("Hel", finish_reason=None, done=False), then="hold")
        return Answer(chat_body("Hello"))

    loopback.respond(answer)
    nbs.configure(base_url=loopback.base_url, model="m", max_retries=0)
    return loopback


def idle(chat: nbs.Chat) -> bool:
    until = time.monotonic() + PATIENCE
    while chat.running is not None and time.monotonic() < until:
        time.sleep(0.001)
    return chat.running is None


# Every n-th step: a prime, so that loops are met at different places.
STRIDE = 7


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("question", ["short", "endless"])
def test_an_interrupt_at_any_step_leaves_a_chat_that_goes_on(question: str) -> None:
    chat = nbs.Chat()
    chat.stream("short", display=False)
    steps = steps_of(lambda: nbs.Chat().stream("short", display=False))
    for step in range(1, steps, STRIDE):
        turns = len(chat.turns)
        try:
            with AtStep(step):
                chat.stream(question, display=False)
        except KeyboardInterrupt:
            pass
        else:
            assert question == "short"
        assert idle(chat), step
        added = chat.turns[turns:]
        assert [turn.role for turn in added] in ([], ["user", "assistant"]), step
        ended = [turn.result for turn in added if turn.role == "assistant"]
        assert question == "short" or all(result.state == "cancelled" for result in ended), (step, ended)
        if len(chat.turns) > 20:
            chat = nbs.Chat()
    chat.messages = []
    assert chat.stream("short", display=False).text == "Hello"


def test_an_interrupt_at_any_step_leaves_no_stream_behind(server: FaultServer) -> None:
    steps = steps_of(lambda: nbs.stream("short", display=False))
    for step in range(1, steps, STRIDE):
        with pytest.raises(KeyboardInterrupt), AtStep(step):
            nbs.stream("endless", display=False)
    server.wait(left=len(server.requests) - 1, timeout=PATIENCE)


@pytest.mark.parametrize("question", ["short", "endless"])
def test_an_interrupt_at_any_step_leaves_consistent_names(question: str, server: FaultServer, shell: Any) -> None:
    shell.run_line_magic("load_ext", "nbstream")
    names = shell.user_ns

    def ask() -> None:
        shell.run_cell_magic("stream", "--quiet -o answer -r run", question)

    steps = steps_of(lambda: shell.run_cell_magic("stream", "--quiet -o answer -r run", "short"))
    for step in range(1, steps, STRIDE):
        for name in ("stream_result", "run"):
            names.pop(name, None)
        names |= {"stream_text": "stale", "answer": "stale", "stream_usage": "stale"}
        try:
            with AtStep(step):
                ask()
        except KeyboardInterrupt:
            pass
        seen = {name: names.get(name) for name in ("stream_text", "answer", "stream_result", "run")}
        result = seen["stream_result"]
        assert seen["run"] is result, step
        if result is None:  # it came before anything was asked
            assert {seen["stream_text"], seen["answer"]} <= {None, "stale"}, step
        else:
            text = result.text if result.state == "completed" else None
            assert (seen["stream_text"], seen["answer"]) == (text, text), step
    server.wait(requests=1)
    assert shell.run_line_magic("stream", "-r run short").text == "Hello"


# --- storms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["at the start", "within", "at the end"])
def test_a_storm_of_interrupts_ends_the_stream_once(moment: str, server: FaultServer) -> None:
    chat = nbs.Chat()
    over = threading.Event()

    def storm() -> None:
        if moment != "at the start":
            server.wait(requests=1)
        while not over.wait(0.0005):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    stormy = threading.Thread(target=storm)
    handle: Any = None
    try:
        with HeldInterrupts():  # what the storm does to the test itself is not of interest
            stormy.start()
            try:
                if moment == "at the end":
                    handle = chat.start("short", display=False)
                    handle.wait()
                else:
                    chat.stream("endless", display=False)
            finally:
                over.set()
                stormy.join()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, before)
    assert idle(chat)
    assert chat.stream("short", display=False).text == "Hello"
    assert len(chat.turns) in {2, 4}


def test_an_interrupt_is_raised_when_all_is_done() -> None:
    done: list[str] = []

    def interrupted() -> None:
        with HeldInterrupts() as outer:
            outer.stop_with(lambda: done.append("stopped"))
            with HeldInterrupts() as inner:
                signal.raise_signal(signal.SIGINT)
                inner.stop_with(lambda: done.append("stopped within"))
                done.append("all")
            done.append("also this")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["stopped within", "all", "stopped", "also this"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_on_other_threads_nothing_is_held() -> None:
    seen = []
    handler = signal.getsignal(signal.SIGINT)

    def elsewhere() -> None:
        with HeldInterrupts() as held:
            seen.append((signal.getsignal(signal.SIGINT) is handler, held.seconds))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [(True, 0.0)]
