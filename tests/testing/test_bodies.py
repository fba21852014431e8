"""The bodies mean to the SDK, and to nbstream, what their names say."""

import json

import openai
import pytest

import nbstream as nbs
from nbstream.result import Usage
from nbstream.testing import DONE, chat_body, chat_chunk, error_body, error_frame, frame, responses_body, whole_chat

PATIENCE = 60.0


@pytest.fixture
def sdk(loopback):
    with openai.OpenAI(base_url=loopback.base_url, api_key=loopback.api_key, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def answer(loopback):
    """What nbstream makes of a body."""

    def answer(body, api="chat", **options):
        loopback.send(body, **options)
        handle = nbs.start("Hi", model="m", base_url=loopback.base_url, api=api, display=False)
        try:
            return handle.result(PATIENCE)
        except nbs.StreamError as error:
            return error.result

    return answer


def payloads(body):
    frames = body.decode().split("\n\n")
    assert frames.pop() == ""
    return [json.loads(each.partition("data: ")[2]) for each in frames if "[DONE]" not in each]


def ask_for_chunks(sdk):
    return list(sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True))


# --- Chat Completions -------------------------------------------------------------------------------------------------


def test_a_chat_for_the_sdk(sdk, loopback):
    loopback.send(chat_body("Hel", "lo", usage=(3, 2), model="m-1"))
    *chunks, last = ask_for_chunks(sdk)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert (last.choices, last.usage.prompt_tokens, last.usage.completion_tokens) == ([], 3, 2)
    assert {chunk.model for chunk in [*chunks, last]} == {"m-1"}
    assert {chunk.object for chunk in [*chunks, last]} == {"chat.completion.chunk"}


def test_a_chat_for_nbstream(answer):
    result = answer(chat_body("Hel", "lo", usage=(3, 2), model="m-1", finish_reason="length"))
    assert (result.text, result.state, result.finish_reason, result.model) == ("Hello", "completed", "length", "m-1")
    assert result.usage == Usage(3, 2, 5)


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("finish_reason", ["stop", None])
def test_each_part_of_the_end_can_be_left_out(done, finish_reason):
    body = chat_body("Hi", finish_reason=finish_reason, done=done)
    assert body.endswith(DONE) is done
    reasons = [payload["choices"][0]["finish_reason"] for payload in payloads(body)]
    assert reasons == [None, None, "stop"][: 3 if finish_reason else 2]


def test_a_chunk_can_carry_anything(answer):
    call = {"index": 0, "id": "call_1", "function": {"name": "look", "arguments": "{}"}}
    thought, called = chat_chunk({"reasoning_content": "Hm."}), chat_chunk({"tool_calls": [call]}, "tool_calls")
    result = answer(thought + called + DONE)
    assert (result.reasoning, result.finish_reason) == ("Hm.", "tool_calls")
    assert [(call.id, call.name, call.arguments) for call in result.tool_calls] == [("call_1", "look", "{}")]


def test_several_answers(answer):
    chunks = [chat_chunk(text, "stop", index=index) for index, text in enumerate(["one", "two"])]
    assert [choice.text for choice in answer(b"".join(chunks) + DONE).choices] == ["one", "two"]


def test_an_answer_in_one_piece(answer):
    result = answer(whole_chat("Hello"), headers={"content-type": "application/json"})
    assert (result.text, result.state, [each.kind for each in result.warnings]) == (
        "Hello",
        "completed",
        ["whole_answer"],
    )


# --- Responses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed"])
def test_a_response_for_the_sdk(sdk, loopback, status):
    loopback.send(responses_body("Hel", "lo", status=status, usage=(3, 2), id="resp_7"))
    events = list(sdk.responses.create(model="m", input="Hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Hello"
    ended = events[-1].response
    assert (events[-1].type, ended.status, ended.id) == (f"response.{status}", status, "resp_7")
    assert (ended.usage.input_tokens, ended.usage.output_tokens) == (3, 2)
    assert ended.output_text == ("" if status == "failed" else "Hello")


@pytest.mark.parametrize(
    ("options", "state", "finish_reason"),
    [
        ({}, "completed", "stop"),
        ({"status": "incomplete"}, "completed", "length"),
        ({"status": "incomplete", "reason": "content_filter"}, "completed", "content_filter"),
        ({"status": "failed"}, "failed", None),
        ({"status": None}, "failed", None),
    ],
)
def test_a_response_for_nbstream(answer, options, state, finish_reason):
    result = answer(responses_body("Hel", "lo", **options), api="responses")
    assert (result.text, result.state, result.finish_reason) == ("Hello", state, finish_reason)
    assert result.response_id == "resp_1"


def test_a_resumed_response_leaves_out_what_came_before():
    whole = payloads(responses_body("Hel", "lo"))
    for after in range(-1, len(whole)):
        assert payloads(responses_body("Hel", "lo", after=after)) == whole[after + 1 :]


def test_a_background_response_is_asked_for_by_its_number(sdk, loopback):
    loopback.send(responses_body("Hel", "lo", after=4))
    events = list(sdk.responses.retrieve("resp_1", stream=True, starting_after=4))
    assert (events[0].sequence_number, events[0].delta) == (5, "lo")
    [asked] = loopback.requests
    assert (asked.method, asked.path) == ("GET", "/v1/responses/resp_1")
    assert asked.query == {"stream": "true", "starting_after": "4"}


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [None, "error"])
def test_an_error_in_mid_stream(answer, event):
    result = answer(chat_body("Hel", finish_reason=None, done=False) + error_frame("Too busy", "busy", event=event))
    assert (result.text, result.state, result.error.code) == ("Hel", "failed", "busy")
    assert "Too busy" in result.error.message


def test_an_error_for_the_sdk(sdk, loopback):
    loopback.send(error_body("Slow down", "rate_limit_exceeded"), status=429)
    with pytest.raises(openai.RateLimitError) as caught:
        ask_for_chunks(sdk)
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.body == {"message": "Slow down", "type": "server_error", "code": "rate_limit_exceeded"}


def test_a_frame_is_compact_utf_8():
    assert frame({"a": ["é", 1]}) == 'data: {"a":["é",1]}\n\n'.encode()
