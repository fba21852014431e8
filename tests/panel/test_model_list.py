"""The models of a server, by the real SDK over loopback HTTP."""

import json

import openai
import pytest

import nbstream as nbs
from nbstream.errors import AuthenticationError, NotAStreamError, NotFoundError, TotalTimeoutError, UsageError
from nbstream.panel.model_list import list_models
from nbstream.streaming.engine import engine

JSON = {"content-type": "application/json"}


def listing(*names):
    return json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def models(**options):
    return list_models(options).result(60)


def test_the_demo_lists_itself(demo):
    assert models(model="demo") == ("demo",)
    assert demo.requests[-1].path == "/v1/models"


def test_the_names_are_in_order_and_each_once(loopback):
    loopback.send(listing("qwen3", "llama3.2", "qwen3", "x" * 10_000), headers=JSON)
    assert models(base_url=loopback.base_url) == ("llama3.2", "qwen3")


def test_no_model_need_be_chosen_before(loopback, monkeypatch):
    loopback.send(listing("a"), headers=JSON)
    monkeypatch.setenv("OPENAI_BASE_URL", loopback.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    assert models(temperature=0.3, history="of no meaning here") == ("a",)
    assert loopback.requests[0].headers["authorization"] == "Bearer sk-of-the-environment"


def test_a_client_of_ones_own_is_asked(loopback):
    loopback.send(listing("own"), headers=JSON)
    client = openai.AsyncOpenAI(base_url=loopback.base_url, api_key="sk-own")
    assert models(client=client) == ("own",)
    assert loopback.requests[0].headers["authorization"] == "Bearer sk-own"
    engine().submit(client.close()).result(60)


def test_the_streams_connection_is_used_again(loopback):
    loopback.send(listing("a"), headers=JSON)
    models(base_url=loopback.base_url)
    models(base_url=loopback.base_url)
    assert (len(loopback.requests), loopback.connections) == (2, 1)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, '{"error": {"message": "bad key sk-secret-secret-secret"}}', AuthenticationError),
        (404, "no", NotFoundError),
        (200, "<html>", NotAStreamError),
        (200, '{"data": null}', NotAStreamError),
        (200, '{"data": [3]}', NotAStreamError),
        (200, "[]", NotAStreamError),
    ],
)
def test_what_is_no_list_is_a_short_error_without_the_key(loopback, status, body, error):
    loopback.send(body, status=status, headers=JSON)
    with pytest.raises(error) as caught:
        models(base_url=loopback.base_url, api_key="sk-secret-secret-secret")
    assert len(str(caught.value)) < 300
    assert "secret" not in str(caught.value)


def test_a_server_that_is_silent_is_not_waited_for(loopback, monkeypatch):
    monkeypatch.setattr("nbstream.panel.model_list._SECONDS", 0.2)
    loopback.send(before_head=10.0)
    with pytest.raises(TotalTimeoutError, match=r"did not list its models within 0\.2 s"):
        models(base_url=loopback.base_url)


def test_nobody_listens(loopback):
    loopback.close()
    with pytest.raises(nbs.StreamError, match="Is the server running"):
        models(base_url=loopback.base_url)


def test_an_address_that_cannot_be_is_said_at_once():
    with pytest.raises(UsageError):
        list_models({"base_url": "localhost"})
