"""Chat completions, asked by OpenAI's own SDK and read byte by byte."""

import asyncio

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam

from nbstream.demo.answers import compose
from nbstream.demo.request import Message
from nbstream.demo.tokens import split

PATH = "/v1/chat/completions"
SAID = "What is nbstream?"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": SAID}]
TEXT = compose([Message("user", SAID)])


def body(**more):
    return {"model": "demo", "messages": MESSAGES, **more}


def test_a_whole_answer(client):
    answer = client.chat.completions.create(model="demo", messages=MESSAGES)
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer._request_id.startswith("req_demo_")  # noqa: SLF001  its documented name


def test_a_streamed_answer(client):
    stream = client.chat.completions.create(
        model="demo",
        messages=MESSAGES,
        stream=True,
        stream_options={"include_usage": True},
    )
    with stream:
        *chunks, last = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert last.choices == []
    assert last.usage.total_tokens == len(split(SAID)) + len(split(TEXT))


def test_the_sdk_stream_helper(client):
    with client.chat.completions.stream(model="demo", messages=MESSAGES) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.sdk
def test_the_async_client(server):
    async def ask():
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client:
            whole = await client.chat.completions.create(model="demo", messages=MESSAGES)
            stream = await client.chat.completions.create(model="demo", messages=MESSAGES, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            async with client.chat.completions.stream(model="demo", messages=MESSAGES) as helper:
                helped = await helper.get_final_completion()
            return whole.choices[0].message.content, "".join(pieces), helped.choices[0].message.content

    assert asyncio.run(ask()) == (TEXT, TEXT, TEXT)


def test_every_chunk_is_what_the_sdk_s_types_ask_for(ask):
    events = ask(PATH, body(stream=True)).events
    assert {name for name, _ in events} == {None}
    assert events[-1][1] == "[DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(data) for _, data in events[:-1]]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


def test_a_whole_answer_is_what_the_sdk_s_types_ask_for(ask):
    reply = ask(PATH, body())
    usage = ChatCompletion.model_validate(reply.json).usage
    assert usage is not None
    assert usage.completion_tokens == len(split(TEXT))
    assert reply.headers["content-type"] == "application/json"


def test_usage_is_null_until_its_own_chunk(ask):
    events = ask(PATH, body(stream=True, stream_options={"include_usage": True})).events
    chunks = [ChatCompletionChunk.model_validate_json(data) for _, data in events[:-1]]
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in chunks[:-1])
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == len(split(SAID))


def test_a_stream_is_declared_as_one(ask):
    headers = ask(PATH, body(stream=True)).headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_the_answer(client, name):
    answer = client.chat.completions.create(model="demo", messages=MESSAGES, **{name: 7})
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == "".join(split(TEXT)[:7])
    assert answer.usage.completion_tokens == 7


def test_a_limit_that_is_not_reached_changes_nothing(client):
    answer = client.chat.completions.create(model="demo", messages=MESSAGES, max_tokens=len(split(TEXT)))
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stop", ["##", ["nowhere to be found", "##"]])
def test_a_stop_sequence_ends_the_answer_before_it(client, stop):
    answer = client.chat.completions.create(model="demo", messages=MESSAGES, stop=stop)
    assert answer.choices[0].message.content == TEXT[: TEXT.index("##")]
    assert answer.choices[0].finish_reason == "stop"


def test_input_tokens_are_those_of_all_messages(client):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None},
        {"role": "user", "content": SAID},
    ]
    answer = client.chat.completions.create(model="demo", messages=messages)
    assert answer.usage.prompt_tokens == len(split("Be brief.")) + len(split("one two")) + len(split(SAID))


def test_a_lone_surrogate_does_no_harm(ask):
    raw = b'{"model":"demo","stream":true,"messages":[{"role":"user","content":"cats \\ud83d"}]}'
    assert "> cats ?" in "".join(
        ChatCompletionChunk.model_validate_json(data).choices[0].delta.content or ""
        for _, data in ask(PATH, raw).events[:-1]
    )
