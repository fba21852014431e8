"""Chats as values: copied, pickled, stored."""

from __future__ import annotations

import copy
import json
import pathlib
import pickle
from typing import Any

import pytest

import nbstream as nbs
from nbstream.testing import ScriptedStream
from tests.chats import ask, end, sent, whole
from tests.conversation.talks import said
from tests.steps import steps

KEY = "sk-0123456789abcdef"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda chat: pickle.loads(pickle.dumps(chat))])
def test_a_copy_has_the_turns_and_settings_and_goes_its_own_way(make_chat: Any, loopback: Any, copied: Any) -> None:
    chat = make_chat("S", name="tutor", temperature=0.5, max_turns=20)
    loopback.send(whole("A1"))
    ask(chat, "Q1")
    end(chat.regenerate(display=False))
    other = copied(chat)
    assert other.to_dict() == chat.to_dict()
    assert (type(other), other.name, other.system, other.running) == (nbs.Chat, "tutor", "S", None)
    other.undo()
    other.configure(temperature=None)
    other.name = "other"
    assert (len(chat.conversation.tree.siblings(chat.turns[-1].id)), chat.options["temperature"]) == (2, 0.5)
    assert chat.name == "tutor"
    ask(other, "Q2")
    assert sent(loopback)[-1] == {"role": "user", "content": "Q2"}
    assert "temperature" not in loopback.requests[-1].json


def test_a_key_is_copied_within_the_process_and_never_pickled(make_chat: Any) -> None:
    chat = make_chat(api_key=KEY)
    assert copy.deepcopy(chat).options["api_key"].reveal() == KEY
    data = pickle.dumps(chat)
    assert KEY.encode() not in data
    assert "api_key" not in pickle.loads(data).options


def test_what_only_this_process_has_is_left_out(make_chat: Any) -> None:
    chat = make_chat(source=ScriptedStream([]), stages=[lambda events: events], metadata={"a": "b"})
    kept = {name: chat.options[name] for name in ("model", "base_url", "max_retries", "metadata")}
    assert pickle.loads(pickle.dumps(chat)).options == kept


def test_an_answer_in_flight_is_not_in_a_copy(make_chat: Any, loopback: Any) -> None:
    chat = make_chat(messages=said("Q0", "A0"))
    loopback.send(then="hold")
    handle = chat.start("Q1", display=False)
    for other in (copy.copy(chat), pickle.loads(pickle.dumps(chat))):
        assert (len(other.turns), other.running) == (2, None)
    handle.cancel()
    end(handle)


def test_a_subclass_stays_one() -> None:
    chat = Tutor(messages=said("Q", "A"))
    assert type(copy.copy(chat)) is type(pickle.loads(pickle.dumps(chat))) is Tutor


class Tutor(nbs.Chat):
    """A chat of somebody's own."""


def test_store_keeps_a_chat(shell: Any, make_chat: Any) -> None:
    shell.run_line_magic("load_ext", "storemagic")
    chat = shell.user_ns["chat"] = make_chat("S", messages=said("Q", "A"), api_key=KEY)
    shell.run_line_magic("store", "chat")
    del shell.user_ns["chat"]
    shell.run_line_magic("store", "-r chat")
    stored = shell.user_ns["chat"]
    assert stored is not chat
    assert stored.messages == chat.messages
    files = [path for path in pathlib.Path(shell.profile_dir.location).rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", ["self", "name", "history", "max_turns", "display"])
def test_what_has_a_place_of_its_own_is_no_option(make_chat: Any, name: str) -> None:
    chat = make_chat()
    with pytest.raises(ValueError, match=f"{name} cannot be an option"):
        chat.configure(**{name: 1})


@pytest.mark.parametrize(("slip", "meant"), [("temprature", "temperature"), ("max_turn", "max_turns")])
def test_a_slip_of_an_option_is_refused_before_anything_is_asked(make_chat: Any, slip: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"no such option: {slip}; did you mean {meant}"):
        make_chat(**{slip: 1})


# --- long chats -------------------------------------------------------------------------------------------------------


def chain(length: int) -> dict[str, Any]:
    entries = [
        {"id": str(at), "parent": str(at - 1) if at else None, "active": True, "role": "user", "content": "Q"}
        for at in range(length)
    ]
    return {"nbstream_chat": 2, "turns": entries}


@pytest.mark.parametrize(
    "load",
    [
        lambda length: nbs.Chat(messages=said(*["x"] * length)),
        lambda length: nbs.Chat.from_dict(chain(length)),
        lambda length: copy.copy(nbs.Chat.from_dict(chain(length))),
        lambda length: nbs.Chat.from_dict(json.loads(json.dumps(nbs.Chat(messages=said(*["x"] * length)).to_dict()))),
    ],
)
def test_a_long_chat_is_loaded_in_linear_time(load: Any) -> None:
    short, long = steps(lambda: load(500)), steps(lambda: load(2000))
    assert long < 4.5 * short
