"""Whatever has become of a chat file or a notebook: it is refused in words, or is a chat that can be used like any."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import pickle
import random
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

import nbstream as nbs
from nbstream.conversation.history import Limits, outgoing
from nbstream.conversation.messages import messages_to_send
from nbstream.display.pictures import remark_of
from nbstream.errors import UsageError
from nbstream.panel.notebook_file import newest_chat
from nbstream.panel.shown import ShownTurns, totals_of
from tests.conversation.damage import damaged, damaged_text

if TYPE_CHECKING:
    from collections.abc import Iterator

HOW_MANY = int(os.environ.get("DAMAGED_CHATS", "400"))
DATA = pathlib.Path(__file__).parents[1] / "data" / "chats"


def answer(text: str, **facts: Any) -> dict[str, Any]:
    return {"state": "completed", "parts": [{"type": "text", "text": text}], "finish_reason": "stop", **facts}


USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5, "cached_tokens": 1, "reasoning_tokens": 1}
ROUND = {"state": "completed", "usage": USAGE, "timing": {"ttft": 0.1, "total": 1.5}, "cost": 0.1, "attempts": 2}
PARTS = [
    {"type": "reasoning", "text": "Hm"},
    {"type": "text", "text": "See", "citations": [{"annotation": {"url": "http://x/"}, "start": 0, "end": 2}]},
    {
        "type": "activity",
        "kind": "web_search_call",
        "status": "completed",
        "input": "q",
        "item": {"action": {"query": "q"}},
    },
    {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{}", "index": 1},
    {"type": "media", "kind": "image", "media_type": "image/png", "data": "iVBORw0KGgo="},
    {"type": "refusal", "text": "No"},
]
RICH = {
    "nbstream_chat": 2,
    "name": "tutor",
    "system": "S",
    "history": "messages",
    "max_turns": 20,
    "max_history_tokens": 1000,
    "options": {"model": "m", "temperature": 0.5, "base_url": "http://localhost:8000/v1", "tools": [{"type": "x"}]},
    "turns": [
        {"id": "a", "parent": None, "active": True, "role": "user", "content": "Q1"},
        {"id": "b", "parent": "a", "active": False, "role": "assistant", "answer": answer("A1", usage=USAGE, cost=0.5)},
        {
            "id": "c",
            "parent": "a",
            "active": True,
            "role": "assistant",
            "included": False,
            "context": "0123",
            "answer": {
                "state": "failed",
                "parts": PARTS,
                "timing": {"ttft": 0.5, "total": 2.0, "tokens_per_second": 4.5},
                "usage": USAGE,
                "attempts": 2,
                "warnings": [{"kind": "w", "message": "W.", "remedies": [{"kind": "wait", "value": 3}]}],
                "rounds": [ROUND, ROUND],
                "error": {"kind": "rate_limit", "message": "Slow down.", "remedies": [{"kind": "wait", "value": 2.5}]},
            },
        },
        {
            "id": "d",
            "parent": "c",
            "active": True,
            "role": "user",
            "content": [
                {"type": "text", "text": "Q2"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        },
        {
            "id": "e",
            "parent": "d",
            "active": True,
            "role": "assistant",
            "content": None,
            "extra": {"tool_calls": [{"id": "c2", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        },
        {"id": "f", "parent": "e", "active": True, "role": "tool", "content": "7", "extra": {"tool_call_id": "c2"}},
        {"id": "g", "parent": "f", "active": True, "role": "assistant", "content": "R", "extra": {"refusal": "R"}},
    ],
}  # fmt: skip


def documents() -> list[Any]:
    return [RICH, *(json.loads(path.read_text("utf-8")) for path in sorted(DATA.glob("*.json")))]


def use(chat: nbs.Chat) -> None:
    """Do with a chat what its owner would do."""
    saved = chat.to_dict()
    text = json.dumps(saved, allow_nan=False)
    text.encode()
    assert nbs.Chat.from_dict(json.loads(text)).to_dict() == saved
    assert pickle.loads(pickle.dumps(chat)).to_dict() == saved
    assert copy.deepcopy(chat).to_dict() == saved
    assert repr(chat) == repr(copy.copy(chat))
    for turn in chat.turns:
        repr(turn.result)
        turn.result.metadata()
        repr((turn.usage, turn.cost, turn.seconds, turn.refusal, turn.model))
    repr((chat.usage, chat.cost, f"{chat.seconds:.1f}", chat.overview(), chat.left_out()))
    json.dumps([chat.messages, messages_to_send(outgoing(chat.turns, Limits(4, 100)).turns)], allow_nan=False).encode()
    for exported in (chat.to_markdown(), chat.to_text(), nbformat.writes(chat.to_notebook())):
        exported.encode()
    json.dumps(panel_of(chat), allow_nan=False).encode()
    for turn in chat.turns[:2]:
        chat.select(turn.id)
    if chat.turns:
        chat.undo()


def panel_of(chat: nbs.Chat) -> Any:
    """What a panel would send to its page."""
    views, _ = ShownTurns().of(chat)
    return [totals_of(chat), [(view.head(), view.text, list(map(remark_of, view.segments))) for view in views]]


def tried(load: Any, what: Any) -> None:
    try:
        chat = load()
    except UsageError as error:
        if not 0 < len(str(error)) < 500:
            raise AssertionError(str(error)) from error
        return
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__}: {error} for {shown(what)}") from error
    try:
        use(chat)
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__}: {error} in use of {shown(what)}") from error


def shown(what: Any) -> str:
    return what.decode("utf-8", "replace")[:5000] if isinstance(what, bytes) else json.dumps(what)[:8000]


@pytest.mark.parametrize("document", range(len(documents())))
def test_what_is_whole_can_be_used(document: int) -> None:
    use(nbs.Chat.from_dict(documents()[document]))


def test_damaged_documents() -> None:
    chance, wholes = random.Random(20_000), documents()
    for _ in range(HOW_MANY):
        document = damaged(chance.choice(wholes), chance)
        tried(lambda document=document: nbs.Chat.from_dict(document), document)


def test_damaged_files(tmp_path: pathlib.Path) -> None:
    chance, path = random.Random(20_001), tmp_path / "chat.json"
    wholes = [json.dumps(each, indent=1) for each in documents()]
    for _ in range(HOW_MANY):
        path.write_bytes(content := damaged_text(chance.choice(wholes), chance))
        tried(lambda: nbs.Chat.load(path), content)


def notebooks() -> Iterator[Any]:
    for each in documents():
        output = {
            "output_type": "display_data",
            "data": {"text/plain": "…"},
            "metadata": {"nbstream": {"chat": each, "saved_at": "2026-01-01T00:00:00"}},
        }
        cell = {"cell_type": "code", "source": "panel", "metadata": {}, "execution_count": 1, "outputs": [output]}
        yield {"cells": [cell, copy.deepcopy(cell)], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_damaged_notebooks(tmp_path: pathlib.Path) -> None:
    chance, path, wholes = random.Random(20_002), tmp_path / "notebook.ipynb", list(notebooks())
    for number in range(HOW_MANY):
        if number % 2:
            content = damaged_text(json.dumps(chance.choice(wholes)), chance)
        else:
            content = json.dumps(damaged(chance.choice(wholes), chance)).encode()
        path.write_bytes(content)
        tried(lambda: nbs.Chat.from_dict(newest_chat(path)[0]), content)
