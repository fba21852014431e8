"""What a refusal means for the request that got it, and what is advised: the real SDK over HTTP."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.remedies import RemedyKind
from nbstream.result import StreamResult
from nbstream.settings.capabilities import Capabilities
from nbstream.settings.credential import Credential
from nbstream.testing import Answer, chat_body, responses_body
from nbstream.text.place import Place
from nbstream.text.secret import Secret
from tests.transport.over_http import ask, verdict
from tests.transport.test_learning import Asked

if TYPE_CHECKING:
    from pathlib import Path

    from nbstream.errors import StreamError
    from nbstream.testing import FaultServer

KEY = Credential(Secret("sk-1"))


def error_of(result: StreamResult) -> StreamError:
    assert result.error is not None
    return result.error  # type: ignore[return-value]  # a failure that ends a stream is a StreamError


def kinds_of(error: StreamError) -> list[str]:
    return [str(remedy.kind) for remedy in error.remedies]


def refusal(message: str, **fields: Any) -> str:
    return json.dumps({"error": {"message": message, **fields}})


# --- what is not about the key ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "remedy", "words"),
    [
        (403, refusal("Country, region, or territory not supported"), "check_location", "territory not supported"),
        (400, refusal("User location is not supported for the API use."), "check_location", "countries"),
        (403, "<html><title>Attention Required! | Cloudflare</title></html>", "check_proxy", "Attention Required!"),
        (401, "<!DOCTYPE html><html>Log in</html>", "check_proxy", "HTML page"),
        (407, "Proxy authentication required", "check_proxy", "Proxy authentication"),
        (403, refusal("Project p does not have access to model m", code="model_not_found"), "check_model", "(m)"),
        (403, refusal("The input was flagged", code=403), "rephrase", "flagged"),
    ],
)
def test_not_every_refusal_blames_the_key(
    loopback: FaultServer, status: int, body: str, remedy: str, words: str
) -> None:
    loopback.send(body, status=status)
    error = error_of(ask(loopback.base_url, api_key=KEY))
    assert kinds_of(error)[0] == remedy
    assert "Check the key" not in error.message
    assert words in error.message
    assert error.status == status


def test_a_refused_key_in_an_array_is_about_the_key(loopback: FaultServer) -> None:
    body = [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}]
    loopback.send(json.dumps(body), status=400)
    error = error_of(ask(loopback.base_url, api_key=KEY))
    assert (error.kind, kinds_of(error)) == ("authentication", ["check_key"])


# --- what was not found -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "params", "remedy"),
    [
        ('{"error":"model \'m\' not found, try pulling it first"}', {}, "check_model"),
        (refusal("The model `m` does not exist.", type="NotFoundError", code=404), {}, "check_model"),
        ('{"detail":"Unknown model: m"}', {}, "check_model"),
        (refusal("Response with id 'resp_7' not found."), {"previous_response_id": "resp_7"}, "send_history"),
        (refusal("Previous response could not be found"), {"previous_response_id": "resp_7"}, "send_history"),
        ('{"detail":"Not Found"}', {}, "use_api"),
        ('{"detail":"Not Found"}', {"previous_response_id": "resp_7"}, "use_api"),
        ("404 page not found", {}, "use_api"),
    ],
)
def test_what_was_not_found_decides_what_is_advised(
    loopback: FaultServer, said: str, params: dict[str, Any], remedy: str
) -> None:
    loopback.send(said, status=404)
    error = error_of(ask(loopback.base_url, api="responses", params=params))
    assert (error.kind, kinds_of(error)) == ("not_found", [remedy])
    assert ("no /responses" in error.message) == (remedy == "use_api")


def test_a_dictionary_is_not_shown_as_one(loopback: FaultServer) -> None:
    loopback.send(json.dumps({"detail": {"error": {"message": "No such voice.", "code": "voice"}}}), status=400)
    error = error_of(ask(loopback.base_url))
    assert error.happened.endswith("answered 400: No such voice.")
    assert error.code == "voice"


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_limit_that_passes_is_waited_for(loopback: FaultServer) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.02s"}]
    said = "You exceeded your current quota, please check your plan and billing details. Please retry in 0.02s."
    loopback.send(json.dumps([{"error": {"code": 429, "message": said, "details": details}}]), status=429)
    loopback.send(f"data: {json.dumps({'error': {'code': 429, 'message': said, 'details': details}})}\n\n")
    loopback.send(chat_body("Hello"))
    result = ask(loopback.base_url, max_retries=2)
    assert (*verdict(result), result.attempts) == ("completed", "Hello", "", 3)


def test_the_header_says_how_long_if_both_do(loopback: FaultServer) -> None:
    loopback.send(refusal("Slow down. Try again in 20s."), status=429, headers={"retry-after": "3600"})
    assert error_of(ask(loopback.base_url)).retry_after == 3600.0


# --- other names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "said", "names"),
    [
        ("chat", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_completion_tokens"),
        ("chat", "`max_tokens` is deprecated in favor of `max_new_tokens`", "max_new_tokens"),
        ("chat", "Unknown field max_tokens, did you mean maxOutputTokens?", "maxOutputTokens"),
        ("chat", "max_tokens was renamed to max_output_tokens.", "max_output_tokens"),
        (
            "responses",
            "Unknown parameter: 'max_output_tokens'. Please use max_completion_tokens.",
            "max_completion_tokens",
        ),
    ],
)
@pytest.mark.parametrize("wrapped", ["object", "array", "metadata", "detail"])
def test_a_limit_is_sent_by_the_name_that_the_server_gives(
    loopback: FaultServer, api: str, said: str, names: str, wrapped: str
) -> None:
    inner = {"error": {"message": said, "code": 400}}
    raw = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": json.dumps(inner)}}}
    body: Any = {"object": inner, "array": [inner], "metadata": raw, "detail": {"detail": inner}}[wrapped]
    asked = Asked(loopback)
    loopback.send(json.dumps(body), status=400)
    loopback.send(chat_body("Hi") if api == "chat" else responses_body("Hi"))
    one, two = asked.answers({"max_tokens": 9, "api": api}, {"max_tokens": 7, "api": api})
    assert (one.text, one.attempts, two.text) == ("Hi", 1, "Hi")
    old = "max_tokens" if api == "chat" else "max_output_tokens"
    assert asked.bodies(old, names) == [{old: 9}, {names: 9}, {names: 7}]


def test_a_server_that_names_ever_new_names_is_asked_so_often_only(loopback: FaultServer) -> None:
    count = iter(range(1000))

    def refuse(received: Any) -> Any:
        name = next(each for each in received.json if each.startswith("max_"))
        return Answer(refusal(f"Unknown {name}. Use 'max_{next(count)}_tokens' instead."), status=400)

    loopback.respond(refuse)
    assert error_of(ask(loopback.base_url, max_tokens=9)).kind == "rejected"
    assert len(loopback.requests) <= 6


def test_a_new_name_that_the_user_has_given_is_left_alone(loopback: FaultServer) -> None:
    loopback.send(refusal("Unknown max_tokens. Use 'max_new_tokens' instead."), status=400)
    assert error_of(ask(loopback.base_url, max_tokens=9, params={"max_new_tokens": 3})).kind == "rejected"
    assert len(loopback.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        "max_tokens is too large: 9. Use a smaller value instead.",
        "max_tokens must be at most 4; use 4 instead",
        "The model is retired. Use new_model_9 instead of max_tokens_model.",
    ],
)
def test_other_advice_renames_nothing(loopback: FaultServer, said: str) -> None:
    loopback.send(refusal(said), status=400)
    assert error_of(ask(loopback.base_url, max_tokens=9)).kind == "rejected"
    assert len(loopback.requests) == 1


def test_stream_options_in_an_array_are_left_out(loopback: FaultServer) -> None:
    said = 'Invalid JSON payload received. Unknown name "stream_options": Cannot find field.'
    loopback.send(json.dumps([{"error": {"code": 400, "message": said}}]), status=400)
    loopback.send(chat_body("Hi"))
    assert ask(loopback.base_url).text == "Hi"


# --- continuing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "This model does not support assistant message prefill. The conversation must end with a user message.",
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
    ],
)
def test_a_refused_continuation_does_not_advise_the_same_again(loopback: FaultServer, said: str) -> None:
    loopback.send(refusal(said), status=400)
    asked = Asked(loopback)
    beginning = StreamResult("Half an ans")
    [result] = asked.answers({"partial_answer": "Half an ans"}, beginning=beginning)
    error = error_of(result)
    assert kinds_of(error) == [RemedyKind.ASK_ANEW]
    assert "(11 characters) is kept" in error.message
    assert "to continue" not in error.told(Place.CELL) + error.message
    assert asked.learned == Capabilities(prefill=False)


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def self_signed(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    file = tmp_path / "own.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command: list[str | Path] = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        file,
        "-out",
        file,
    ]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return file


@pytest.mark.sdk
def test_a_self_signed_certificate_is_told_and_not_tried_again(
    self_signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The key is in the same file, before the certificate.
    context.load_cert_chain(self_signed)
    body = chat_body("Hi")
    connections = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            nonlocal connections
            while True:
                try:
                    raw, _ = listener.accept()
                except OSError:
                    return
                connections += 1
                with raw:
                    raw.settimeout(10)
                    try:
                        with context.wrap_socket(raw, server_side=True) as connection:
                            asked = b""
                            while not asked.endswith(b"}"):  # what is left unread would break the connection
                                asked += connection.recv(65536)
                            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
                            connection.sendall(head + body)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        error = error_of(ask(address, max_retries=2))
        assert (error.kind, error.retryable, connections) == ("unreachable", False, 1)
        assert "certificate" in error.message
        assert "self-signed" in error.message.replace("self signed", "self-signed")
        assert kinds_of(error) == ["check_certificate"]

        monkeypatch.setenv("SSL_CERT_FILE", str(self_signed))
        assert ask(address).text == "Hi", "what is advised helps"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.sdk
def test_a_server_without_tls_is_told_and_not_tried_again() -> None:
    connections = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            nonlocal connections
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections += 1
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        error = error_of(ask(f"https://127.0.0.1:{listener.getsockname()[1]}/v1", max_retries=2))
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert (error.kind, error.retryable, connections, kinds_of(error)) == ("unreachable", False, 1, ["check_address"])
    assert "TLS" in error.message
