"""Responses in the background: generated with or without a reader, streamed again from any event, cancelled."""

import asyncio
import json

import openai
import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from nbstream.demo.answers import compose
from nbstream.demo.generation import LARGEST_BATCH, TOKENS_BEFORE_FAULT
from nbstream.demo.request import Message
from nbstream.demo.tokens import split
from tests.demo.gate import PATIENCE, TOKENS_BEFORE_GATE

PATH = "/v1/responses"
SAID = "Explain SSE"
TEXT = compose([Message("user", SAID)])
OPENING = 5  # events before the first token


def begin(client, fault=None, **more):
    extra = {} if fault is None else {"demo": {"fault": fault}}
    return client.responses.create(model="demo", input=SAID, background=True, extra_body=extra, **more)


def resume(client, response_id, after=None):
    more = {} if after is None else {"starting_after": after}
    with client.responses.retrieve(response_id, stream=True, **more) as stream:
        return list(stream)


def text_of(events):
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def numbers(events):
    return [event.sequence_number for event in events]


def up_to_the_gate(stream):
    """The events that come before the generation waits."""
    events = iter(stream)
    return [next(events) for _ in range(OPENING + TOKENS_BEFORE_GATE)]


def test_the_whole_sequence_of_events(ask):
    events = ask(PATH, {"model": "demo", "input": SAID, "stream": True, "background": True}).events
    assert [name for name, _ in events] == [
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * len(split(TEXT)),
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    adapter: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
    assert all(adapter.validate_json(data).type == name for name, data in events)
    data = [json.loads(data) for _, data in events]
    assert [event["sequence_number"] for event in data] == list(range(len(events)))
    told = [event["response"] for event in data if "response" in event]
    assert [response["status"] for response in told] == ["queued", "queued", "in_progress", "completed"]
    assert all(response["background"] and response["store"] for response in told)


def test_every_event_can_be_streamed_from(ask):
    sent = ask(PATH, {"model": "demo", "input": "hello", "stream": True, "background": True}).events
    path = f"{PATH}/{json.loads(sent[0][1])['response']['id']}?stream=true"
    assert len(sent) > LARGEST_BATCH
    assert ask(path).events == sent
    for after in (0, 1, OPENING, LARGEST_BATCH, len(sent) - 2):
        assert ask(f"{path}&starting_after={after}").events == sent[after + 1 :]
    for after in (len(sent) - 1, 999_999_999):  # nothing follows, and nothing will
        assert ask(f"{path}&starting_after={after}").body == b""


def test_it_is_generated_to_its_end_when_the_client_leaves(gated, gated_client, gate):
    with begin(gated_client, stream=True) as stream:
        seen = up_to_the_gate(stream)
    assert gated.requests[0].ended.wait(PATIENCE)
    assert gated.requests[0].state == "client_closed"
    response_id = seen[0].response.id
    waiting = gated_client.responses.retrieve(response_id)
    assert (waiting.status, waiting.output, waiting.usage) == ("in_progress", [], None)
    gate.open()
    assert gate.passed.wait(PATIENCE)  # with nobody there
    done = gated_client.responses.retrieve(response_id)
    assert (done.status, done.output_text, done.usage.output_tokens) == ("completed", TEXT, len(split(TEXT)))
    rest = resume(gated_client, response_id, seen[-1].sequence_number)
    assert numbers(seen + rest) == list(range(len(seen + rest)))
    assert text_of(seen + rest) == TEXT
    assert rest[-1].response == done


def test_several_readers_get_what_is_stored_and_then_what_comes(gated_client, gate):
    with begin(gated_client, stream=True) as first:
        seen = up_to_the_gate(first)
        with gated_client.responses.retrieve(seen[0].response.id, stream=True, starting_after=7) as second:
            stored = [next(second) for _ in range(OPENING + TOKENS_BEFORE_GATE - 8)]
            # Behind the last event that there is: the answer begins nevertheless, and the events come when they do.
            with gated_client.responses.retrieve(seen[0].response.id, stream=True, starting_after=20) as third:
                gate.open()
                later = list(third)
            stored += list(second)
        seen += list(first)
    assert stored == seen[8:]
    assert later == seen[21:]
    assert seen[-1].type == "response.completed"


@pytest.mark.parametrize("client_is_there", [True, False])
def test_the_sdk_s_own_helper_resumes(client, client_is_there):
    with begin(client, stream=True) as stream:
        first = next(iter(stream))
        if client_is_there:
            list(stream)
    with client.responses.stream(response_id=first.response.id, starting_after=20) as helper:
        assert next(iter(helper)).sequence_number == 21
        assert helper.get_final_response().output_text == TEXT


@pytest.mark.sdk
def test_the_async_client(server):
    async def ask():
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client:
            stream = await client.responses.create(model="demo", input=SAID, stream=True, background=True)
            async with stream:
                first = await anext(aiter(stream))
            assert first.type == "response.created"
            again = await client.responses.retrieve(first.response.id, stream=True, starting_after=0)
            return text_of([event async for event in again])

    assert asyncio.run(ask()) == TEXT


def test_a_response_that_is_not_streamed_is_queued_first(gated, gated_client, gate):
    queued = begin(gated_client)
    assert (queued.status, queued.background, queued.output) == ("queued", True, [])
    assert gated.requests[0].stream is False
    gate.open()
    assert gate.passed.wait(PATIENCE)
    assert gated_client.responses.retrieve(queued.id).output_text == TEXT
    assert text_of(resume(gated_client, queued.id)) == TEXT


def test_a_cut_strikes_the_connection_only(client, lost_connection):
    seen = []
    with begin(client, "cut", stream=True) as stream, pytest.raises(lost_connection):
        seen.extend(stream)
    assert len(seen) <= OPENING + TOKENS_BEFORE_FAULT
    rest = resume(client, seen[0].response.id, seen[-1].sequence_number)
    assert text_of(seen + rest) == TEXT
    assert numbers(seen + rest) == list(range(len(seen + rest)))


def test_a_stall_strikes_the_connection_only(client):
    with begin(client, "stall", stream=True) as stream:
        events = iter(stream)
        seen = [next(events) for _ in range(OPENING + TOKENS_BEFORE_FAULT)]
        rest = resume(client, seen[0].response.id, seen[-1].sequence_number)
    assert text_of(seen + rest) == TEXT


def test_a_cut_leaves_no_word_of_a_response_that_is_not_streamed(client):
    with pytest.raises(openai.APIConnectionError):
        begin(client, "cut")


def test_an_error_strikes_the_generation(client):
    with begin(client, "error", stream=True) as stream:
        seen = list(stream)
    assert [event.type for event in seen[-2:]] == ["error", "response.failed"]
    assert resume(client, seen[0].response.id, 10) == seen[11:]
    failed = client.responses.retrieve(seen[0].response.id)
    assert (failed.status, failed.error.code, failed.output) == ("failed", "server_error", [])
    assert failed == seen[-1].response


def test_cancelling_ends_the_generation_and_every_stream(gated_client, gate):
    with begin(gated_client, stream=True) as stream:
        seen = up_to_the_gate(stream)
        response_id = seen[0].response.id
        cancelled = gated_client.responses.cancel(response_id)
        assert (cancelled.id, cancelled.status, cancelled.output) == (response_id, "cancelled", [])
        assert list(stream) == []  # no event tells of it
    assert not gate.passed.is_set()
    assert gated_client.responses.cancel(response_id) == cancelled
    assert gated_client.responses.retrieve(response_id) == cancelled
    assert resume(gated_client, response_id) == seen
