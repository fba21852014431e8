"""Chat Completions chunks as OpenAI sends them, and as everybody else does."""

import pytest

from nbstream.events import (
    EndOfStream,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from nbstream.result import Usage

END = EndOfStream(marked=False)


def delta(**fields):
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


@pytest.fixture
def events(decode, frames):
    """The events of some chunks, without the end of the bytes."""

    def events(*chunks):
        *events, end = decode(frames(*chunks))
        assert end == END
        return events

    return events


def test_a_whole_stream_as_openai_sends_it(events):
    def chunk(**fields):
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", **fields}

    usage = {
        "prompt_tokens": 8,
        "completion_tokens": 5,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert events(
        chunk(**delta(role="assistant", content="", refusal=None), usage=None, obfuscation="xyz"),
        chunk(**delta(content="Hello"), usage=None),
        chunk(**delta(content=" "), usage=None),
        chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=None),
        chunk(choices=[], usage=usage),
    ) == [
        Started("gpt-x", "c1"),
        TextDelta("Hello"),
        TextDelta(" "),
        Finished("stop"),
        UsageReported(Usage(8, 5, 13, cached_tokens=3, reasoning_tokens=2)),
    ]


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": []},
        {"choices": None},
        {"choices": "text"},
        {"choices": [None, 1, "x"]},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": "x"}]},
        {"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"start": 1}}]},
        {"id": "", "object": "", "model": "", "choices": [], "prompt_filter_results": [{}]},
        delta(content=None),
        delta(content=""),
        delta(content=7),
        delta(role="assistant"),
        delta(reasoning=7, reasoning_content=""),
        delta(tool_calls=None),
        delta(tool_calls=[]),
        delta(tool_calls="x"),
        delta(tool_calls=[None, "x"]),
        {"choices": [{"delta": {}, "finish_reason": ""}]},
    ],
)
def test_chunks_that_say_nothing(events, chunk):
    assert events(chunk, delta(content="A")) == [TextDelta("A")]


def test_another_answer_is_told_apart(events):
    assert events({"choices": [{"index": 1, "delta": {"content": "B"}}]}) == [TextDelta("B", choice=1)]


def test_message_in_place_of_delta(events):
    assert events({"choices": [{"message": {"content": "A"}}]}) == [TextDelta("A")]


def test_a_choice_without_index_is_the_first(events):
    assert events(
        {"choices": [{"delta": {"content": "A"}}]}, {"choices": [{"index": None, "delta": {"content": "B"}}]}
    ) == [
        TextDelta("A"),
        TextDelta("B"),
    ]


def test_content_comes_before_the_finish_of_its_chunk(events):
    assert events({"choices": [{"delta": {"content": "A"}, "finish_reason": "length"}]}) == [
        TextDelta("A", last=True),
        Finished("length"),
    ]


def test_text_after_a_finish_reason_is_kept(events):
    chunk = {"choices": [{"delta": {"content": "A"}, "finish_reason": "stop"}]}
    assert events(chunk, chunk) == [TextDelta("A", last=True), Finished("stop")] * 2


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_under_both_its_names(events, name):
    assert events(delta(**{name: "Hm"}, content="A")) == [ReasoningDelta("Hm"), TextDelta("A")]


def test_reasoning_under_both_names_at_once_is_not_doubled(events):
    assert events(delta(reasoning="Hm", reasoning_content="Hm")) == [ReasoningDelta("Hm")]


def test_refusal(events):
    assert events(delta(content=None, refusal="No")) == [RefusalDelta("No")]


def test_model_and_id_are_told_when_they_change(events):
    chunks = [{"id": "1", "model": "a"}, {"id": "1", "model": "a"}, {"id": "2", "model": "b"}, {"object": "x"}]
    assert events(*chunks) == [Started("a", "1"), Started("b", "2")]


def test_an_error_inside_a_choice(events):
    chunk = {"choices": [{"error": {"code": 502, "message": "upstream"}, "finish_reason": "error", "delta": {}}]}
    assert events(chunk) == [Finished("error"), Failed("upstream", "502", retryable=True)]


@pytest.mark.parametrize(
    "usage",
    ["n/a", None, {}, [], {"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": 3}, {"prompt_tokens": "3"}],
)
def test_a_usage_that_says_nothing_is_none(events, usage):
    assert events({**delta(content="A"), "usage": usage}) == [TextDelta("A")]


def test_usage_on_every_chunk_is_reported_each_time(events):
    def usage(made):
        return {**delta(content="A"), "usage": {"prompt_tokens": 1, "completion_tokens": made}}

    assert events(usage(1), usage(2)) == [
        TextDelta("A"),
        UsageReported(Usage(1, 1, 2)),
        TextDelta("A"),
        UsageReported(Usage(1, 2, 3)),
    ]


def test_tool_calls_in_pieces(events):
    assert events(
        delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"x":'}}, {"index": 1, "id": "b"}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
    ) == [
        ToolCallDelta(0, "a", "f"),
        ToolCallDelta(0, arguments='{"x":'),
        ToolCallDelta(1, "b"),
        ToolCallDelta(0, arguments="1}"),
        Finished("tool_calls"),
    ]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"id": "a", "function": {"name": "f", "arguments": "{}"}}, ToolCallDelta(None, "a", "f", "{}")),
        ({"index": None, "id": "a", "function": None}, ToolCallDelta(None, "a")),
        ({"index": "1", "id": "a", "function": "f"}, ToolCallDelta(None, "a")),
        ({"index": 3, "function": {"arguments": None}}, ToolCallDelta(3)),
        ({"index": 0, "id": 7, "function": {"name": 7}}, ToolCallDelta(0)),
    ],
)
def test_loose_tool_calls(events, call, expected):
    assert events(delta(tool_calls=[call])) == [expected]
