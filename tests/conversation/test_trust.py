"""A saved chat comes from anybody: it decides neither where the reader's words go nor where a key goes."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.conversation.saved_options import vetted
from nbstream.errors import UsageError
from tests.chats import ask, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbstream.testing import FaultServer

KEY = "sk-0123456789abcdef"
TOOLS = [{"type": "mcp", "server_url": "https://x.example/mcp"}]


@pytest.fixture
def other() -> Iterator[FaultServer]:
    """The server of somebody else."""
    from nbstream.testing import FaultServer

    with FaultServer() as server:
        yield server


@pytest.fixture
def mine(loopback: FaultServer) -> FaultServer:
    """The reader's own server."""
    nbs.configure(base_url=loopback.base_url, model="m", max_retries=0)
    return loopback


def document(**options: Any) -> dict[str, Any]:
    return {"nbstream_chat": 2, "options": options, "turns": []}


def keys_at(server: FaultServer) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.requests]


# --- where words go ---------------------------------------------------------------------------------------------------


def test_the_address_in_a_file_is_shown_and_not_used(mine: FaultServer, other: FaultServer) -> None:
    chat = nbs.Chat.from_dict(document(base_url=other.base_url, tools=TOOLS, temperature=0.5))
    assert chat.untrusted == {"base_url": other.base_url, "tools": TOOLS}
    assert chat.options == {"temperature": 0.5}
    assert "not trusted: base_url, tools" in repr(chat)
    chat.configure(api_key=KEY)
    mine.send(whole("A"))
    ask(chat, "Q")
    assert (other.requests, keys_at(mine)) == ([], [f"Bearer {KEY}"])
    assert "tools" not in mine.requests[0].json


@pytest.mark.parametrize("trusted_at", ["load", "later"])
def test_what_the_reader_agrees_to_is_used(trusted_at: str, mine: FaultServer, other: FaultServer) -> None:
    chat = nbs.Chat.from_dict(document(base_url=other.base_url, tools=TOOLS), trust=trusted_at == "load")
    if trusted_at == "later":
        chat.trust()
    assert chat.untrusted == {}
    other.send(whole("A"))
    ask(chat, "Q")
    assert (mine.requests, other.requests[0].json["tools"]) == ([], TOOLS)


def test_what_is_not_trusted_stays_in_the_file_until_the_reader_says_otherwise(other: FaultServer) -> None:
    chat = nbs.Chat.from_dict(document(base_url=other.base_url, tools=TOOLS))
    assert chat.fork().untrusted == chat.untrusted
    assert nbs.Chat.from_dict(chat.to_dict()).untrusted == chat.untrusted
    chat.configure(base_url="http://localhost:9/v1")
    assert chat.untrusted == {"tools": TOOLS}
    chat.distrust()
    assert chat.untrusted == {}
    assert chat.to_dict()["options"] == {"base_url": "http://localhost:9/v1"}


def test_a_loaded_file_says_what_it_asks_for(
    tmp_path: Path, other: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(document(base_url=other.base_url)))
    with caplog.at_level(logging.WARNING, "nbstream"):
        nbs.Chat.load(path, trust=True)
        assert caplog.messages == []
        nbs.Chat.load(path)
    assert caplog.messages == [f"{path} asks for base_url, which is not used until you call chat.trust()"]


# --- where a key goes -------------------------------------------------------------------------------------------------


def test_a_key_stays_with_the_server_that_it_was_given_for(mine: FaultServer, other: FaultServer) -> None:
    chat = nbs.Chat.from_dict(document(base_url=other.base_url))
    chat.configure(api_key=KEY)  # for the reader's own
    chat.trust()
    other.send(whole("A"))
    ask(chat, "Q")
    assert KEY not in str(keys_at(other))
    chat.configure(base_url=other.base_url, api_key="sk-for-the-other-one")
    other.send(whole("B"))
    ask(chat, "Q")
    assert keys_at(other)[-1] == "Bearer sk-for-the-other-one"
    assert mine.requests == []


def test_a_key_does_not_follow_a_chat_to_another_server(loopback: FaultServer, other: FaultServer) -> None:
    chat = nbs.Chat(model="m", base_url=loopback.base_url, api_key=KEY, max_retries=0)
    for server, asked in ((other, {"base_url": other.base_url}), (loopback, {})):
        server.send(whole("A"))
        ask(chat.fork(), "Q", **asked)
    chat.configure(base_url=other.base_url)
    other.send(whole("A"))
    ask(chat, "Q")
    assert KEY not in str(keys_at(other))
    assert keys_at(loopback) == [f"Bearer {KEY}"]


def test_a_key_of_the_call_goes_where_the_call_goes(mine: FaultServer, other: FaultServer) -> None:
    chat = nbs.Chat.from_dict(document(base_url=other.base_url))
    mine.send(whole("A"))
    ask(chat, "Q", api_key=KEY)
    assert (keys_at(mine), other.requests) == ([f"Bearer {KEY}"], [])


# --- what a file may set ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"self": 1, "cls": 1, "config": 1, "prompt": "x", "messages": [], "input": "x", "system": "x"},
        {"name": "x", "history": "server", "max_turns": 0, "max_history_tokens": 1, "display": True},
        {"extra_body": {"tools": TOOLS}, "extra_headers": {"x": "y"}, "extra_query": {"x": "y"}},
        {
            "client": "x",
            "source": "x",
            "stages": [],
            "images": "allow",
            "surface": "live",
            "api_key": KEY,
            "headers": {"x": KEY},
        },
        {"model": 7, "api": "telepathy", "temperature": "hot", "max_tokens": True, "timeout": -1, "seed": 1.5},
        {"temperature": float("nan"), "total_timeout": float("inf"), "max_retries": 10**9, "stop_when": [7]},
        {"model": "x" * 1000, "verbosity": "a\nb", "stop_when": [], "stop": "", "top_p": None, "max_retries": True},
        {"base_url": 7, "stream": "no", "not an identifier": 1},
        {"base_url": "file:///etc/passwd", "stream": 0},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_is_no_setting_or_of_another_type_is_passed_over(options: dict[str, Any], mine: FaultServer) -> None:
    chat = nbs.Chat.from_dict(document(**options), trust=True)
    assert (chat.options, chat.untrusted) == ({}, {})
    mine.send(whole("A"))
    ask(chat, "Q")
    assert set(mine.requests[0].json) == {"model", "messages", "stream", "stream_options"}


def test_every_setting_of_a_file_has_its_type() -> None:
    settings = {
        "model": "m",
        "api": "chat",
        "temperature": 1,
        "max_tokens": 5,
        "timeout": 2.5,
        "total_timeout": 60,
        "max_retries": 0,
        "stop_when": ["a", "b"],
        "stop": "END",
        "seed": -1,
        "top_p": 0.5,
        "verbosity": "low",
        "frequency_penalty": -1.0,
        "presence_penalty": 0,
        "reasoning": "low",
        "reasoning_effort": "low",
        "max_completion_tokens": 1,
    }
    assert vetted(settings) == (settings, {})
    of_an_api = {"reasoning": {"effort": "high", "max_tokens": 2000, "exclude": False}}
    assert vetted(of_an_api) == (of_an_api, {})
    of_no_kind: list[Any] = ["", 3, [], {}, {"effort": {"a": "b"}}, {"effort": "x" * 300}]
    for wrong in of_no_kind:
        assert vetted({"reasoning": wrong}) == ({}, {})
    asked = {"stream": False, "store": True, "n": 2, "metadata": {"a": "b"}, "conversation": "conv_1"}
    assert vetted(asked) == ({}, asked)


def test_a_file_that_is_nested_too_deeply_is_refused() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    with pytest.raises(UsageError, match="damaged"):
        nbs.Chat.from_dict(document(metadata=deep))


@pytest.mark.parametrize("name", ["name", "history", "max_turns", "max_history_tokens"])
def test_a_setting_of_the_chat_is_no_field_of_a_request(name: str, mine: FaultServer) -> None:
    chat = nbs.Chat()
    setting: dict[str, Any] = {name: 1}
    with pytest.raises(UsageError, match=f"chat.{name} = …"):
        chat.configure(**setting)
    with pytest.raises(UsageError, match=f"chat.{name} = …"):
        chat.start("Q", **setting)
    assert (chat.running, mine.requests) == (None, [])


# --- copies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda chat: pickle.loads(pickle.dumps(chat))])
def test_a_copy_trusts_what_the_chat_trusts_and_nothing_else(other: FaultServer, copied: Any) -> None:
    chat = nbs.Chat.from_dict(document(base_url=other.base_url, tools=TOOLS, temperature=0.5))
    chat.configure(metadata={"a": "b"})
    made = copied(chat)
    assert made.options == chat.options == {"temperature": 0.5, "metadata": {"a": "b"}}
    assert made.untrusted == chat.untrusted == {"base_url": other.base_url, "tools": TOOLS}
    chat.trust()
    made = copied(chat)
    assert (made.options, made.untrusted) == (chat.options, {})
