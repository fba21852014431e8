"""Saving a chat and loading it."""

from __future__ import annotations

import json

import nbformat
import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from tests.chats import ask, broken, end, sent, whole
from tests.conversation.talks import said

KEY = "sk-0123456789abcdef"


@pytest.fixture
def chat(make_chat, loopback):
    """Two branches and a failure."""
    made = make_chat("S", name="tutor", temperature=0.5, api_key=KEY, max_turns=20)
    loopback.send(whole("A1", usage=(3, 2)))
    ask(made, "Q1")
    broken(made, loopback, "Q2", "Ha")
    loopback.send(whole("B1", usage=(3, 2)))
    end(made.regenerate(made.turns[1].id, display=False))
    return made


def test_what_is_saved_is_what_is_loaded(chat, tmp_path):
    path = tmp_path / "chat.json"
    chat.save(path)
    loaded = nbs.Chat.load(str(path), trust=True)
    assert loaded.to_dict() == chat.to_dict()
    assert (loaded.turns, loaded.messages, loaded.usage) == (chat.turns, chat.messages, chat.usage)
    assert (loaded.name, loaded.system, loaded.max_turns, loaded.history) == ("tutor", "S", 20, "messages")
    for turn_id in [entry["id"] for entry in chat.to_dict()["turns"]]:
        assert loaded.siblings(turn_id) == chat.siblings(turn_id)
    assert (loaded.result, loaded.running) == (None, None)
    assert [entry.name for entry in tmp_path.iterdir()] == ["chat.json"]


def test_a_loaded_chat_goes_on(chat, loopback, tmp_path):
    chat.save(tmp_path / "chat.json")
    loaded = nbs.Chat.load(tmp_path / "chat.json", trust=True)
    loopback.send(whole("A3"))
    ask(loaded, "Q3")
    assert sent(loopback) == said("Q1", "B1", "Q3", system="S")
    assert loopback.requests[-1].json["temperature"] == 0.5
    assert KEY not in str(loopback.requests[-1].headers)


def test_no_key_is_saved(chat, tmp_path):
    chat.save(tmp_path / "chat.json")
    assert KEY not in (tmp_path / "chat.json").read_text("utf-8")
    assert KEY not in str(chat.to_dict()) + chat.to_markdown() + nbformat.writes(chat.to_notebook()) + repr(chat)


def test_a_file_is_replaced_as_a_whole(chat, tmp_path, monkeypatch):
    path = tmp_path / "chat.json"
    path.write_text("precious", "utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(chat, "to_dict", lambda: {"x": object()})
        with pytest.raises(TypeError):
            chat.save(path)
    assert [entry.read_text("utf-8") for entry in tmp_path.iterdir()] == ["precious"]
    chat.save(path)
    assert json.loads(path.read_text("utf-8"))["nbstream_chat"] == 2


def test_any_text_can_be_saved(make_chat, tmp_path):
    text = 'Zoë 😀 \u2028 \x00 \\ " half: \ud83d'
    chat = make_chat(messages=said(text))
    chat.save(tmp_path / "chat.json")
    assert nbs.Chat.load(tmp_path / "chat.json").messages[0]["content"] == text.replace("\ud83d", "\ufffd")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a saved chat"),
        (b"\xff\xfe\x00", "is not a saved chat"),
        (b"[" * 100_000, "is not a saved chat"),
        (b"not JSON", "is not a saved chat"),
        (b'{"cells": []}', "this is not a saved chat"),
        (b'{"nbstream_chat": 7}', "a newer nbstream"),
        (b'{"nbstream_chat": 1, "turns": [{}]}', "damaged at turn 1"),
    ],
)
def test_a_file_that_is_no_chat_is_refused_by_name(tmp_path, content, words):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"other\.json.*{words}") as caught:
        nbs.Chat.load(path)
    assert len(str(caught.value)) < len(str(path)) + 130


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        nbs.Chat.load(tmp_path / "none.json")


def test_exports_are_of_the_active_branch(chat):
    assert chat.to_markdown() == "## System\n\nS\n\n## User\n\nQ1\n\n## Assistant (m)\n\nB1"
    assert chat.to_text() == "System:\nS\n\nUser:\nQ1\n\nAssistant (m):\nB1"
    notebook = chat.to_notebook()
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells[1:]] == ["%%stream --raw --chat tutor\nQ1"]
    assert "tutor = nbs.Chat('S', model='m', base_url=" in notebook.cells[0].source
