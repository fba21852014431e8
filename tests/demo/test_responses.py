"""The Responses API, asked by OpenAI's own SDK and read event by event."""

import asyncio
import json

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from nbstream.demo.answers import compose
from nbstream.demo.request import Message
from nbstream.demo.tokens import split

PATH = "/v1/responses"
SAID = "Explain SSE"
TEXT = compose([Message("user", SAID)])


def body(**more):
    return {"model": "demo", "input": SAID, **more}


def test_a_whole_answer(client):
    answer = client.responses.create(model="demo", input=SAID, instructions="Be brief.")
    assert (answer.output_text, answer.status, answer.instructions) == (TEXT, "completed", "Be brief.")
    assert answer.usage.input_tokens == len(split(SAID)) + len(split("Be brief."))
    assert answer.usage.output_tokens == len(split(TEXT))


def test_a_streamed_answer(client):
    with client.responses.create(model="demo", input=SAID, stream=True) as stream:
        events = list(stream)
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == TEXT
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == TEXT


def test_the_sdk_stream_helper(client):
    with client.responses.stream(model="demo", input=SAID) as stream:
        answer = stream.get_final_response()
    assert (answer.output_text, answer.usage.output_tokens) == (TEXT, len(split(TEXT)))


@pytest.mark.sdk
def test_the_async_client(server):
    async def ask():
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client:
            whole = await client.responses.create(model="demo", input=SAID)
            stream = await client.responses.create(model="demo", input=SAID, stream=True)
            pieces = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            async with client.responses.stream(model="demo", input=SAID) as helper:
                helped = await helper.get_final_response()
            return whole.output_text, "".join(pieces), helped.output_text

    assert asyncio.run(ask()) == (TEXT, TEXT, TEXT)


def test_the_whole_sequence_of_events(ask):
    events = ask(PATH, body(stream=True)).events
    assert [name for name, _ in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * len(split(TEXT)),
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    data = [json.loads(data) for _, data in events]
    assert [event["type"] for event in data] == [name for name, _ in events]
    assert [event["sequence_number"] for event in data] == list(range(len(events)))


@pytest.mark.parametrize("more", [{}, {"max_output_tokens": 5}, {"demo": {"fault": "error"}}])
def test_every_event_is_what_the_sdk_s_types_ask_for(ask, more):
    adapter: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
    for name, data in ask(PATH, body(stream=True, **more)).events:
        assert adapter.validate_json(data).type == name


def test_a_whole_answer_is_what_the_sdk_s_types_ask_for(ask):
    given = {"temperature": 0.5, "top_p": 0.5, "metadata": {"a": "b"}}
    answer = Response.model_validate(ask(PATH, body(**given)).json)
    assert (answer.temperature, answer.top_p, answer.metadata, answer.output_text) == (0.5, 0.5, {"a": "b"}, TEXT)


def test_a_limit_makes_the_answer_incomplete(client):
    answer = client.responses.create(model="demo", input=SAID, max_output_tokens=5)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (answer.output_text, answer.usage.output_tokens) == ("".join(split(TEXT)[:5]), 5)


def test_a_limit_ends_a_stream_as_incomplete(client):
    with client.responses.create(model="demo", input=SAID, max_output_tokens=5, stream=True) as stream:
        last = list(stream)[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert last.response.output[0].status == "incomplete"


def test_input_may_be_items_of_every_kind(client):
    answer = client.responses.create(
        model="demo",
        input=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "hello"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
            {"type": "function_call_output", "call_id": "c", "output": "42"},
            {"role": "user", "content": [{"type": "input_text", "text": SAID}]},
        ],
    )
    assert answer.output_text == TEXT
    assert answer.usage.input_tokens == sum(len(split(text)) for text in ("Be brief.", "hello", "Hello.", "42", SAID))
