"""Responses that the server remembers: looked up, refused, forgotten."""

import threading

import openai
import pytest

from nbstream.demo import DemoServer
from nbstream.demo.answers import compose
from nbstream.demo.request import Message
from nbstream.demo.response_store import RESPONSES_KEPT
from tests.demo.gate import PATIENCE, Gate, GatedPace

PATH = "/v1/responses"
SAID = "Explain SSE"
TEXT = compose([Message("user", SAID)])


def begin(client, **more):
    return client.responses.create(model="demo", input=SAID, background=True, **more)


def resume(client, response_id, after):
    with client.responses.retrieve(response_id, stream=True, starting_after=after) as stream:
        return list(stream)


def test_only_what_goes_on_in_the_background_can_be_cancelled(client):
    response = client.responses.create(model="demo", input=SAID)
    with pytest.raises(openai.BadRequestError, match="background=true"):
        client.responses.cancel(response.id)
    *_, last = begin(client, stream=True)
    response_id = last.response.id
    with pytest.raises(openai.BadRequestError, match="has ended"):
        client.responses.cancel(response_id)
    assert client.responses.retrieve(response_id).status == "completed"


def test_a_stream_in_the_foreground_can_be_neither_cancelled_nor_resumed(gated_client, gate):
    with gated_client.responses.create(model="demo", input=SAID, stream=True) as stream:
        response_id = next(iter(stream)).response.id
        with pytest.raises(openai.BadRequestError, match="background=true"):
            gated_client.responses.cancel(response_id)
        with pytest.raises(openai.BadRequestError, match="background=true"):
            resume(gated_client, response_id, 3)
        assert gated_client.responses.retrieve(response_id).status == "in_progress"
        gate.open()
        assert list(stream)[-1].type == "response.completed"
    assert gated_client.responses.retrieve(response_id).output_text == TEXT


def test_a_foreground_response_goes_with_its_client(gated, gated_client):
    with gated_client.responses.create(model="demo", input=SAID, stream=True) as stream:
        response_id = next(iter(stream)).response.id
    assert gated.requests[0].ended.wait(PATIENCE)
    with pytest.raises(openai.NotFoundError):
        gated_client.responses.retrieve(response_id)


def test_what_is_not_to_be_stored_is_not(client):
    response = client.responses.create(model="demo", input=SAID, store=False)
    assert response.model_extra["store"] is False
    with client.responses.create(model="demo", input=SAID, store=False, stream=True) as stream:
        *_, last = stream
    for response_id in (response.id, last.response.id):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(response_id)


def test_an_unknown_response_is_not_found(client):
    for ask in (client.responses.retrieve, client.responses.cancel, lambda wanted: resume(client, wanted, 3)):
        with pytest.raises(openai.NotFoundError, match="'resp_unknown' not found"):
            ask("resp_unknown")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("stream=perhaps", "stream"),
        ("stream=true&starting_after=", "starting_after"),
        ("stream=true&starting_after=x", "starting_after"),
        ("stream=true&starting_after=-1", "starting_after"),
        ("stream=true&starting_after=1.5", "starting_after"),
        ("stream=true&starting_after=%D9%A1", "starting_after"),
        ("stream=true&starting_after=" + "9" * 5000, "starting_after"),
        ("starting_after=3", "starting_after"),
    ],
)
def test_a_bad_query_is_named(ask, client, query, param):
    reply = ask(f"{PATH}/{begin(client).id}?{query}")
    assert (reply.status, reply.error["param"]) == (400, param)


def test_a_response_needs_the_key(ask, client):
    response = client.responses.create(model="demo", input=SAID)
    wrong = {"Authorization": "Bearer sk-guess-1234"}
    assert ask(f"{PATH}/{response.id}", headers=wrong).status == 401
    assert ask(f"{PATH}/{response.id}/cancel", {}, headers=wrong).status == 401


def test_the_oldest_that_have_ended_are_forgotten(gated_client, gate):
    going_on = begin(gated_client).id
    assert gate.reached.wait(PATIENCE)
    made = [gated_client.responses.create(model="demo", input=SAID).id for _ in range(RESPONSES_KEPT + 1)]
    assert gated_client.responses.retrieve(going_on).status == "in_progress"
    for forgotten in made[:2]:
        with pytest.raises(openai.NotFoundError):
            gated_client.responses.retrieve(forgotten)
    assert gated_client.responses.retrieve(made[2]).output_text == TEXT


def test_stop_ends_what_goes_on_and_forgets_it():
    before = set(threading.enumerate())
    gate = Gate()
    server = DemoServer(GatedPace(gate=gate)).start()
    with openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0, timeout=PATIENCE) as client:
        begun = begin(client)
        assert gate.reached.wait(PATIENCE)
        server.stop()
        assert set(threading.enumerate()) == before
    with (
        server,
        openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client,
        pytest.raises(openai.NotFoundError),
    ):
        client.responses.retrieve(begun.id)
