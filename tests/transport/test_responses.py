"""Responses events: the typed ones, unknown ones, and ends without a middle."""

import pytest

from nbstream.events import (
    EndOfStream,
    Failed,
    Finished,
    MediaDelta,
    PartEnded,
    PartResumed,
    PartStarted,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from nbstream.result import Usage
from nbstream.transport.responses import ResponsesAdapter, request_body


def text(delta):
    return {"type": "response.output_text.delta", "item_id": "i", "delta": delta}


def ended(kind="completed", **response):
    return {"type": f"response.{kind}", "response": {"status": kind, **response}}


@pytest.fixture
def events(decode, frames):
    def events(*payloads):
        *events, end = decode(frames(*payloads), "responses")
        assert end == EndOfStream(marked=False)
        return events

    return events


def test_a_whole_stream_as_openai_sends_it(decode):
    usage = '{"input_tokens":8,"output_tokens":5,"total_tokens":13,"output_tokens_details":{"reasoning_tokens":2}}'
    stream = f"""event: response.created
data: {{"type":"response.created","sequence_number":0,"response":{{"id":"r1","model":"gpt-x","status":"in_progress"}}}}

event: response.output_item.added
data: {{"type":"response.output_item.added","item":{{"id":"i","type":"message"}}}}

event: response.output_text.delta
data: {{"type":"response.output_text.delta","item_id":"i","delta":"Hello","obfuscation":"xyz"}}

event: response.output_text.done
data: {{"type":"response.output_text.done","item_id":"i","text":"Hello"}}

event: response.completed
data: {{"type":"response.completed","response":{{"id":"r1","model":"gpt-x","status":"completed","usage":{usage}}}}}

"""
    assert decode(stream, "responses") == [
        Started("gpt-x", "r1"),
        PartStarted(0, "text", "i"),
        TextDelta("Hello"),
        PartEnded(0),
        Started("gpt-x", "r1"),
        UsageReported(Usage(8, 5, 13, reasoning_tokens=2)),
        Finished("stop"),
        EndOfStream(marked=False),
    ]


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "response.output_text.delta"},
        {"type": "response.output_text.delta", "delta": ""},
        {"type": "response.output_text.delta", "delta": {"text": "x"}},
        {"type": "response.created", "response": None},
        {"type": "response.output_item.added", "item": None},
        {"type": "response.output_item.added", "item": {"type": "message"}},
    ],
)
def test_events_that_say_nothing(events, payload):
    assert events(payload, text("A")) == [PartStarted(0, "text", "i"), TextDelta("A")]


@pytest.mark.parametrize(
    "payload",
    [{"type": "response.sparkles.delta", "delta": "x"}, {"type": "keepalive"}, {"type": None}, {"type": 7}, {}],
)
def test_events_of_no_known_kind_are_told_apart(payload):
    assert ResponsesAdapter().decode(payload) is None


def test_sound_is_kept_and_not_shown(events):
    assert events({"type": "response.audio.delta", "delta": "AAAA"}, {"type": "response.audio.done"}) == [
        MediaDelta("audio", "audio", bytes(3)),
        MediaDelta("audio", "audio", last=True),
    ]


def test_chunks_of_the_other_api_are_decoded_all_the_same(events):
    chunk = {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "x"}}]}
    warned, *texts = events(chunk, chunk)
    assert warned.kind == "other_api"
    assert texts == [TextDelta("x"), TextDelta("x")]


def test_reasoning_and_refusal(events):
    assert events(
        {"type": "response.reasoning_text.delta", "delta": "a"},
        {"type": "response.reasoning_summary_text.delta", "delta": "b"},
        {"type": "response.refusal.delta", "delta": "c"},
    ) == [
        PartStarted(0, "reasoning"),
        ReasoningDelta("a"),
        ReasoningDelta("b"),
        PartStarted(1, "refusal"),
        RefusalDelta("c"),
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("new", "new")],
)
def test_incomplete_answers_say_why(events, reason, expected):
    assert events(text("A"), ended("incomplete", incomplete_details={"reason": reason}))[-1] == Finished(expected)


@pytest.mark.parametrize("details", [None, {}, {"reason": None}])
def test_an_incomplete_answer_without_a_reason_is_no_ordinary_end(events, details):
    assert events(text("A"), ended("incomplete", incomplete_details=details))[-1] == Finished("incomplete")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            {"status": "failed", "error": {"code": "server_error", "message": "boom"}},
            Failed("boom", "server_error", retryable=True),
        ),
        ({"status": "failed", "error": None}, Failed("no message")),
        ({"error": {"message": "boom"}}, Failed("boom")),
        ({"status": "failed", "error": "boom"}, Failed("boom")),
        (None, Failed("no message")),
    ],
)
def test_a_failed_response_never_passes_for_an_answer(events, response, expected):
    assert [e for e in events(text("A"), {"type": "response.failed", "response": response}) if e != Started()] == [
        PartStarted(0, "text", "i"),
        TextDelta("A"),
        expected,
    ]


@pytest.mark.parametrize(
    "response", [None, {}, {"output": []}, {"output": None}, {"output": [None, {"content": [None]}]}]
)
def test_a_completed_response_may_be_empty(events, response):
    assert [e for e in events(text("A"), {"type": "response.completed", "response": response}) if e != Started()] == [
        PartStarted(0, "text", "i"),
        TextDelta("A"),
        Finished("stop"),
    ]


def test_the_final_text_counts_if_no_delta_came(events):
    output = [{"type": "message", "content": [{"type": "output_text", "text": "Whole"}, {"type": "refusal"}]}]
    assert TextDelta("Whole") in events(ended(output=output))
    assert events(text("Whole"), ended(output=output)).count(TextDelta("Whole")) == 1


def test_tool_calls_by_item(events):
    def added(item, call, name):
        item = {"type": "function_call", "id": item, "call_id": call, "name": name, "arguments": ""}
        return {"type": "response.output_item.added", "item": item}

    def arguments(item, piece):
        return {"type": "response.function_call_arguments.delta", "item_id": item, "delta": piece}

    assert events(
        added("i1", "c1", "f"),
        added("i2", "c2", "g"),
        arguments("i2", "{"),
        arguments("i1", "[]"),
        arguments("i2", "}"),
        ended(),
    ) == [
        ToolCallDelta(0, "c1", "f", item_id="i1"),
        ToolCallDelta(1, "c2", "g", item_id="i2"),
        ToolCallDelta(1, arguments="{"),
        ToolCallDelta(0, arguments="[]"),
        ToolCallDelta(1, arguments="}"),
        Started(),
        Finished("tool_calls"),
    ]


# --- the request ------------------------------------------------------------------------------------------------------


def test_the_whole_body(make_request):
    request = make_request(api="responses", system="Be terse.", temperature=0.5, max_tokens=9, params={"store": False})
    assert request_body(request) == {
        "model": "m",
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "instructions": "Be terse.",
        "temperature": 0.5,
        "max_output_tokens": 9,
        "store": False,
    }


def test_content_parts_get_their_responses_names(make_request):
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "input_file", "file_id": "f"},
        "odd",
    ]
    body = request_body(make_request(messages=({"role": "user", "content": parts},)))
    assert body["input"][0]["content"] == [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
        {"type": "input_file", "file_id": "f"},
        "odd",
    ]


def test_the_callers_messages_are_not_changed(make_request):
    message = {"role": "user", "content": [{"type": "text", "text": "Hi"}]}
    request_body(make_request(messages=(message,)))
    assert message == {"role": "user", "content": [{"type": "text", "text": "Hi"}]}


def test_a_piece_after_the_announcement_of_another_part_belongs_to_its_own(decode, frames):
    def piece(item, output, text):
        place = {"item_id": item, "output_index": output, "content_index": 0}
        return {"type": "response.output_text.delta", **place, "delta": text}

    part = {"type": "output_text", "text": "", "annotations": []}
    announced = {"item_id": "b", "output_index": 1, "content_index": 0, "part": part}
    body = frames(
        piece("a", 0, "One"),
        {"type": "response.content_part.added", **announced},
        piece("a", 0, "!"),
        piece("b", 1, "2"),
    )
    *events, _ = decode(body, "responses")
    assert events[2:] == [
        PartStarted(1, "text", "b", 0, new_paragraph=True),
        PartResumed(0),
        TextDelta("!"),
        PartResumed(1),
        TextDelta("2"),
    ]
