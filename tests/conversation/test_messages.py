"""OpenAI messages in and out."""

from typing import Any

import pytest

from nbstream.conversation.conversation import Conversation
from nbstream.conversation.messages import content_from, messages_to_send, turns_from
from nbstream.errors import UsageError
from tests.conversation.talks import said

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}

ROUND_TRIPS: list[list[dict[str, Any]]] = [
    [],
    said("Q", "A", "Q2"),
    said("Q", "A", system="Be terse."),
    [{"role": "developer", "content": "Be terse."}, *said("Q")],
    [{"role": "system", "content": "Be terse.", "name": "boss"}, *said("Q")],
    [{"role": "system", "content": ""}, *said("Q")],
    [{"role": "system", "content": [{"type": "text", "text": "Be terse."}]}],
    [{"role": "user", "content": [{"type": "text", "text": "Look"}, IMAGE], "name": "me"}],
    [
        *said("Q"),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
        {"role": "assistant", "content": "One."},
    ],
    [*said("Q"), {"role": "assistant", "content": None, "refusal": "No."}],
    [*said("Q"), {"role": "assistant", "content": "A", "refusal": None, "annotations": []}],
]


@pytest.mark.parametrize("messages", ROUND_TRIPS, ids=str)
def test_messages_come_out_as_they_went_in(messages):
    assert Conversation.from_messages(messages).messages() == messages


def test_a_message_without_content_has_none():
    assert Conversation.from_messages([{"role": "assistant", "tool_calls": [CALL]}]).messages() == [
        {"role": "assistant", "content": None, "tool_calls": [CALL]}
    ]


def test_neither_side_can_change_what_the_other_has():
    given: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": "me"}]
    talk = Conversation.from_messages(given)
    given[0]["content"][0]["text"] = "changed"
    talk.messages()[0]["content"][0]["text"] = "changed"
    assert talk.messages() == [{"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": "me"}]


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ("Hi", "the messages"),
        ([{"content": "Hi"}], "message 0"),
        ([{"role": 1, "content": "Hi"}], "message 0"),
        ([{"role": "user", "content": 7}], "neither text nor a list of parts"),
        ([{"role": "user", "content": ["Hi"]}], 'has no "type"'),
        ([{"role": "user", "content": [{"text": "Hi"}]}], 'has no "type"'),
        ([{"role": "user", "content": "Hi", "name": ...}], "not JSON"),
        ([{"role": "user", "content": [{"type": "text", "text": b"Hi"}]}], "not JSON"),
    ],
    ids=str,
)
def test_what_is_no_message_is_refused(messages, words):
    with pytest.raises(UsageError, match=words):
        turns_from(messages)


@pytest.mark.parametrize("prompt", ["", "  \n", [], None, 7, ["Hi"], [{"text": "Hi"}], [{"type": "text", "text": b""}]])
def test_what_is_no_prompt_is_refused(prompt):
    with pytest.raises(UsageError, match="prompt"):
        content_from(prompt)


# --- what a server takes ----------------------------------------------------------------------------------------------


def to_send(*messages):
    return messages_to_send(turns_from(list(messages))[1])


def test_a_refusal_is_sent_as_what_was_said():
    assert to_send({"role": "assistant", "content": None, "refusal": "No."}) == [
        {"role": "assistant", "content": "No."}
    ]
    assert to_send({"role": "assistant", "content": "Well", "refusal": "No."}) == [
        {"role": "assistant", "content": "Well"}
    ]


def test_calls_are_sent_only_with_their_results():
    calling = {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "1"}
    assert to_send(calling, result) == [calling, result]
    assert to_send(calling) == [{"role": "assistant", "content": "Let me see."}]
    two = {**calling, "tool_calls": [CALL, {**CALL, "id": "call_2"}]}
    assert to_send(two, result)[0] == {"role": "assistant", "content": "Let me see."}


def test_calls_of_custom_tools_are_calls_too():
    custom = {"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    odd = ["x", {"id": "c3"}, {"custom": None}]
    talk = Conversation.from_messages([{"role": "assistant", "content": None, "tool_calls": [CALL, custom, *odd]}])
    calls = talk.tree.path()[0].result.tool_calls
    assert [(call.id, call.name, call.arguments) for call in calls[1:]] == [("c2", "sql", "select 1")]
