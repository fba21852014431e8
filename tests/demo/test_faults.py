"""The faults a tutorial can ask for, as the SDK meets them."""

import openai
import pytest

from nbstream.demo.application import TOKENS_BEFORE_FAULT


@pytest.fixture(params=["chat", "responses"])
def stream(request, client):
    """Opens a stream with a fault, in either API."""

    def stream(fault):
        extra = {"demo": {"fault": fault}}
        if request.param == "responses":
            return client.responses.create(model="demo", input="long", stream=True, extra_body=extra)
        messages = [{"role": "user", "content": "long"}]
        return client.chat.completions.create(model="demo", messages=messages, stream=True, extra_body=extra)

    return stream


@pytest.fixture(params=["chat", "responses"])
def whole(request, client):
    """Asks for a whole answer with a fault, in either API."""

    def whole(fault):
        extra = {"demo": {"fault": fault}}
        if request.param == "responses":
            return client.responses.create(model="demo", input="long", extra_body=extra)
        messages = [{"role": "user", "content": "long"}]
        return client.chat.completions.create(model="demo", messages=messages, extra_body=extra)

    return whole


def pieces(events):
    """The pieces of text that arrive, in either API."""
    for event in events:
        piece = event.choices[0].delta.content if hasattr(event, "choices") else getattr(event, "delta", None)
        if piece:
            yield piece


def lost_connection():
    """What the SDK raises when a stream's connection closes: in 3.x an error of its own, in 2.x the HTTP library's."""
    if int(openai.__version__.split(".")[0]) >= 3:
        return openai.APIConnectionError
    return pytest.importorskip("httpx").RemoteProtocolError


def test_cut_closes_the_connection_in_the_middle(stream, server):
    received = []
    with stream("cut") as events, pytest.raises(lost_connection()):
        received.extend(pieces(events))
    assert len(received) <= TOKENS_BEFORE_FAULT
    assert server.requests[-1].state == "finished"


def test_stall_falls_silent_until_the_client_leaves(stream, server):
    with stream("stall") as events:
        received = pieces(events)
        assert len([next(received) for _ in range(TOKENS_BEFORE_FAULT)]) == TOKENS_BEFORE_FAULT
        record = server.requests[-1]
        assert record.state == "open"
    assert record.ended.wait(5)
    assert record.state == "client_closed"


def test_error_arrives_in_a_chat_stream(client):
    with client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": "long"}],
        stream=True,
        extra_body={"demo": {"fault": "error"}},
    ) as events:
        received = pieces(events)
        for _ in range(TOKENS_BEFORE_FAULT):
            next(received)
        with pytest.raises(openai.APIError, match="asked the demo model to pretend") as caught:
            next(received)
    assert caught.value.code == "server_error"


def test_error_ends_a_response_as_failed(client):
    with client.responses.create(
        model="demo",
        input="long",
        stream=True,
        extra_body={"demo": {"fault": "error"}},
    ) as events:
        *_, error, failed = events
    assert (error.type, error.code) == ("error", "server_error")
    assert (failed.type, failed.response.status) == ("response.failed", "failed")
    assert failed.response.error.code == "server_error"


def test_rate_limit_says_when_to_come_back(stream, whole):
    for ask in (stream, whole):
        with pytest.raises(openai.RateLimitError) as caught:
            ask("rate_limit")
        assert caught.value.response.headers["retry-after"] == "1"
        assert caught.value.code == "rate_limit_exceeded"


def test_faults_of_a_whole_answer(whole, server):
    with pytest.raises(openai.InternalServerError):
        whole("error")
    with pytest.raises(openai.APIConnectionError):
        whole("cut")
    assert server.requests[-1].state == "finished"
