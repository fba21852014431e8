"""`%%stream --background` and `%stream_jobs` in a real IPython shell."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import ConnectionLostError
from nbstream.streaming.engine import engine
from nbstream.streaming.handle import StreamHandle
from nbstream.streaming.running import Running
from nbstream.testing import RecordingSurface, chat_body, chat_chunk
from nbstream.tools.approval import Approved

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.testing import FaultServer
    from tests.ran import Ran

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stream of another test is in the list."""
    monkeypatch.setattr(type(engine()), "running", Running())


@pytest.fixture
def ask(run: Callable[[str], Ran], loopback: FaultServer) -> Callable[..., Ran]:
    def ask(*options: str, prompt: str = "Hi") -> Ran:
        line = " ".join(["--background -m m --max-retries 0 --base-url", loopback.base_url, *options])
        return run(f"%%stream {line}\n{prompt}")

    return ask


def gated(server: FaultServer, text: str = "Hello") -> threading.Event:
    """Script an answer whose end waits for an event."""
    gate = threading.Event()
    server.send(chat_chunk(text), gate, chat_body(" world"))
    return gate


def test_the_name_is_a_handle_from_the_beginning_to_the_end(
    ask: Callable[..., Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    gate = gated(loopback)
    ran = ask("-o answer")
    assert (ran.success, ran.result) == (True, None)
    handle = ns["answer"]
    assert isinstance(handle, StreamHandle)
    assert not handle.done()
    gate.set()
    assert handle.result(PATIENCE).text == "Hello world"
    assert ns["answer"] is handle


def test_no_name_of_a_cell_that_waits_is_touched(
    run: Callable[[str], Ran], ask: Callable[..., Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    loopback.send(chat_body("Waited for"))
    assert run(f"%%stream --quiet -m m --base-url {loopback.base_url}\nHi").success
    names = {name: ns[name] for name in ("stream_text", "stream_usage", "stream_result")}
    gate = gated(loopback)
    ask("-o answer", "--quiet")
    assert {name: ns.get(name) for name in names} == names
    gate.set()
    ns["answer"].result(PATIENCE)
    assert {name: ns.get(name) for name in names} == names
    assert names["stream_text"] == "Waited for"


def test_the_line_form_returns_the_handle(run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer) -> None:
    loopback.send(chat_body("Hello"))
    assert run(f"h = %stream --background --quiet -m m --base-url {loopback.base_url} Hi there").success
    assert ns["h"].result(PATIENCE).text == "Hello"
    assert nbs.jobs[-1].what == "Hi there"


def test_a_cell_may_await_its_handle(
    run: Callable[[str], Ran], ask: Callable[..., Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    gate = gated(loopback)
    ask("-o answer", "--quiet")
    gate.set()
    assert run("got = await answer").success
    assert ns["got"].text == "Hello world"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("-u cost", "--usage cannot be used with --background"),
        ("-r run", "--result cannot be used with --background"),
        ("--insert", r"`answer.result().insert()` inserts its code"),
        ("--context", "`--plan` shows beforehand what would be sent"),
    ],
)
def test_what_needs_a_cell_that_waits_is_refused(
    ask: Callable[..., Ran], ns: dict[str, Any], loopback: FaultServer, option: str, words: str
) -> None:
    ns["answer"] = "old"
    ran = ask("-o answer", option)
    assert not ran.success
    assert words in ran.shown
    assert "answer" not in ns
    assert not loopback.requests


def test_a_failure_is_told_where_the_answer_is_and_raised_where_it_is_wanted(
    run: Callable[[str], Ran],
    ask: Callable[..., Ran],
    loopback: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    surface = RecordingSurface()
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    loopback.send(chat_body("Half", finish_reason=None, done=False))
    assert ask("-o answer").success
    nbs.jobs["answer"].wait(PATIENCE)
    assert surface.final is not None
    assert isinstance(surface.final.error, ConnectionLostError)
    assert nbs.jobs["answer"].state == "failed"
    ran = run("answer.result()")
    assert not ran.success
    assert "ConnectionLostError" in ran.shown


def test_a_chat_goes_on_in_the_background(ask: Callable[..., Ran], ns: dict[str, Any], loopback: FaultServer) -> None:
    gate = gated(loopback)
    ask("-o answer", "--quiet", "--chat tutor")
    assert ns["tutor"].running
    gate.set()
    ns["answer"].result(PATIENCE)
    assert [turn.text for turn in ns["tutor"].turns] == ["Hi", "Hello world"]


# --- %stream_jobs -----------------------------------------------------------------------------------------------------


def test_jobs_are_listed_by_their_template_stopped_and_waited_for(
    run: Callable[[str], Ran], ask: Callable[..., Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    assert "no stream has run in the background" in run("%stream_jobs").shown
    ns["token"] = "hidden words"
    gate = threading.Event()
    for _ in range(2):
        loopback.send(chat_chunk("Hello"), gate, chat_body(" world"))
    for name in ("first", "second"):
        ask(f"-o {name}", "--quiet", prompt="About {{ token }}")
    lines = run("%stream_jobs").shown.splitlines()
    assert [line.split()[0] for line in lines] == ["Name", "first", "second"]
    assert all("About {{ token }}" in line for line in lines[1:])
    ran = run("%stream_jobs --stop first")
    assert ran.success
    assert "stopped" in ran.shown.splitlines()[1]
    assert ns["first"].state == "cancelled"
    gate.set()
    ran = run("%stream_jobs --wait second")
    assert "completed" in ran.shown.splitlines()[2]
    assert "Hello world" in ran.shown
    assert run("nbs = __import__('nbstream'); nbs.jobs").shown.endswith(ran.shown)


def test_all_can_be_stopped(run: Callable[[str], Ran], ask: Callable[..., Ran], loopback: FaultServer) -> None:
    for name in ("first", "second"):
        gated(loopback)
        ask(f"-o {name}", "--quiet")
    assert run("%stream_jobs --stop all").shown.count("stopped") == 2
    assert run("%stream_jobs --wait").success


def test_a_name_that_is_none_is_an_error(run: Callable[[str], Ran]) -> None:
    ran = run("%stream_jobs --stop answer")
    assert not ran.success
    assert "there is no background stream called answer; there is none at all" in ran.shown


def test_jobs_are_completed(
    run: Callable[[str], Ran], ask: Callable[..., Ran], shell: Any, loopback: FaultServer
) -> None:
    from nbstream.ipython.magics import _completers

    gated(loopback)
    ask("-o answer", "--quiet")
    (completer,) = (each for each in _completers(shell) if each.fitting("%stream_jobs --w"))
    assert completer.fitting("%stream_jobs --stop ") == ["all", "answer"]
    assert completer.fitting("%stream_jobs ") == ["--stop", "--wait"]
    assert run("%stream_jobs --stop all").success
    assert completer.fitting("%stream_jobs --stop ") == ["all"]


@pytest.mark.usefixtures("demo")
def test_a_call_asks_where_the_answer_is_drawn(
    run: Callable[[str], Ran], ns: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    class Card(RecordingSurface):
        question: Any = None

        def ask(self, question: Any) -> bool:
            self.question = question
            asked.set()
            return True

        def withdraw(self, question: Any) -> None:
            del question

    card = Card()
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: card)
    run("def population(city: str) -> int:\n    return 709_000")
    ran = run("%%stream --background -m demo -t population -o answer\nCall population(city='Oslo')")
    assert ran.success, ran.shown
    assert asked.wait(PATIENCE)
    assert nbs.jobs["answer"].facts.asks
    card.question.answer(Approved(card.question.digest))
    assert "709000" in str(ns["answer"].result(PATIENCE).parts)
