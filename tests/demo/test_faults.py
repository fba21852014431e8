"""The faults a tutorial can ask for, as the SDK meets them."""

import openai
import pytest

from nbstream.demo.answers import compose
from nbstream.demo.fault import Fault
from nbstream.demo.generation import TOKENS_BEFORE_FAULT
from nbstream.demo.pace import Pace
from nbstream.demo.request import Message, Order
from nbstream.demo.tally import CONVERSATIONS_KEPT, Tally

LONG = compose([Message("user", "long")])


@pytest.fixture(params=["chat", "responses"])
def api(request):
    return request.param


@pytest.fixture
def stream(api, client):
    """Opens a stream with a fault, in either API; `begun` is sent as the beginning of the answer."""

    def stream(fault, said="long", begun=None, using=client, **more):
        extra = {"demo": {"fault": fault, **more}}
        messages = [{"role": "user", "content": said}]
        if begun is not None:
            messages.append({"role": "assistant", "content": begun})
        if api == "responses":
            return using.responses.create(model="demo", input=messages, stream=True, extra_body=extra)
        return using.chat.completions.create(model="demo", messages=messages, stream=True, extra_body=extra)

    return stream


@pytest.fixture
def whole(api, client):
    """Asks for a whole answer with a fault, in either API."""

    def whole(fault):
        extra = {"demo": {"fault": fault}}
        if api == "responses":
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


@pytest.fixture
def cut_off(lost_connection):
    """The text of a stream whose connection is cut."""

    def cut_off(events):
        received = []
        with events, pytest.raises(lost_connection):
            received.extend(pieces(events))
        return "".join(received)

    return cut_off


def complete(events):
    with events:
        return "".join(pieces(events))


def test_cut_closes_the_connection_in_the_middle(stream, server, lost_connection):
    received = []
    with stream("cut") as events, pytest.raises(lost_connection):
        received.extend(pieces(events))
    assert len(received) <= TOKENS_BEFORE_FAULT
    assert server.requests[-1].state == "finished"


def test_stall_falls_silent_until_the_client_leaves(stream, server):
    with stream("stall") as events:
        received = pieces(events)
        assert len([next(received) for _ in range(TOKENS_BEFORE_FAULT)]) == TOKENS_BEFORE_FAULT
        record = server.requests[-1]
        assert record.state == "open"
    assert record.ended.wait(60)
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
        with pytest.raises(openai.APIError, match="asked the demo model to simulate") as caught:
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


def test_overloaded_is_an_error_of_the_server(stream, whole):
    for ask in (stream, whole):
        with pytest.raises(openai.InternalServerError) as caught:
            ask("overloaded")
        assert (caught.value.status_code, caught.value.code) == (503, "server_is_overloaded")
        assert caught.value.response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("seconds", "headers"),
    [(0, ("0", None)), (7, ("7", None)), (0.25, ("1", "250")), (90.5, ("91", "90500"))],
)
def test_a_refusal_names_the_time_it_was_told(stream, seconds, headers):
    with pytest.raises(openai.RateLimitError) as caught:
        stream("rate_limit", retry_after=seconds)
    sent = caught.value.response.headers
    assert (sent["retry-after"], sent.get("retry-after-ms")) == headers


@pytest.mark.parametrize("fault", ["rate_limit", "overloaded"])
def test_the_sdk_s_own_retries_get_past_a_refusal_that_ends(stream, client, server, fault):
    patient = client.with_options(max_retries=2)
    before = len(server.requests)
    for _ in range(2):  # the count begins again after the good answer
        assert complete(stream(fault, using=patient, times=2, retry_after=0.001)) == LONG
    assert len(server.requests) - before == 6


def test_a_refusal_is_counted_for_each_conversation_by_itself(stream):
    for said in ("long", "a long one"):
        with pytest.raises(openai.RateLimitError):
            stream("rate_limit", said, times=1, retry_after=3)
    for said in ("long", "a long one"):
        assert complete(stream("rate_limit", said, times=1, retry_after=3)).startswith(LONG[:100])


@pytest.mark.parametrize("times", [1, 2])
def test_what_was_cut_can_be_continued(stream, cut_off, times):
    text = ""
    for _ in range(times):
        piece = cut_off(stream("cut", begun=text or None, times=times))
        assert piece
        text += piece
    assert len(text) < len(LONG)
    assert text + complete(stream("cut", begun=text, times=times)) == LONG


def test_what_is_cut_every_time_is_cut_in_the_continuation_too(stream, cut_off):
    text = cut_off(stream("cut"))
    assert LONG.startswith(text + cut_off(stream("cut", begun=text)))


def test_an_error_ends_too(api, stream):
    with stream("error", times=1) as events:
        if api == "chat":
            with pytest.raises(openai.APIError, match="asked the demo model to simulate"):
                list(events)
        else:
            assert list(events)[-1].type == "response.failed"
    assert complete(stream("error", times=1)) == LONG


def test_the_tally_forgets_the_oldest_conversation():
    def strike(number):
        said = (Message("user", f"question {number}"),)
        fault = Fault("cut", times=1)
        return tally.strike("/", Order(messages=said, stream=True, max_tokens=None, pace=Pace(), fault=fault, body={}))

    tally = Tally()
    assert all(strike(number) for number in range(CONVERSATIONS_KEPT + 1))
    assert strike(0) is not None
    assert strike(CONVERSATIONS_KEPT) is None


def test_faults_of_a_whole_answer(whole, server):
    with pytest.raises(openai.InternalServerError):
        whole("error")
    with pytest.raises(openai.APIConnectionError):
        whole("cut")
    assert server.requests[-1].state == "finished"
