"""A chat as a JSON document: what it holds, and what is refused on the way in."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest

from nbstream.conversation.answers import part_from_dict, part_to_dict
from nbstream.conversation.conversation import Conversation
from nbstream.conversation.document import Document
from nbstream.conversation.messages import content_from
from nbstream.conversation.turn import Turn, answer_turn
from nbstream.errors import RateLimitError, UsageError
from nbstream.result import (
    ActivityPart,
    Citation,
    MediaPart,
    ReasoningPart,
    RefusalPart,
    StreamResult,
    StreamState,
    StreamWarning,
    TextPart,
    Timing,
    ToolCall,
    ToolCallPart,
    Usage,
)
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
        "nbstream_chat": 2,
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
    assert half == {
        "id": "half",
        "role": "assistant",
        "parent": "P",
        "active": True,
        "included": False,
        "answer": {
            "state": "failed",
            "parts": [{"type": "reasoning", "text": "Hm."}, {"type": "text", "text": "half"}],
            "error": {"kind": "connection_lost", "message": "The connection broke off."},
        },
    }


def test_what_was_saved_is_what_is_loaded(document):
    made = json.loads(json.dumps(document.to_dict()))
    loaded = Document.from_dict(made)
    assert loaded.to_dict() == made
    assert [turn.text for turn in loaded.conversation.tree] == [turn.text for turn in document.conversation.tree]
    assert [turn.id for turn in loaded.conversation.tree.path()] == ["Q1", "A1", "P", "half"]
    assert loaded.conversation.tree.siblings("A2") == ("half", "A2")


def test_a_document_is_a_copy(document):
    made = document.to_dict()
    loaded = Document.from_dict(made)
    made["turns"][2]["content"][0]["text"] = "changed"
    made["turns"][3]["answer"]["error"]["kind"] = "changed"
    for one in (document, loaded):
        assert one.conversation.tree["P"].text == "Look"
        error = one.conversation.tree["half"].result.error
        assert error is not None
        assert error.kind == "connection_lost"


@pytest.mark.parametrize(
    "data", [None, [], "text", 7, {}, {"turns": []}, {"nbstream_chat": "1"}, {"nbstream_chat": True}]
)
def test_what_is_no_chat_is_refused(data):
    with pytest.raises(UsageError, match=r"this is not a saved chat; chat.save\(path\) makes one"):
        Document.from_dict(data)


def test_a_newer_format_is_refused(document):
    with pytest.raises(UsageError, match=r"saved by a newer nbstream .*; update nbstream"):
        Document.from_dict({**document.to_dict(), "nbstream_chat": 3})


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
        (1, "answer", []),
        (1, "context", 7),
        (1, "extra", "x"),
    ],
)
def test_a_damaged_turn_is_named(document, at, field, value):
    made = copy.deepcopy(document.to_dict())
    made["turns"][at][field] = value
    with pytest.raises(UsageError, match=f"damaged at turn {at + 1};"):
        Document.from_dict(made)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", None),
        ("state", "quux"),
        ("state", "streaming"),
        ("parts", None),
        ("parts", {"type": "text"}),
        ("parts", [7]),
        ("parts", [{"text": "no type"}]),
        ("parts", [{"type": "quux", "text": ""}]),
        ("parts", [{"type": "text", "text": 7}]),
        ("parts", [{"type": "text", "text": "x", "item_id": 7}]),
        ("parts", [{"type": "text", "text": "x", "new_paragraph": 1}]),
        ("parts", [{"type": "text", "text": "x", "citations": [{}]}]),
        ("parts", [{"type": "text", "text": "x", "citations": [{"annotation": {}, "start": 3, "end": 1}]}]),
        ("parts", [{"type": "text", "text": "x", "citations": [{"annotation": {}, "start": 0}]}]),
        ("parts", [{"type": "tool_call", "name": "f"}]),
        ("parts", [{"type": "tool_call", "name": "f", "arguments": "", "index": "0"}]),
        ("parts", [{"type": "media", "kind": "smell"}]),
        ("parts", [{"type": "media", "kind": []}]),
        ("parts", [{"type": "media", "kind": "image", "data": "no base64!"}]),
        ("parts", [{"type": "activity", "kind": 7}]),
        ("parts", [{"type": "activity", "kind": "x", "item": []}]),
        ("usage", {"tokens": 7}),
        ("usage", {"input_tokens": "7", "output_tokens": 1, "total_tokens": 8}),
        ("usage", {"input_tokens": None, "output_tokens": 1, "total_tokens": 8}),
        ("timing", {"ttft": "soon"}),
        ("timing", {"total": True}),
        ("cost", "free"),
        ("error", {"kind": "server"}),
        ("error", {"kind": [], "message": ""}),
        ("error", {"kind": "server", "message": 7}),
        ("warnings", "many"),
        ("warnings", [{"kind": "x"}]),
        ("error", {"kind": "server", "message": "", "remedies": "many"}),
        ("error", {"kind": "server", "message": "", "remedies": ["retry"]}),
        ("error", {"kind": "server", "message": "", "remedies": [{"kind": "wait", "value": []}]}),
        ("warnings", [{"kind": "x", "message": "", "remedies": [{}]}]),
        ("model", ["m"]),
        ("attempts", "2"),
        ("rounds", {}),
        ("rounds", [{}]),
        ("rounds", [{"state": "quux"}]),
        ("rounds", [{"state": "completed", "usage": {"input_tokens": 1}}]),
    ],
)
def test_a_damaged_answer_is_named(document, field, value):
    made = copy.deepcopy(document.to_dict())
    made["turns"][1]["answer"][field] = value
    with pytest.raises(UsageError, match="damaged at turn 2;"):
        Document.from_dict(made)


def test_parts_of_every_kind_are_loaded_as_they_were():
    cited = Citation({"type": "url_citation", "url": "https://a.example", "score": float("nan")}, 0, 3)
    parts = (
        ReasoningPart("Hm.", "rs_1", 0),
        TextPart("See this.", "msg_1", 0, (cited, Citation("half: \ud83d"))),
        ToolCallPart("c1", "f", "{", 0, "fc_1"),
        ToolCallPart("c2", "run", "x = 1", 1, custom=True),
        ActivityPart("web_search_call", "completed", "", {"action": {"query": "q"}}, "ws_1"),
        ActivityPart("code_interpreter_call", "completed", "x = 1"),
        MediaPart("image", bytes(range(256)), "image/png", None, "ig_1"),
        MediaPart("video", url="https://a.example/v"),
        TextPart("More.", "msg_2", 0, new_paragraph=True),
        RefusalPart("No."),
    )
    talk = Conversation()
    talk.commit(None, [question("Q"), answer_turn("A", StreamResult(parts=parts, state=StreamState.COMPLETED))])
    made = json.loads(json.dumps(Document(talk).to_dict(), allow_nan=False).encode().decode())
    loaded = Document.from_dict(made).conversation.tree["A"].result
    stored = (
        Citation({"type": "url_citation", "url": "https://a.example", "score": None}, 0, 3),
        Citation("half: \ufffd"),
    )
    assert loaded.parts == (parts[0], replace(parts[1], citations=stored), *parts[2:])
    assert Document.from_dict(made).to_dict() == made


def test_calls_are_messages_of_their_own_kind_and_are_not_saved_twice():
    calls = ToolCallPart("c1", "f", "{}"), ToolCallPart("c2", "run", "x = 1", 1, custom=True)
    turn = answer_turn("A", StreamResult(parts=calls, state=StreamState.COMPLETED))
    assert turn.extra["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "c2", "type": "custom", "custom": {"name": "run", "input": "x = 1"}},
    ]
    talk = Conversation()
    talk.commit(None, [question("Q"), turn])
    made = Document(talk).to_dict()
    assert "extra" not in made["turns"][1]
    assert Document.from_dict(made).conversation.tree["A"].extra == turn.extra


# --- the first format -------------------------------------------------------------------------------------------------


@pytest.fixture
def version_1():
    """A chat that was saved before answers had parts."""
    return json.loads((Path(__file__).parents[1] / "data" / "chats" / "version_1.json").read_text("utf-8"))


def test_a_chat_of_the_first_format_is_read(version_1):
    tree = Document.from_dict(version_1).conversation.tree
    whole, half, call, refused, grown = (tree[f"a{number}"] for number in range(1, 6))
    assert whole.result == StreamResult(
        "Glass is neither hot nor cold.",
        StreamState.COMPLETED,
        "stop",
        Usage(9, 5, 14, 3, 2),
        "m-1",
        "req_1",
        "resp_1",
        reasoning="Hm.",
        warnings=(StreamWarning("buffered", "It came at once."),),
        attempts=2,
        timing=Timing(0.25, 1.5, 4.0),
        cost=0.002,
    )
    assert (whole.context, whole.included) == ("ctx", True)
    assert isinstance(half.result.error, RateLimitError)
    assert (half.text, half.state, half.included, half.result.error.status) == ("Half", "failed", False, 429)
    assert call.result.tool_calls == (ToolCall("c1", "look_up", '{"x":1}'),)
    assert (refused.text, refused.refusal) == ("", "I can't help.")
    assert (grown.usage, grown.seconds, grown.cost) == (Usage(12, 5, 17, 1), 2.0, 0.75)


def test_a_chat_of_the_first_format_is_saved_in_the_present_one(version_1):
    loaded = Document.from_dict(version_1)
    made = json.loads(json.dumps(loaded.to_dict()))
    assert made["nbstream_chat"] == 2
    assert Document.from_dict(made).to_dict() == made
    assert Document.from_dict(made).conversation.messages() == loaded.conversation.messages()


def test_an_imported_refusal_of_the_first_format_is_read():
    turn = {"id": "1", "role": "assistant", "content": None, "refusal": "No.", "active": True}
    loaded = Document.from_dict({"nbstream_chat": 1, "turns": [turn]})
    assert loaded.conversation.messages() == [{"role": "assistant", "content": None, "refusal": "No."}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", 7),
        ("state", "quux"),
        ("state", "streaming"),
        ("reasoning", 7),
        ("facts", []),
        ("facts", {"usage": {"tokens": 7}}),
        ("facts", {"usage": {"input_tokens": "7", "output_tokens": 1, "total_tokens": 8}}),
        ("facts", {"usage": {"input_tokens": None, "output_tokens": 1, "total_tokens": 8}}),
        ("facts", {"spent": {"input_tokens": None, "output_tokens": 1, "total_tokens": 8}}),
        ("facts", {"timing": {"ttft": "soon"}}),
        ("facts", {"error": {"kind": "server"}}),
        ("facts", {"error": {"kind": [], "message": ""}}),
        ("facts", {"error": {"kind": "server", "message": 7}}),
        ("facts", {"warnings": "many"}),
        ("facts", {"warnings": [{"kind": "x"}]}),
        ("facts", {"model": ["m"]}),
        ("facts", {"attempts": "2"}),
        ("extra", "x"),
    ],
)
def test_a_damaged_turn_of_the_first_format_is_named(version_1, field, value):
    version_1["turns"][1][field] = value
    with pytest.raises(UsageError, match="damaged at turn 2;"):
        Document.from_dict(version_1)


# --- damaged documents ------------------------------------------------------------------------------------------------


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
    turn = replace(answer("half", "cancelled"), included=True)
    talk = Conversation()
    talk.tree.add(turn, None)
    assert Document.from_dict(Document(talk).to_dict()).conversation.tree["half"] == turn


def test_an_answer_is_shown_again_as_it_was():
    part = TextPart("Here:\n```python\nx\n```", shown="```python\nx\n```")
    entry = json.loads(json.dumps(part_to_dict(part)))
    assert part_from_dict(entry) == part
    assert "shown" not in part_to_dict(TextPart("Hi"))
    with pytest.raises(TypeError, match="shown"):
        part_from_dict({**entry, "shown": 3})
