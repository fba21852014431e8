"""`Chat` over real HTTP: what is sent, what is kept, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import StreamError, UsageError
from nbstream.testing import FaultServer, RecordingSurface, chat_body, error_body

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 10.0


def said(*texts: str, system: str | None = None) -> list[dict[str, Any]]:
    """Messages of a user and an assistant in turn."""
    turns = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
    return [*([{"role": "system", "content": system}] if system else []), *turns]


@pytest.fixture
def make(loopback: FaultServer) -> Callable[..., nbs.Chat]:
    """A chat with the scripted server."""

    def make(*arguments: Any, **options: Any) -> nbs.Chat:
        usual = {"model": "m", "base_url": loopback.base_url, "max_retries": 0}
        return nbs.Chat(*arguments, **{**usual, **options})

    return make


def sent(server: FaultServer, number: int = -1) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = server.requests[number].json["messages"]
    return messages


def ask(chat: nbs.Chat, prompt: Any, **options: Any) -> nbs.StreamResult:
    return chat.stream(prompt, display=False, **options)


class Listener:
    """Remembers what it was told, and what the chat held then."""

    def __init__(self, chat: nbs.Chat, surface: RecordingSurface | None = None) -> None:
        self.chat, self.surface, self.told = chat, surface, list[Any]()

    def turn_began(self, running: Any) -> RecordingSurface | None:
        self.told.append(("began", running, len(self.chat.turns)))
        return self.surface

    def turns_changed(self) -> None:
        self.told.append(("changed", len(self.chat.turns)))

    def turn_ended(self, running: Any, result: nbs.StreamResult) -> None:
        self.told.append(("ended", running, result, len(self.chat.turns)))


# --- asking -----------------------------------------------------------------------------------------------------------


def test_every_question_is_sent_with_what_was_said_before(make, loopback):
    chat = make("Be terse.")
    for answer in ("A1", "A2"):
        loopback.send(chat_body(answer, usage=(5, 1)))
    assert ask(chat, "Q1").text == "A1"
    assert ask(chat, "Q2").text == "A2"
    assert sent(loopback, 0) == said("Q1", system="Be terse.")
    assert sent(loopback, 1) == said("Q1", "A1", "Q2", system="Be terse.")
    assert chat.messages == said("Q1", "A1", "Q2", "A2", system="Be terse.")
    assert [turn.role for turn in chat.turns] == ["user", "assistant"] * 2


def test_messages_can_be_given(make, loopback):
    chat = make(messages=said("Q1", "A1", system="S"))
    loopback.send(chat_body("A2"))
    ask(chat, "Q2")
    assert sent(loopback) == said("Q1", "A1", "Q2", system="S")


def test_a_failed_exchange_is_kept_and_not_sent(make, loopback):
    chat = make()
    loopback.send(chat_body("Ha", finish_reason=None, done=False), then="close")
    loopback.send(chat_body("A2"))
    with pytest.raises(StreamError):
        ask(chat, "Q1")
    user, answer = chat.turns
    assert (user.text, answer.text, answer.state, answer.included) == ("Q1", "Ha", "failed", False)
    assert answer.facts["error"]["kind"] == "connection_lost"
    ask(chat, "Q2")
    assert sent(loopback) == said("Q2")


def test_a_failure_without_a_word_is_a_turn_too(make, loopback):
    chat = make()
    loopback.send(error_body("no"), status=500, headers={"content-type": "application/json"})
    with pytest.raises(StreamError):
        ask(chat, "Q1")
    assert [(turn.role, turn.text, turn.state) for turn in chat.turns] == [
        ("user", "Q1", "completed"),
        ("assistant", "", "failed"),
    ]
    assert chat.running is None


def test_only_one_exchange_at_a_time(make, loopback):
    chat = make()
    loopback.send(chat_body("Ha", finish_reason=None, done=False), then="hold")
    handle = chat.start("Q1", display=False)
    assert chat.running.handle is handle
    with pytest.raises(UsageError, match="still answering"):
        chat.start("Q2")
    handle.cancel()
    assert handle.result(PATIENCE).state == "cancelled"
    assert chat.running is None
    assert len(chat.turns) == 2


# --- listeners --------------------------------------------------------------------------------------------------------


def test_listeners_draw_and_are_told(make, loopback):
    chat = make()
    surface = RecordingSurface()
    listener = Listener(chat, surface)
    leave = chat.listen(listener)
    loopback.send(chat_body("Hel", "lo"))
    result = ask(chat, "Q1")
    assert surface.request is not None
    assert surface.request.model == "m"
    assert surface.final is result
    began, ended, changed = listener.told
    running = began[1]
    assert (began[0], began[2], running.user.text, running.prompt) == ("began", 0, "Q1", "Q1")
    assert ended == ("ended", running, result, 2)
    assert changed == ("changed", 2)
    assert chat.turns[-1].id == running.id
    leave()
    loopback.send(chat_body("A2"))
    ask(chat, "Q2")
    assert len(listener.told) == 3


@pytest.mark.parametrize("method", ["turn_began", "turns_changed", "turn_ended"])
def test_a_listener_that_raises_loses_nothing(make, loopback, monkeypatch, caplog, method):
    chat = make()
    listener = Listener(chat)
    monkeypatch.setattr(listener, method, lambda *_: 1 / 0)
    chat.listen(listener)
    loopback.send(chat_body("A1"))
    assert ask(chat, "Q1").text == "A1"
    assert len(chat.turns) == 2
    assert "could not tell a listener" in caplog.text
