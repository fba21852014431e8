"""A server that refuses: no connection, redirects, error statuses, and when to come back."""

from __future__ import annotations

import datetime as dt
import email.utils
import socket
from typing import Any

import pytest

from nbstream.errors import StreamError
from nbstream.settings.credential import Credential
from nbstream.testing import DONE, FaultServer, chat_body, chat_chunk, error_body, error_frame
from nbstream.text.secret import Secret
from tests.transport.over_http import ask, verdict

JSON = {"content-type": "application/json"}


def error_of(base_url: str, **values: Any) -> StreamError:
    error = ask(base_url, **values).error
    assert isinstance(error, StreamError)
    return error


# --- no connection ----------------------------------------------------------------------------------------------------


@pytest.fixture
def nobody() -> str:
    """The address of a server that has gone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.mark.wire("B16")
@pytest.mark.sdk
def test_a_refused_connection(nobody: str) -> None:
    error = error_of(nobody)
    assert (error.kind, error.retryable) == ("unreachable", True)
    assert nobody.split("/")[2] in error.message
    assert "Is the server running?" in error.message
    assert "Connection error." not in error.message, "the SDK's words say nothing"


@pytest.mark.wire("B16")
@pytest.mark.sdk
def test_a_refused_connection_is_tried_again(nobody: str) -> None:
    result = ask(nobody, max_retries=1)
    assert (*verdict(result), result.attempts) == ("failed", "", "unreachable", 2)


@pytest.mark.wire("B16")
@pytest.mark.sdk
def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = error_of("http://no-such-host.invalid/v1")
    assert (error.kind, error.retryable) == ("unreachable", True)
    assert "no-such-host.invalid" in error.message
    assert "Name or service not known" in error.message


@pytest.mark.wire("B16")
def test_tls_where_there_is_none(loopback: FaultServer) -> None:
    assert error_of(loopback.base_url.replace("http:", "https:")).kind == "unreachable"


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.wire("B17")
@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_that_keeps_the_request(loopback: FaultServer, status: int) -> None:
    loopback.send(status=status, headers={"location": "/elsewhere/chat/completions"})
    loopback.send(chat_body("Hello"))
    assert verdict(ask(loopback.base_url)) == ("completed", "Hello", "")
    first, second = loopback.requests
    assert (second.method, second.path, second.json) == ("POST", "/elsewhere/chat/completions", first.json)


@pytest.mark.wire("B17")
@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_loses_the_request(loopback: FaultServer, status: int) -> None:
    loopback.send(status=status, headers={"location": "/elsewhere/chat/completions"})
    loopback.send(error_body("POST only"), status=405, headers=JSON)
    error = error_of(loopback.base_url)
    assert loopback.requests[1].method == "GET"
    assert (error.kind, error.status) == ("rejected", 405)
    assert "redirected" in error.message
    assert "base URL" in error.message


@pytest.mark.wire("B17")
def test_a_redirect_to_another_server_does_not_take_the_key_along(loopback: FaultServer) -> None:
    with FaultServer() as other:
        other.send(chat_body("Hello"))
        loopback.send(status=307, headers={"location": f"{other.base_url}/chat/completions"})
        assert ask(loopback.base_url, api_key=Credential(Secret("sk-mine"))).text == "Hello"
        assert loopback.requests[0].headers["authorization"] == "Bearer sk-mine"
        assert "authorization" not in other.requests[0].headers
        azure = f"{loopback.base_url.removesuffix('/v1')}/openai/deployments/m"
        assert ask(azure, api_key=Credential(Secret("sk-mine"))).text == "Hello"
        assert loopback.requests[1].headers["api-key"] == "sk-mine"
        assert ask(azure, api_key=Credential(Secret("eyJ.a.token"))).text == "Hello"
        assert loopback.requests[2].headers["authorization"] == "Bearer eyJ.a.token"
        assert not {"authorization", "api-key"} & {name for request in other.requests for name in request.headers}


@pytest.mark.wire("B17")
def test_redirects_in_a_circle_end(loopback: FaultServer) -> None:
    loopback.send(status=307, headers={"location": "/v1/chat/completions"})
    assert verdict(ask(loopback.base_url)) == ("failed", "", "unreachable")


# --- when to come back ------------------------------------------------------------------------------------------------


def refuse(server: FaultServer, headers: dict[str, str], status: int = 429) -> None:
    server.send(error_body("slow down"), status=status, headers={**JSON, **headers})


def http_date(seconds_from_now: float) -> str:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds_from_now)
    return email.utils.format_datetime(moment, usegmt=True)


@pytest.mark.wire("B20")
def test_a_date(loopback: FaultServer) -> None:
    refuse(loopback, {"retry-after": http_date(30)})
    after = error_of(loopback.base_url).retry_after
    assert after is not None
    assert 20 < after <= 30


@pytest.mark.wire("B20")
def test_a_date_that_has_passed(loopback: FaultServer) -> None:
    refuse(loopback, {"retry-after": http_date(-3600)})
    assert error_of(loopback.base_url).retry_after == 0.0


@pytest.mark.wire("B20")
@pytest.mark.parametrize("value", ["soon", "", "-1", "nan", "inf", "1e999", "0x10", "Wed, 99 Foo 2026 00:00:00 GMT"])
def test_what_makes_no_sense_is_not_said(loopback: FaultServer, value: str) -> None:
    refuse(loopback, {"retry-after": value, "retry-after-ms": value})
    error = error_of(loopback.base_url)
    assert (error.kind, error.retryable, error.retry_after) == ("rate_limit", True, None)


@pytest.mark.wire("B20", "B21", "B23")
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 529])
def test_the_request_is_sent_again_when_the_server_says(loopback: FaultServer, status: int) -> None:
    refuse(loopback, {"retry-after-ms": "1"}, status)
    refuse(loopback, {"retry-after": "0.001"}, status)
    loopback.send(chat_body("Hello"))
    result = ask(loopback.base_url, max_retries=2)
    assert (*verdict(result), result.attempts, result.retry) == ("completed", "Hello", "", 3, None)


@pytest.mark.wire("B20", "B21")
def test_it_is_sent_again_only_so_often(loopback: FaultServer) -> None:
    refuse(loopback, {"retry-after-ms": "1"}, 503)
    result = ask(loopback.base_url, max_retries=2)
    assert (*verdict(result), result.attempts) == ("failed", "", "server", 3)
    assert len(loopback.requests) == 3


@pytest.mark.wire("B20")
@pytest.mark.parametrize(
    "headers",
    [{"retry-after": "3600"}, {"retry-after": "61"}, {"retry-after-ms": "1", "x-should-retry": "false"}],
    ids=str,
)
def test_some_refusals_are_not_waited_for(loopback: FaultServer, headers: dict[str, str]) -> None:
    refuse(loopback, headers)
    result = ask(loopback.base_url, max_retries=2)
    assert (*verdict(result), result.attempts) == ("failed", "", "rate_limit", 1)
    assert result.error is not None
    assert result.error.retry_after == float(headers.get("retry-after", "0.001"))


@pytest.mark.wire("B20")
def test_a_quota_that_is_used_up_is_not_waited_for(loopback: FaultServer) -> None:
    body = error_body("You exceeded your current quota.", code="insufficient_quota")
    loopback.send(body, status=429, headers={**JSON, "retry-after-ms": "1"})
    result = ask(loopback.base_url, max_retries=2)
    assert (*verdict(result), result.attempts) == ("failed", "", "quota", 1)


@pytest.mark.wire("B18")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 418, 422])
def test_a_rejected_request_is_not_sent_again(loopback: FaultServer, status: int) -> None:
    refuse(loopback, {}, status)
    assert ask(loopback.base_url, max_retries=2).attempts == 1
    assert len(loopback.requests) == 1


@pytest.mark.wire("B23", "C01")
def test_an_error_before_the_answer_is_tried_again_and_one_within_it_is_not(loopback: FaultServer) -> None:
    overloaded = error_frame("overloaded", code="503")
    loopback.send(chat_chunk({"role": "assistant", "content": ""}) + overloaded + DONE)
    loopback.send(chat_chunk("Half") + overloaded + DONE)
    result = ask(loopback.base_url, max_retries=2)
    assert (*verdict(result), result.attempts) == ("failed", "Half", "server", 2)
