"""What the server refuses, and that it does so in OpenAI's shape."""

import contextlib
import http.client
import socket
import tracemalloc
from urllib.parse import urlsplit

import openai
import pytest

MEGABYTE = 1024 * 1024
CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
USER = {"role": "user", "content": "hello"}


def refused(reply, status, param=None, code=None):
    assert reply.status == status
    assert set(reply.error) == {"message", "type", "param", "code"}
    assert reply.headers["x-request-id"].startswith("req_demo_")
    if param is not None:
        assert reply.error["param"] == param
    if code is not None:
        assert reply.error["code"] == code


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer sk-guess-1234", "Basic sk-guess-1234", "Bearer sk-gu\xe9ss-1234"]
)
@pytest.mark.parametrize("path", ["/v1/models", "/elsewhere"])
def test_the_key_is_insisted_on_and_not_repeated(ask, server, header, path):
    reply = ask(path, headers={"Authorization": header})
    refused(reply, 401, code="invalid_api_key")
    assert b"1234" not in reply.body
    assert server.api_key.encode() not in reply.body


def test_the_sdk_sees_a_wrong_key(server):
    with openai.OpenAI(base_url=server.base_url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.responses.create(model="demo", input="hello")
        assert caught.value.code == "invalid_api_key"


@pytest.mark.parametrize("host", ["example.org", "example.org:80", "127.0.0.1.example.org", "0.0.0.0"])
def test_a_foreign_host_name_is_refused(ask, host):
    refused(ask("/v1/models", headers={"Host": host}), 403, code="host_not_allowed")


def test_localhost_is_answered(ask):
    assert ask("/v1/models", headers={"Host": "localhost:1234"}).status == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/chat/completions", "/v1/chat/completions/x", "/v1/vector_stores"])
def test_an_unknown_path_is_not_found(ask, path):
    refused(ask(path, {}), 404, code="unknown_url")


def test_a_wrong_method_is_refused(ask):
    refused(ask(CHAT), 405)
    refused(ask(CHAT, method="OPTIONS", headers={"Authorization": ""}), 401)


@pytest.mark.parametrize("megabytes", [4, 20])
def test_a_body_of_insane_size_is_refused(ask, server, megabytes):
    refused(ask(CHAT, b" " * (megabytes * MEGABYTE + 1)), 413, code="request_too_large")
    assert (server.requests[-1].path, server.requests[-1].state) == (CHAT, "finished")
    assert ask("/v1/models").status == 200


def test_a_body_without_an_end_is_refused(server):
    def pieces():
        for _ in range(6):
            yield b" " * MEGABYTE

    connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", CHAT, pieces(), {"Authorization": f"Bearer {server.api_key}"}, encode_chunked=True)
        assert connection.getresponse().status == 413


@contextlib.contextmanager
def begun(server, *headers):
    """A connection on which only the headers of a request have been sent."""
    address = urlsplit(server.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        lines = [f"POST {CHAT} HTTP/1.1", f"Host: {address.netloc}", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode())
        yield connection


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Content-Length: 66060288"], 401),
        (["Transfer-Encoding: chunked"], 401),
        (["Content-Length: 66060288", "Expect: 100-continue"], 401),
        (["Content-Length: 99999999999"], 401),
        (["Content-Length: 66060288", "Authorization: Bearer {key}"], 413),
        (["Content-Length: 99999999999", "Authorization: Bearer {key}"], 413),
        (["Content-Length: 5000000", "Authorization: Bearer {key}", "Expect: 100-continue"], 413),
    ],
)
def test_it_refuses_before_a_body_is_sent(server, headers, status):
    with begun(server, *(header.format(key=server.api_key) for header in headers)) as connection:
        assert connection.recv(100).startswith(f"HTTP/1.1 {status} ".encode())


def test_what_is_refused_is_not_kept(server):
    piece, tracing = b"x" * MEGABYTE, tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        with contextlib.ExitStack() as stack:
            size = "Content-Length: 33554432"
            senders = [stack.enter_context(begun(server, size, "Authorization: Bearer wrong")) for _ in range(4)]
            for _ in range(32):
                for connection in senders:
                    connection.sendall(piece)
            for connection in senders:
                assert connection.recv(100).startswith(b"HTTP/1.1 401 ")
        assert tracemalloc.get_traced_memory()[1] < 16 * MEGABYTE
    finally:
        if not tracing:
            tracemalloc.stop()


def test_a_refused_connection_can_be_used_again(server):
    connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=60)
    with contextlib.closing(connection):
        for key, status in (("wrong", 401), (server.api_key, 400), ("wrong", 401)):
            connection.request("POST", CHAT, b"{}", {"Authorization": f"Bearer {key}"})
            reply = connection.getresponse()
            assert (reply.status, bool(reply.read())) == (status, True)


def test_a_head_of_nothing_has_no_body(ask):
    reply = ask("/v1/models", method="HEAD", headers={"Authorization": ""})
    assert (reply.status, reply.body) == (401, b"")


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_an_unknown_model_is_not_found(ask, path):
    refused(ask(path, {"model": "gpt-5", "messages": [USER], "input": "x"}), 404, code="model_not_found")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_a_body_that_is_no_json_object_is_refused(ask, path, raw):
    refused(ask(path, raw, method="POST"), 400)


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("model", {"model": None}),
        ("model", {"model": 5}),
        ("messages", {"messages": None}),
        ("messages", {"messages": []}),
        ("messages", {"messages": "hello"}),
        ("messages[0]", {"messages": ["hello"]}),
        ("messages[1].role", {"messages": [USER, {"content": "x"}]}),
        ("messages[0].role", {"messages": [{"role": "robot", "content": "x"}]}),
        ("messages[0].content", {"messages": [{"role": "user"}]}),
        ("messages[0].content", {"messages": [{"role": "user", "content": 5}]}),
        ("messages[0].content[0]", {"messages": [{"role": "user", "content": ["x"]}]}),
        ("messages[0].content[0].text", {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}),
        ("stream", {"stream": "yes"}),
        ("stream_options", {"stream_options": {"include_usage": True}}),
        ("stream_options.include_usage", {"stream": True, "stream_options": {"include_usage": 1}}),
        ("n", {"n": 2}),
        ("n", {"n": True}),
        ("temperature", {"temperature": "hot"}),
        ("temperature", {"temperature": 2.5}),
        ("temperature", {"temperature": 10**400}),
        ("max_tokens", {"max_tokens": 0}),
        ("max_completion_tokens", {"max_completion_tokens": 1.5}),
        ("stop", {"stop": 5}),
        ("stop", {"stop": [""]}),
        ("stop", {"stop": list("abcde")}),
        ("response_format", {"response_format": {"type": "json_object"}}),
        ("demo", {"demo": "cut"}),
        ("demo", {"demo": {"colour": "red"}}),
        ("demo", {"demo": {"tokens_per_second": 0}}),
        ("demo.first_token", {"demo": {"first_token": "soon"}}),
        ("demo.fault", {"demo": {"fault": "explode"}}),
        ("demo.times", {"demo": {"fault": "cut", "times": 0}}),
        ("demo.times", {"demo": {"fault": "cut", "times": 1.5}}),
        ("demo.retry_after", {"demo": {"fault": "rate_limit", "retry_after": -1}}),
        ("demo.retry_after", {"demo": {"fault": "rate_limit", "retry_after": float("inf")}}),
        ("demo.retry_after", {"demo": {"fault": "rate_limit", "retry_after": float("nan")}}),
        ("demo", {"demo": {"times": 2}}),
        ("demo", {"demo": {"retry_after": 2}}),
    ],
)
def test_a_bad_field_of_a_chat_request_is_named(ask, param, fields):
    refused(ask(CHAT, {"model": "demo", "messages": [USER], **fields}), 400, param)


@pytest.mark.parametrize(
    ("param", "fields"),
    [
        ("input", {"input": None}),
        ("input", {"input": []}),
        ("input", {"input": 5}),
        ("input[0]", {"input": ["x"]}),
        ("input[0].role", {"input": [{"role": "tool", "content": "x"}]}),
        ("input[0].type", {"input": [{"type": []}]}),
        ("input[0].content", {"input": [{"role": "user"}]}),
        ("instructions", {"instructions": ["x"]}),
        ("max_output_tokens", {"max_output_tokens": -1}),
        ("previous_response_id", {"previous_response_id": "resp_1"}),
        ("background", {"background": "yes"}),
        ("background", {"background": True, "store": False}),
        ("store", {"store": 1}),
        ("text.format", {"text": {"format": {"type": "json_schema"}}}),
    ],
)
def test_a_bad_field_of_a_responses_request_is_named(ask, param, fields):
    refused(ask(RESPONSES, {"model": "demo", "input": "hello", **fields}), 400, param)


def test_the_sdk_sees_which_field_was_bad(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="demo", messages=[USER], n=3)
    assert caught.value.param == "n"
    assert str(caught.value.request_id).startswith("req_demo_")
