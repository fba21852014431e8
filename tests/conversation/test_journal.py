"""Calls of a chat that has a file are written down before they begin; none runs again in a restored chat."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.testing import ScriptedBytes, chat_body
from nbstream.tools.approval import Denied
from tests.tools.reader import Reader
from tests.tools.wire import calling

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from nbstream.request import StreamRequest
    from nbstream.tools.approval import Question

pytestmark = pytest.mark.sdk


class Server:
    """Calls `send(to="Ann")` with the same id whenever it is asked, then is done."""

    def __init__(self, *ids: str) -> None:
        self.requests: list[StreamRequest] = []
        self._ids = ids or ("call_0_0",)

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[Any]:
        self.requests.append(request)
        answered = request.messages[-1]["role"] == "tool"
        body = calling("chat", *(("send", {"to": "Ann"}) for _ in self._ids))
        for number, each in enumerate(self._ids):
            body = body.replace(f"call_0_{number}".encode(), each.encode())
        return ScriptedBytes(chat_body("Done.") if answered else body).open(request)


class ScriptedSource:
    """Answers each request with the next of some scripts."""

    def __init__(self, scripts: list[tuple[Any, ...]]) -> None:
        self._scripts = iter(scripts)

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[Any]:
        return ScriptedBytes(*next(self._scripts)).open(request)


def killed_while(tool: Callable[..., Any], folder: Path) -> None:
    """Leave a chat's files as a kernel does that is killed while the tool runs."""
    chat = nbs.Chat(model="m", base_url="http://127.0.0.1:9/v1", source=Server(), tools=[tool], approve="all")
    chat.save(folder / "before.json")
    chat.stream("Write to Ann.", display=False)


def restored(folder: Path, tool: Any, **options: Any) -> tuple[nbs.Chat, Server]:
    chat, server = nbs.Chat.load(folder / "chat.json"), Server()
    chat.configure(model="m", base_url="http://127.0.0.1:9/v1", tools=[tool], **{"source": server, **options})
    return chat, server


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A folder with the chat of a kernel that was killed while it wrote to Ann."""

    def send(to: str) -> str:
        for name in ("before.json", "before.json.journal"):
            (tmp_path / name.replace("before", "chat")).write_bytes((tmp_path / name).read_bytes())
        return f"sent to {to}"

    killed_while(nbs.tool(send), tmp_path)
    return tmp_path


def test_what_was_attempted_is_on_disc_before_it_begins(killed: Path, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    @nbs.tool(safe=True)
    def send(to: str) -> None:
        ran.append(to)

    with caplog.at_level(logging.WARNING, "nbstream"):
        chat, server = restored(killed, send)
    assert "chat.json: the program ended while send ran; nobody knows whether it was done" in caplog.text
    question, answer = chat.turns
    assert question.text == "Write to Ann."
    assert (answer.state, answer.included) == ("failed", True)
    [call] = answer.result.tool_runs
    assert call.run is not None
    assert (call.id, call.run.state) == ("call_0_0", "unknown")
    result = chat.stream("And now?", display=False)
    assert (result.text, ran) == ("Done.", []), "a call id runs once"
    told = [message for message in server.requests[0].messages if message["role"] == "tool"]
    error = json.loads(told[0]["content"])["error"]
    assert (error["type"], error["retry"]) == ("unknown", False)
    assert "Ask the user before you try again" in error["message"]


def test_what_may_have_been_done_is_asked_about(killed: Path) -> None:
    asked: list[str] = []

    @nbs.tool
    def send(to: str) -> None:
        asked.append(f"ran {to}")

    send.always = True
    chat, _ = restored(killed, send, source=Server("another"))

    def answer(question: Question) -> None:
        asked.append(question.description)
        question.answer(Denied("I did.\x1b[31m\nReally." + "x" * 5000))

    chat.listen(Reader(answer))
    [run] = [part.run for part in chat.stream("Once more.", display=False).tool_runs]
    assert asked == ["This was begun before, and nobody knows whether it was done."]
    assert run is not None
    assert run.output.startswith(
        "The user did not allow this call; do not try it again. The reason: I did.␛[31m Really.x"
    )
    assert (run.error, len(run.output) < 1_100) == ("denied", True)


def test_what_ended_and_was_not_saved_comes_back_whole(tmp_path: Path) -> None:
    def send(to: str) -> str:
        return f"sent to {to}"

    killed_while(nbs.tool(send), tmp_path)
    path, journal = tmp_path / "before.json", tmp_path / "before.json.journal"
    lines = journal.read_text().splitlines()
    assert [sorted(json.loads(line)) for line in lines] == [
        ["context", "nbstream_journal", "parent", "parts", "question", "turn"],
        ["nbstream_journal", "parts", "turn"],
        ["answer", "nbstream_journal", "turn"],
    ]
    journal.write_text("\n".join(lines) + '\n{"nbstream_jour')  # the next write broke off
    chat = nbs.Chat.load(path)
    assert [(turn.text, turn.state) for turn in chat.turns] == [("Write to Ann.", "completed"), ("Done.", "completed")]
    chat.save(path)
    assert not journal.exists(), "the file has it all"
    assert len(nbs.Chat.load(path).turns) == 2


@pytest.mark.parametrize("saved", ["never", "before", "meanwhile", "and ends meanwhile"])
def test_what_a_continued_answer_attempts_comes_back_too(saved: str, tmp_path: Path) -> None:
    ran: list[str] = []
    path = tmp_path / "before.json"

    def send(to: str) -> str:
        if to == "Bob":
            begun.set()
            assert goes_on.wait(30)
            for name in ("before.json", "before.json.journal"):
                (tmp_path / name.replace("before", "chat")).write_bytes((tmp_path / name).read_bytes())
        return f"sent to {to}"

    class Chat(nbs.Chat):
        def to_dict(self) -> dict[str, Any]:
            data = super().to_dict()
            if meanwhile:  # once it is known what will be saved
                handles.append(self.resume(display=False))
                assert begun.wait(30)
            if saved == "and ends meanwhile" and meanwhile:
                goes_on.set()
                handles[0].result(30)
            return data

    begun, goes_on, meanwhile = threading.Event(), threading.Event(), False
    handles: list[nbs.StreamHandle] = []
    first, second = (calling("chat", ("send", {"to": to}), round_=at) for at, to in enumerate(["Ann", "Bob"]))
    bodies = [(first,), (second[:300], ConnectionResetError()), (second,), (chat_body("Done."),)]
    named: dict[str, Any] = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "max_retries": 0}
    chat = Chat(source=ScriptedSource(bodies), tools=[nbs.tool(send)], approve="all", **named)
    chat.save(path)
    with pytest.raises(nbs.StreamError):
        chat.stream("Write to them.", display=False)
    meanwhile = saved.endswith("meanwhile")
    if saved != "never":
        chat.save(path)
    if not meanwhile:
        handles.append(chat.resume(display=False))
    goes_on.set()
    assert handles[0].result(30).text == "Done."
    assert nbs.Chat.load(path).turns[-1].text == "Done."

    @nbs.tool(name="send", safe=True)
    def again(to: str) -> None:
        ran.append(to)

    loaded, _ = restored(tmp_path, again, source=ScriptedSource([(first,), (second,), (chat_body("I see."),)]))
    assert [turn.role for turn in loaded.turns] == ["user", "assistant"]
    runs = [part.run for part in loaded.turns[-1].result.tool_runs]
    assert [run and run.state for run in runs] == ["completed", "unknown"]
    assert (loaded.stream("Go on.", display=False).text, ran) == ("I see.", [])


def test_a_call_that_cannot_be_written_down_is_not_made(tmp_path: Path) -> None:
    ran: list[str] = []

    @nbs.tool(safe=True)
    def send(to: str) -> None:
        ran.append(to)

    chat = nbs.Chat(model="m", base_url="http://127.0.0.1:9/v1", source=Server(), tools=[send])
    chat.save(tmp_path / "chat.json")
    (tmp_path / "chat.json.journal").mkdir()
    [call] = chat.stream("Go.", display=False).tool_runs
    assert call.run is not None
    assert (call.run.state, call.run.error, ran) == ("failed", "not_recorded", [])
    assert "Is a directory" in call.run.output
    chat.save(tmp_path / "other.json")
    chat.stream("Go on.", display=False)
    assert ran == ["Ann"], "beside another file it can be"


def test_the_same_call_sent_twice_runs_once() -> None:
    ran: list[str] = []

    @nbs.tool(safe=True)
    def send(to: str) -> str:
        ran.append(to)
        return "sent"

    server = Server("same", "same", "other")
    result = nbs.stream("Go.", model="m", base_url="http://127.0.0.1:9/v1", source=server, tools=[send], display=False)
    assert [call.run and call.run.output for call in result.tool_runs] == ["sent"] * len(result.tool_runs)
    assert len(ran) == len({call.id for call in result.tool_runs}) == 2


@pytest.mark.parametrize(
    "damage", ["no journal", '{"nbstream_journal": 1, "turn": "x", "parts": {"0": {"type": "?"}}}']
)
def test_a_damaged_journal_is_told_of(damage: str, tmp_path: Path) -> None:
    nbs.Chat().save(tmp_path / "chat.json")
    (tmp_path / "chat.json.journal").write_text(damage)
    with pytest.raises(UsageError, match=r"chat\.json\.journal is .*move it away"):
        nbs.Chat.load(tmp_path / "chat.json")
