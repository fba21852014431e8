"""A chat as a JSON document: what it holds, and what is refused on the way in."""

import copy
import json

import pytest

from nbstream.conversation.conversation import Conversation
from nbstream.conversation.document import Document
from nbstream.conversation.messages import content_from
from nbstream.conversation.turn import Turn
from nbstream.errors import UsageError
from nbstream.result import StreamState, Usage
from tests.conversation.talks import answer, question, said


@pytest.fixture
def document():
    """A chat with two branches, the older one active, and an answer that failed."""
    talk = Conversation("Be terse.")
    talk.commit(None, [question("Q1"), answer("A1", usage=Usage(3, 2, 5))])
    talk.commit(
        "A1", [Turn("P", "user", ({"type": "text", "text": "Look"},)), answer("half", "failed", reasoning="Hm.")]
    )
    talk.commit("P", [answer("A2", refusal="No.")])
    talk.tree.select("half")
    return Document(talk, "tutor", "messages", 20, None, {"model": "m", "temperature": 0.5})


def test_the_whole_document(document):
    made = document.to_dict()
    turns = made.pop("turns")
    assert made == {
        "nbstream_chat": 1,
        "name": "tutor",
        "system": "Be terse.",
        "history": "messages",
        "max_turns": 20,
        "max_history_tokens": None,
        "options": {"model": "m", "temperature": 0.5},
    }
    assert [(turn["id"], turn["parent"], turn["active"]) for turn in turns] == [
        ("Q1", None, True),
        ("A1", "Q1", True),
        ("P", "A1", True),
        ("half", "P", True),
        ("A2", "P", False),
    ]
    assert turns[0] == {"id": "Q1", "role": "user", "content": "Q1", "parent": None, "active": True}
    assert turns[2]["content"] == [{"type": "text", "text": "Look"}]
    half = turns[3]
    assert (half["state"], half["included"], half["reasoning"]) == ("failed", False, "Hm.")
    assert half["facts"]["error"]["kind"] == "connection_lost"


def test_what_was_saved_is_what_is_loaded(document):
    made = json.loads(json.dumps(document.to_dict()))
    loaded = Document.from_dict(made)
    assert loaded.to_dict() == made
    assert list(loaded.conversation.tree) == list(document.conversation.tree)
    assert loaded.conversation.tree.path() == document.conversation.tree.path()
    assert loaded.conversation.tree.siblings("A2") == ("half", "A2")


def test_a_document_is_a_copy(document):
    made = document.to_dict()
    loaded = Document.from_dict(made)
    made["turns"][2]["content"][0]["text"] = "changed"
    made["turns"][3]["facts"]["error"]["kind"] = "changed"
    for one in (document, loaded):
        assert one.conversation.tree["P"].text == "Look"
        assert one.conversation.tree["half"].facts["error"]["kind"] == "connection_lost"


@pytest.mark.parametrize(
    "data", [None, [], "text", 7, {}, {"turns": []}, {"nbstream_chat": "1"}, {"nbstream_chat": True}]
)
def test_what_is_no_chat_is_refused(data):
    with pytest.raises(UsageError, match=r"this is no saved chat; chat.save\(path\) makes one"):
        Document.from_dict(data)


def test_a_newer_format_is_refused(document):
    with pytest.raises(UsageError, match=r"saved by a newer nbstream .*; update nbstream"):
        Document.from_dict({**document.to_dict(), "nbstream_chat": 2})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("turns", None),
        ("turns", {}),
        ("system", 7),
        ("name", []),
        ("history", "elsewhere"),
        ("history", []),
        ("max_turns", "20"),
        ("max_turns", True),
        ("options", [1]),
    ],
)
def test_damaged_settings_are_refused(document, field, value):
    with pytest.raises(UsageError, match=f"damaged: .*{field}"):
        Document.from_dict({**document.to_dict(), field: value})


@pytest.mark.parametrize(
    ("at", "field", "value"),
    [
        (0, "id", None),
        (0, "id", 7),
        (0, "role", None),
        (0, "content", 7),
        (0, "content", [7]),
        (0, "parent", "nobody"),
        (0, "parent", "A2"),
        (1, "id", "Q1"),
        (1, "state", "quux"),
        (1, "state", "streaming"),
        (1, "reasoning", 7),
        (1, "facts", []),
        (1, "facts", {"usage": {"tokens": 7}}),
        (1, "facts", {"usage": {"input_tokens": "7", "output_tokens": 1, "total_tokens": 8}}),
        (1, "facts", {"usage": {"input_tokens": None, "output_tokens": 1, "total_tokens": 8}}),
        (1, "facts", {"spent": {"input_tokens": None, "output_tokens": 1, "total_tokens": 8}}),
        (1, "facts", {"timing": {"ttft": "soon"}}),
        (1, "facts", {"timing": {"total": None}}),
        (1, "facts", {"error": {"kind": "server"}}),
        (1, "facts", {"error": {"kind": [], "message": ""}}),
        (1, "facts", {"error": {"kind": "server", "message": 7}}),
        (1, "facts", {"warnings": "many"}),
        (1, "facts", {"warnings": [{"kind": "x"}]}),
        (1, "facts", {"warnings": [{"kind": "x", "message": "y", "z": 1}]}),
        (1, "facts", {"model": ["m"]}),
        (1, "facts", {"attempts": "2"}),
        (1, "extra", "x"),
    ],
)
def test_a_damaged_turn_is_named(document, at, field, value):
    made = copy.deepcopy(document.to_dict())
    made["turns"][at][field] = value
    with pytest.raises(UsageError, match=f"damaged at turn {at + 1};"):
        Document.from_dict(made)


def test_a_turn_that_is_no_object_is_named(document):
    with pytest.raises(UsageError, match="damaged at turn 1;"):
        Document.from_dict({**document.to_dict(), "turns": ["Q1"]})


def test_fields_of_later_versions_are_passed_over(document):
    made = document.to_dict()
    made["turns"][0]["stars"] = 5
    made["colour"] = "red"
    assert Document.from_dict(made).to_dict() == document.to_dict()


def test_imported_messages_are_kept_as_they_were():
    messages = [*said("Q", "A"), {"role": "user", "content": "Q2", "name": "me"}]
    document = Document(Conversation.from_messages(messages))
    assert Document.from_dict(document.to_dict()).conversation.messages() == messages


def test_lone_halves_of_characters_are_replaced_at_the_door():
    """They could be neither sent nor saved, nor shown by a page."""
    whole = said("half: \ufffd")
    talk = Conversation.from_messages(said("half: \ud83d"))
    assert talk.messages() == whole
    document = json.loads(json.dumps(Document(talk).to_dict()).replace("\\ufffd", "\\ud83d"))
    assert Document.from_dict(document).conversation.messages() == whole
    part = {"type": "text", "text": "\ud83d\ude00 \ude00", "more": ["\ud83d"]}
    assert content_from([part]) == ({"type": "text", "text": "\U0001f600 \ufffd", "more": ["\ufffd"]},)
    assert content_from("\ud83d") == "\ufffd"


# --- secrets ----------------------------------------------------------------------------------------------------------

KEY = "sk-0123456789abcdef"


@pytest.mark.parametrize(
    ("options", "saved"),
    [
        ({"api_key": KEY, "model": "m"}, {"model": "m"}),
        ({"client": ..., "images": "allow"}, {}),
        ({"base_url": f"http://me:{KEY}@localhost:8000/v1?key={KEY}#x"}, {"base_url": "http://localhost:8000/v1"}),
        ({"base_url": f"localhost:8000/v1?key={KEY}"}, {"base_url": "localhost:8000/v1"}),
        ({"extra_headers": {"Authorization": KEY}}, {}),
        (
            {"tools": [{"type": "mcp", "server_url": "https://a", "headers": {"X": KEY}, "authorization": KEY}]},
            {"tools": [{"type": "mcp", "server_url": "https://a"}]},
        ),
        (
            {"tools": [{"server_url": f"https://me:{KEY}@a/mcp?key={KEY}", "token": KEY, "x-key": KEY, "n": 1}]},
            {"tools": [{"server_url": "https://a/mcp", "n": 1}]},
        ),
        ({"token": KEY, "subscription_key": KEY, "base_url": "http://[bad/v1"}, {"base_url": ""}),
        ({"metadata": {"API-Key": KEY, "accessToken": KEY, "user": "me"}}, {"metadata": {"user": "me"}}),
        (
            {"max_tokens": 9, "max_completion_tokens": 9, "seed": 7},
            {"max_tokens": 9, "max_completion_tokens": 9, "seed": 7},
        ),
        ({"prompt_cache_key": "chat-1"}, {"prompt_cache_key": "chat-1"}),
        ({"response_format": dict}, {}),
    ],
    ids=str,
)
def test_what_may_be_secret_is_not_saved(options, saved):
    made = Document(Conversation(), options=options).to_dict()
    assert made["options"] == saved
    assert KEY not in json.dumps(made)


def test_a_document_cannot_give_what_only_its_reader_may(document):
    made = {**document.to_dict(), "options": {"api_key": KEY, "images": "allow", "client": "x", "model": "m"}}
    assert Document.from_dict(made).options == {"model": "m"}


def test_a_turn_that_was_stopped_stays_so():
    turn = Turn("1", "assistant", "half", StreamState.CANCELLED, included=True)
    talk = Conversation()
    talk.tree.add(turn, None)
    assert Document.from_dict(Document(talk).to_dict()).conversation.tree["1"] == turn
