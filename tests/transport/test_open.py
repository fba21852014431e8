"""The real SDK over real HTTP against a scripted server: every way to fail gets its own error, and text is kept."""

import asyncio
import dataclasses
import inspect
import json
import socket
import threading
import traceback
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from nbstream import errors
from nbstream.display.surface import NullSurface
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamState, Usage
from nbstream.settings.credential import Credential
from nbstream.streaming.rounds import Rounds
from nbstream.text.place import Place
from nbstream.text.secret import Secret
from nbstream.transport.open import ClientPool
from nbstream.transport.translate import translated

HI = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
FINISH = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = "data: [DONE]\n\n"
USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'


@pytest.fixture(scope="module", autouse=True)
def _sdk_is_loaded():
    """The SDK loads its parts at their first use; that would pass for silence of the server."""
    with openai.OpenAI(api_key="k") as client:
        assert client.chat.completions
        assert client.responses


@pytest.fixture
def ask(loopback, make_request):
    """Send requests one after the other through one pool, and return how the last one ended."""

    def ask(*requests, client=None, **values):
        async def run():
            pool = ClientPool()
            try:
                for request in requests or [make_request(loopback.base_url, client=client, **values)]:
                    result = await Rounds(dataclasses.replace(request, max_retries=0), NullSurface(), pool).run()
                return result
            finally:
                await pool.close()
                if client is not None:
                    await client.close()

        return asyncio.run(asyncio.wait_for(run(), 20))

    return ask


def error_body(message="No.", **fields):
    return json.dumps({"error": {"message": message, **fields}})


def port_of(server):
    return server.base_url.split("/")[2]


# --- what goes well ---------------------------------------------------------------------------------------------------


def test_a_stream(ask, loopback):
    loopback.send(HI + FINISH + USAGE + DONE, headers={"x-request-id": "req_7"})
    result = ask(api_key=Credential(Secret("sk-1")))
    assert (result.state, result.text, result.usage) == (StreamState.COMPLETED, "Hi", Usage(1, 2, 3))
    assert (result.request_id, result.finish_reason, result.error) == ("req_7", "stop", None)
    request = loopback.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-1"
    assert json.loads(request.body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_responses_stream(ask, loopback):
    events = [
        '{"type":"response.output_text.delta","delta":"Hi"}',
        '{"type":"response.completed","response":{"id":"r","status":"completed"}}',
    ]
    loopback.send("".join(f"data: {event}\n\n" for event in events))
    result = ask(api="responses", params={"store": False})
    assert (result.state, result.text, result.response_id) == (StreamState.COMPLETED, "Hi", "r")
    assert loopback.requests[0].path == "/v1/responses"
    assert json.loads(loopback.requests[0].body)["store"] is False


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_sdk_does_not_look_through_the_messages(ask, loopback, monkeypatch, api, own):
    """It would rename what needs no renaming, at a cost of 0.1 ms a message and on the loop that all streams share."""
    looked_at: list[Any] = []

    async def look(data, *_, **__):
        looked_at.append(data)
        return data

    for module in ("chat.completions.completions", "responses.responses"):
        monkeypatch.setattr(f"openai.resources.{module}.async_maybe_transform", look)
    loopback.send(HI + FINISH + DONE)
    client = {"client": openai.AsyncOpenAI(base_url=loopback.base_url, api_key="own")} if own else {}
    ask(api=api, messages=({"role": "user", "content": "Long"},) * 300, **client)
    assert len(loopback.requests[0].json["messages" if api == "chat" else "input"]) == 300
    assert len(looked_at) == own  # whoever has wrapped the user's client sees its method called
    assert "Long" not in str(looked_at)


def test_objects_of_the_sdk_may_be_in_messages(ask, loopback):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = openai.types.chat.ChatCompletionMessage.model_validate(
        {"role": "assistant", "content": None, "tool_calls": [call]}
    )
    loopback.send(HI + FINISH + DONE)
    ask(messages=({"role": "assistant", "content": None, "tool_calls": answer.tool_calls},))
    assert loopback.requests[0].json["messages"] == [{"role": "assistant", "content": None, "tool_calls": [call]}]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/event-stream; charset=iso-8859-1"])
def test_the_content_type_decides_nothing(ask, loopback, content_type):
    loopback.send('data: {"choices":[{"delta":{"content":"é"}}]}\n\n' + DONE, headers={"content-type": content_type})
    assert ask().text == "é"


def test_two_streams_share_one_connection(ask, loopback, make_request):
    loopback.send(HI + FINISH + DONE)
    request = make_request(loopback.base_url)
    assert ask(request, request, request).state == "completed"
    assert [received.connection for received in loopback.requests] == [1, 1, 1]


def test_another_key_never_shares_a_client(ask, loopback, make_request):
    loopback.send(HI + FINISH + DONE)
    ask(*(make_request(loopback.base_url, api_key=Credential(Secret(key))) for key in ("one", "two")))
    assert [received.headers["authorization"] for received in loopback.requests] == ["Bearer one", "Bearer two"]


def test_no_key_is_sent_where_none_was_given(ask, loopback, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    loopback.send(HI + DONE)
    assert ask().text == "Hi"
    assert "sk-of-the-environment" not in str(loopback.requests[0].headers)


def test_the_environments_headers_go_only_where_the_environment_applies(ask, loopback, make_request, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-environment\nX-Secret: s3cret")
    loopback.send(HI + FINISH + DONE)
    ask(api_key=Credential(Secret("sk-mine")))
    sent = loopback.requests[0].headers
    assert sent["authorization"] == "Bearer sk-mine"
    assert not {"x-secret", "openai-organization", "openai-project"} & set(sent)

    endpoint = dataclasses.replace(make_request(loopback.base_url).endpoint, environment_applies=True)
    ask(dataclasses.replace(make_request(loopback.base_url), endpoint=endpoint))
    sent = loopback.requests[1].headers
    assert (sent["openai-organization"], sent["openai-project"]) == ("org-1", "proj-1")
    sdk_sends_more = not openai.__version__.startswith("2.0.")
    assert sent.get("x-secret") == ("s3cret" if sdk_sends_more else None)


@pytest.mark.parametrize("sent", ["", HI])
def test_cancelling_twice_still_closes_the_connection(loopback, make_request, sent):
    loopback.send(sent, then="hold")

    async def main():
        pool = ClientPool()
        session = Rounds(make_request(loopback.base_url), NullSurface(), pool)
        running = asyncio.create_task(session.run())
        await asyncio.to_thread(loopback.arrived.wait, 10)
        session.cancel()
        await asyncio.sleep(0)
        session.cancel()
        result = await running
        left = await asyncio.to_thread(loopback.client_left.wait, 10)
        await pool.close()
        return result.state, left

    assert asyncio.run(main()) == (StreamState.CANCELLED, True)


def test_a_client_of_the_users_own_is_used(ask, loopback):
    loopback.send(HI + DONE)

    class Client(openai.AsyncOpenAI):
        @property
        def default_headers(self):
            return {**super().default_headers, "x-own": "yes"}

    client = Client(base_url=loopback.base_url, api_key="own")
    assert ask(client=client).text == "Hi"
    assert loopback.requests[0].headers["x-own"] == "yes"


# --- an end that is in the stream already -----------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["close", "reset", "hold"])
def test_what_becomes_of_the_connection_after_done_does_not_matter(ask, loopback, then):
    loopback.send(HI + FINISH + DONE, then=then)
    result = ask(limits=(5, 8, 8))
    assert (result.state, result.text) == (StreamState.COMPLETED, "Hi")
    assert result.timing.total < 4


def test_a_lingering_server_does_not_hold_up_a_completed_response(ask, loopback):
    loopback.send('data: {"type":"response.completed","response":{"status":"completed"}}\n\n', then="hold")
    result = ask(api="responses", limits=(5, 8, 8))
    assert result.state == "completed"
    assert result.timing.total < 4


def test_usage_after_the_finish_reason_is_waited_for(ask, loopback):
    later = threading.Event()
    loopback.send(HI + FINISH, later, USAGE + DONE)
    timer = threading.Timer(0.3, later.set)
    timer.start()
    assert ask().usage == Usage(1, 2, 3)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_no_key_for_openai_is_told_before_anything_is_sent(ask, make_request):
    error = ask(make_request("https://api.openai.com/v1", api="responses")).error
    assert isinstance(error, errors.MissingKeyError)
    assert [each.kind for each in error.remedies] == ["set_key", "name_server", "try_demo"]
    for way_on in ("OPENAI_API_KEY", "base_url=", "demo"):
        assert way_on in error.message


@pytest.mark.parametrize(
    ("status", "body", "expected", "advice"),
    [
        (401, error_body(code="invalid_api_key"), errors.AuthenticationError, "Check the key"),
        (403, error_body(), errors.AuthenticationError, "Check the key"),
        (404, error_body(code="model_not_found"), errors.NotFoundError, "model's name (m)"),
        (404, error_body(), errors.NotFoundError, "base URL"),
        (400, error_body(), errors.RequestRejectedError, "Change the request"),
        (400, error_body(code="previous_response_not_found"), errors.RequestRejectedError, 'history="messages"'),
        (400, error_body(code="context_length_exceeded"), errors.ContextLengthError, "Shorten the prompt"),
        (402, error_body(), errors.QuotaError, "billing"),
        (409, error_body(), errors.RequestRejectedError, "Try again"),
        (413, error_body(), errors.RequestRejectedError, "Change the request"),
        (422, '{"detail":"No."}', errors.RequestRejectedError, "Change the request"),
        (429, error_body(code="rate_limit_exceeded"), errors.RateLimitError, "Wait a little"),
        (429, error_body(code="insufficient_quota"), errors.QuotaError, "billing"),
        (500, error_body(), errors.ServerError, "Try again later"),
        (503, error_body(), errors.ServerError, "Try again later"),
        (529, '{"error":"No."}', errors.ServerError, "Try again later"),
    ],
)
def test_an_error_status(ask, loopback, status, body, expected, advice):
    loopback.send(body, status=status, headers={"content-type": "application/json"})
    result = ask(api_key=Credential(Secret("sk-1")))
    error = result.error
    assert type(error) is expected
    assert error.status == status
    assert f"{port_of(loopback)} answered {status}: No." in error.message
    assert advice in error.message
    assert (result.state, result.text) == ("failed", "")
    assert len(loopback.requests) == 1, "nothing is sent twice behind the reader's back"


def test_the_servers_own_code_is_kept(ask, loopback):
    loopback.send(error_body(code="insufficient_quota"), status=429)
    error = ask().error
    assert (error.kind, error.code) == ("quota", "insufficient_quota")


@pytest.mark.parametrize(("status", "kind"), [(502, "server"), (400, "rejected"), (404, "not_found")])
@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "", "null", "[1]"])
def test_an_error_status_without_words(ask, loopback, status, kind, body):
    loopback.send(body, status=status)
    error = ask().error
    assert error.kind == kind
    assert f"answered {status}." in error.message


def test_responses_on_a_server_without_them_says_which_api_to_call(ask, loopback):
    loopback.send("404 page not found", status=404)
    error = ask(api="responses").error
    assert error.remedies == (Remedy(RemedyKind.USE_API, "chat"),)
    assert error.told(Place.CELL).endswith("It may have no /responses; --api chat suits it better.")


def test_a_missing_key_is_told_apart_from_a_wrong_one(ask, loopback):
    loopback.send(error_body(), status=401)
    assert "No key was sent" in ask().error.message


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_a_key_that_the_server_repeats_is_nowhere_in_the_error(ask, loopback, key, status):
    loopback.send(error_body(f"Incorrect API key: {key}", code=key), status=status)
    result = ask(api_key=Credential(Secret(key)))
    error = result.error
    error.result = result
    shown = [*traceback.format_exception(error), *error._render_traceback_(), repr(error), str(error), str(error.code)]
    shown += [repr(result), str(result.metadata())]
    assert "<key>" in str(error)
    assert not [text for text in shown if key in text]


# --- stream_options ---------------------------------------------------------------------------------------------------

OLD_SERVER = error_body("Unrecognized request argument supplied: stream_options")


def test_a_server_that_refuses_stream_options_is_asked_without_them_from_then_on(ask, loopback, make_request):
    loopback.send(OLD_SERVER, status=400)
    loopback.send(HI + FINISH + DONE)
    request = make_request(loopback.base_url)
    assert ask(request, request).text == "Hi"
    asked = ["stream_options" in json.loads(received.body) for received in loopback.requests]
    assert asked == [True, False, False]


def test_a_server_that_refuses_again_is_not_asked_a_third_time(ask, loopback):
    loopback.send(OLD_SERVER, status=400)
    assert ask().error.kind == "rejected"
    assert len(loopback.requests) == 2


def test_stream_options_of_the_users_own_are_left_alone(ask, loopback):
    loopback.send(OLD_SERVER, status=400)
    assert ask(params={"stream_options": {"include_usage": False}}).error.kind == "rejected"
    assert len(loopback.requests) == 1


# --- no connection ----------------------------------------------------------------------------------------------------


def test_a_refused_connection(ask, make_request):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    error = ask(make_request(f"http://127.0.0.1:{port}/v1")).error
    assert isinstance(error, errors.UnreachableError)
    assert f"127.0.0.1:{port}" in error.message
    assert "Is the server running?" in error.message


@pytest.mark.parametrize(
    ("scheme", "reply"),
    [("http", b""), ("http", b"220 mail.example ready\r\n"), ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n")],
)
def test_something_that_is_no_such_server(ask, make_request, scheme, reply):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = ask(make_request(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/v1")).error
        thread.join()
    assert isinstance(error, errors.UnreachableError)


def test_a_password_in_the_url_is_not_shown(ask, make_request):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert "hunter2" not in ask(make_request(f"http://me:hunter2@127.0.0.1:{port}/v1")).error.message


# --- a stream that goes wrong -----------------------------------------------------------------------------------------


def test_an_html_page(ask, loopback):
    loopback.send("<!DOCTYPE html><title>Log in</title>", headers={"content-type": "text/html"})
    error = ask().error
    assert isinstance(error, errors.NotAStreamError)
    assert "HTML page" in error.message
    assert port_of(loopback) in error.message


def test_a_whole_json_answer_is_the_answer(ask, loopback):
    loopback.send('{"choices":[{"message":{"content":"whole"}}]}', headers={"content-type": "application/json"})
    result = ask()
    assert (result.text, result.state) == ("whole", "completed")
    assert [warning.kind for warning in result.warnings] == ["whole_answer"]


def test_a_json_document_that_is_no_answer(ask, loopback):
    loopback.send('{"models":[]}', headers={"content-type": "application/json"})
    error = ask().error
    assert isinstance(error, errors.NotAStreamError)
    assert "JSON document" in error.message


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"then": "close"}, id="closed inside a chunk"),
        pytest.param({"then": "reset"}, id="reset"),
        pytest.param({"then": "end"}, id="ended properly without a finish"),
        pytest.param({"then": "close", "chunked": False}, id="body that lasts until the close"),
        pytest.param({"then": "close", "headers": {"content-encoding": "gzip"}}, id="not the compression it says"),
    ],
)
def test_a_lost_connection_keeps_the_text(ask, loopback, how):
    loopback.send(HI, **how)
    result = ask()
    compressed = "headers" in how
    assert isinstance(result.error, errors.ConnectionLostError)
    assert result.text == ("" if compressed else "Hi")
    assert result.state == "failed"
    assert port_of(loopback) in result.error.message
    assert [each.kind for each in result.error.remedies] == ["retry" if compressed else "continue"]


def test_an_error_frame_keeps_the_text(ask, loopback):
    loopback.send(HI, f"data: {error_body('overloaded', code='busy')}\n\n" + DONE)
    result = ask()
    assert (result.text, result.error.kind, result.error.code) == ("Hi", "server", "busy")
    assert f"{port_of(loopback)} reported an error: overloaded." in result.error.message


@pytest.mark.parametrize("sent", ["", ": ping\n\n"])
def test_silence_before_the_answer(ask, loopback, sent):
    loopback.send(sent, then="hold")
    result = ask(limits=(5, 1, 5))  # long enough for the connection to stand
    assert isinstance(result.error, errors.FirstTokenTimeoutError)
    assert f"{port_of(loopback)} sent no part of an answer for 1 s" in result.error.message
    assert [each.kind for each in result.error.remedies] == ["more_time_to_begin"]
    assert loopback.client_left.wait(60)


def test_silence_in_the_middle_keeps_the_text(ask, loopback):
    loopback.send(HI, then="hold")
    result = ask(limits=(5, 5, 0.2))
    assert isinstance(result.error, errors.StalledError)
    assert result.text == "Hi"
    assert "went silent for 0.2 s in the middle" in result.error.message
    assert loopback.client_left.wait(60)


# --- a request that cannot be made ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("sk-0123456789abcdef…", id="cut short by a web page"),
        pytest.param("sk-0123\n456789abcdef", id="over two lines"),
    ],
)
def test_a_key_that_cannot_be_one_is_not_sent(ask, loopback, key):
    error = ask(api_key=Credential(Secret(key))).error
    assert error.kind == "authentication"
    assert "0123" not in error.message
    assert not loopback.requests


def test_a_parameter_that_is_not_json_is_the_requests_fault(ask, loopback):
    error = ask(params={"seed": object()}).error
    assert error.kind == "rejected"
    assert "JSON" in error.message
    assert not loopback.requests


# --- the SDK's errors, one by one -------------------------------------------------------------------------------------

TRANSLATIONS = {
    "APIError": errors.RequestRejectedError,
    "APIConnectionError": errors.UnreachableError,
    "APITimeoutError": errors.ConnectTimeoutError,
    "APIResponseValidationError": errors.RequestRejectedError,
    "APIStatusError": errors.RequestRejectedError,
    "AuthenticationError": errors.AuthenticationError,
    "OAuthError": errors.AuthenticationError,
    "PermissionDeniedError": errors.AuthenticationError,
    "NotFoundError": errors.NotFoundError,
    "BadRequestError": errors.RequestRejectedError,
    "ConflictError": errors.RequestRejectedError,
    "UnprocessableEntityError": errors.RequestRejectedError,
    "RateLimitError": errors.RateLimitError,
    "InternalServerError": errors.ServerError,
}
STATUS = {"InternalServerError": 500, "APIStatusError": 418}


def public_sdk_errors():
    # By its type, because to ask a proxy of the SDK for its class loads half of the SDK.
    classes = {name: value for name, value in vars(openai).items() if issubclass(type(value), type)}
    return {name for name, value in classes.items() if issubclass(value, openai.APIError)}


def test_every_public_error_of_the_sdk_has_a_translation():
    assert public_sdk_errors() - set(TRANSLATIONS) == set(), "the SDK has new errors: decide what they mean"


@pytest.mark.parametrize("name", sorted(public_sdk_errors() & set(TRANSLATIONS)))  # 2.0 has no OAuthError
def test_translations(make_request, name):
    sdk_error = getattr(openai, name)
    status = STATUS.get(name) or getattr(sdk_error, "status_code", 500)
    response = SimpleNamespace(status_code=status, headers={}, request=None, history=[])
    offered = {"message": "No.", "response": response, "body": {"message": "No."}, "request": None}
    accepted = inspect.signature(sdk_error).parameters
    with pytest.raises(errors.StreamError) as caught, translated(make_request()):
        raise sdk_error(**{key: value for key, value in offered.items() if key in accepted})
    assert type(caught.value) is TRANSLATIONS[name]
    assert "localhost:8000" in caught.value.message
