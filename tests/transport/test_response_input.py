"""Messages in the Chat Completions form, as the Responses API wants them."""

from typing import Any

import pytest

from nbstream.transport.response_input import input_items

PIXEL = "data:image/png;base64,AA=="
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
CALLED = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"x":1}'}


@pytest.mark.parametrize(
    ("part", "made"),
    [
        ({"type": "text", "text": "Hi"}, {"type": "input_text", "text": "Hi"}),
        ({"type": "image_url", "image_url": {"url": PIXEL}}, {"type": "input_image", "image_url": PIXEL}),
        (
            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
            {"type": "input_image", "image_url": PIXEL, "detail": "low"},
        ),
        ({"type": "image_url", "image_url": PIXEL}, {"type": "input_image", "image_url": PIXEL}),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
        ),
        ({"type": "file", "file": {"file_id": "f"}}, {"type": "input_file", "file_id": "f"}),
        ({"type": "input_image", "image_url": PIXEL}, {"type": "input_image", "image_url": PIXEL}),
        ({"type": "quux", "x": 1}, {"type": "quux", "x": 1}),
        ("odd", "odd"),
    ],
    ids=str,
)
def test_parts_of_a_question(part, made):
    assert input_items([{"role": "user", "content": [part]}]) == [
        {"type": "message", "role": "user", "content": [made]}
    ]


def test_parts_of_an_answer_are_output():
    message = {"role": "assistant", "content": [{"type": "text", "text": "Hi"}, {"type": "refusal", "refusal": "No."}]}
    parts = [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No."}]
    assert input_items([message]) == [{"type": "message", "role": "assistant", "content": parts}]


def test_calls_and_their_results_are_items_of_their_own():
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "one"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "two"}]},
    ]
    assert input_items(messages) == [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        CALLED,
        {"type": "function_call_output", "call_id": "call_1", "output": "one"},
        CALLED,
        {"type": "function_call_output", "call_id": "call_1", "output": "two"},
    ]


def test_a_name_is_left_out_for_there_is_no_place_for_it():
    made = [{"type": "message", "role": "user", "content": "Hi"}]
    assert input_items([{"role": "user", "name": "me", "content": "Hi"}]) == made


def test_the_callers_messages_are_not_changed():
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}
    input_items([message])
    assert message == {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}


def test_custom_tools_are_given_free_text_and_answered_as_such():
    custom = {"id": "call_2", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [custom, CALL]},
        {"role": "tool", "tool_call_id": "call_2", "content": "1"},
        {"role": "tool", "tool_call_id": "call_1", "content": "one"},
    ]
    assert input_items(messages) == [
        {"type": "custom_tool_call", "call_id": "call_2", "name": "sql", "input": "select 1"},
        CALLED,
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "1"},
        {"type": "function_call_output", "call_id": "call_1", "output": "one"},
    ]


def test_what_is_an_item_already_is_left_as_it_is():
    items: list[dict[str, Any]] = [
        CALLED,
        {"type": "function_call_output", "call_id": "call_1", "output": "one"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "message", "role": "assistant", "id": "m", "content": [{"type": "output_text", "text": "Hi"}]},
    ]
    assert input_items(items) == items
