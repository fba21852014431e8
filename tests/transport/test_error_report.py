"""What servers say went wrong, in the shapes in which they say it: words, code, kind, and how long to wait."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.events import Failed, Unrecognized
from nbstream.remedies import Remedy, RemedyKind
from nbstream.transport.error_document import error_document
from nbstream.transport.error_kind import failed, names_model
from nbstream.transport.error_report import error_in, read_error
from tests.transport.over_http import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.events import Event
    from nbstream.testing import FaultServer

TOO_LONG = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
QUOTA = "You exceeded your current quota, please check your plan and billing details. Please retry in 0.2s."
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}

# Body, HTTP status, kind, words, code.
BODIES: list[tuple[str, Any, int | None, str, str, str | None]] = [
    ("OpenAI", {"error": {"message": "Bad.", "code": "x"}}, 400, "rejected", "Bad.", "x"),
    (
        "in an array",
        [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}],
        400,
        "authentication",
        "API key not valid. Please pass a valid API key.",
        "400",
    ),
    (
        "too long, in an array",
        [{"error": {"code": 400, "message": "The input token count (9) exceeds the maximum number of tokens allowed"}}],
        400,
        "context_length",
        "The input token count (9) exceeds the maximum number of tokens allowed",
        "400",
    ),
    (
        "one level down, as JSON in a string",
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {"raw": json.dumps({"error": {"message": TOO_LONG}}), "provider_name": "P"},
            }
        },
        400,
        "context_length",
        f"Provider returned error: {TOO_LONG}",
        "400",
    ),
    (
        "one level down, in words",
        {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "m is rate-limited"}}},
        429,
        "rate_limit",
        "Provider returned error: m is rate-limited",
        "429",
    ),
    (
        "Python's notation at the end of a text",
        {"error": {"message": f"litellm.BadRequestError: { ({'error': {'message': TOO_LONG}})!r}"}},
        400,
        "context_length",
        f"litellm.BadRequestError: {TOO_LONG}",
        None,
    ),
    (
        "two objects deep",
        {"detail": {"error": {"message": "No such thing.", "code": "thing_missing"}}},
        400,
        "rejected",
        "No such thing.",
        "thing_missing",
    ),
    ("an inner error", {"error": {"innererror": {"message": TOO_LONG}}}, 400, "context_length", TOO_LONG, None),
    (
        "a code in the place of words",
        {"status": 403, "error": "Forbidden", "message": "Not for you."},
        403,
        "authentication",
        "Not for you.",
        "Forbidden",
    ),
    (
        "problem details",
        {"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "Slow down."},
        429,
        "rate_limit",
        "Too Many Requests: Slow down.",
        "about:blank",
    ),
    (
        "a list of fields",
        {"detail": [{"loc": ["body", "n"], "msg": "too large", "input": 9}, {"loc": ["body"], "msg": "no"}]},
        422,
        "rejected",
        "body.n: too large; body: no",
        None,
    ),
    (
        "MiniMax",
        {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
        None,
        "quota",
        "insufficient balance",
        "1008",
    ),
    (
        "Baidu",
        {"error_code": 18, "error_msg": "Open api qps request limit reached"},
        None,
        "rate_limit",
        "Open api qps request limit reached",
        "18",
    ),
    (
        "Nest",
        {"statusCode": 429, "message": "ThrottlerException: Too Many Requests"},
        None,
        "rate_limit",
        "ThrottlerException: Too Many Requests",
        "429",
    ),
    ("Spark", {"header": {"code": 10013, "message": "no"}}, None, "server", "no", "10013"),
    (
        "Tencent",
        {"Response": {"Error": {"Code": "AuthFailure", "Message": "no"}, "RequestId": "r"}},
        None,
        "server",
        "no",
        "AuthFailure",
    ),
    (
        "AWS",
        {"throttlingException": {"message": "Too many requests"}},
        None,
        "rate_limit",
        "Too many requests",
        "throttlingException",
    ),
    (
        "a limit by its short name",
        {"error": {"message": "TPM limit reached"}},
        None,
        "rate_limit",
        "TPM limit reached",
        None,
    ),
    ("a model in words", {"error": "model 'x' not found"}, None, "not_found", "model 'x' not found", None),
    ("an error in few letters", {"err": {"msg": "bad luck"}}, None, "server", "bad luck", None),
    ("a number that is returned", {"ret": -1, "errmsg": "sign invalid"}, None, "server", "sign invalid", None),
    ("a fault", {"fault": {"faultstring": "Rate limit reached"}}, None, "rate_limit", "Rate limit reached", None),
    (
        "Volcano",
        {"ResponseMetadata": {"RequestId": "x", "Error": {"Code": "AccessDenied", "Message": "no"}}},
        None,
        "authentication",
        "no",
        "AccessDenied",
    ),
    (
        "a string in a string",
        {
            "error": {
                "message": "Provider returned error",
                "metadata": {"raw": '"{\\"error\\": {\\"message\\": \\"no\\"}}"'},
            }
        },
        400,
        "rejected",
        "Provider returned error: no",
        None,
    ),
    ("a code that begins like a success", {"code": 20012, "message": "no"}, None, "server", "no", "20012"),
    ("of a form", {"errors": {"n": ["too big", "odd"], "m": "no"}}, 422, "rejected", "n: too big, odd; m: no", None),
    (
        "Cloudflare",
        {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "result": None},
        403,
        "authentication",
        "Authentication error",
        "10000",
    ),
    (
        "SageMaker",
        {"ErrorCode": "FROM_MODEL", "Message": "Client error", "OriginalMessage": json.dumps({"message": TOO_LONG})},
        424,
        "context_length",
        f"Client error: {TOO_LONG}",
        "FROM_MODEL",
    ),
]

# What servers say, the status if it matters, and the kind.
SAID: list[tuple[str, int | None, str]] = [
    ("Request too large for m on tokens per minute (TPM): Limit 9, Requested 10. Upgrade in billing.", 413, "context"),
    ("Request too large for m on tokens per minute (TPM): Limit 9, Requested 10. Upgrade in billing.", None, "context"),
    ("Request too large for m. The input or output tokens must be reduced.", 429, "context"),
    ("`inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens.", 422, "context"),
    ("Input validation error: `inputs` must have less than 4095 tokens. Given: 5000", None, "context"),
    ("Input length (40000) exceeds the maximum allowed length (32768).", None, "context"),
    ("max_tokens must be <= 8192", 400, "rejected"),
    ("Your team doesn't have any credits yet. You can purchase credits.", 403, "quota"),
    ("Your team has used all available credits or reached its monthly spending limit.", 403, "quota"),
    ("the monthly token quota was reached", 403, "quota"),
    ("You have exceeded your monthly included credits for Inference Providers.", 403, "quota"),
    ("Your input was flagged. No credits were charged.", 403, "authentication"),
    ("The requested model 'x' is not supported by any provider you have enabled.", 400, "not_found"),
    ("The API deployment for this resource does not exist.", 400, "not_found"),
    ("Service tier capacity exceeded for this model.", None, "rate_limit"),
]


@pytest.mark.parametrize(("said", "status", "kind"), SAID)
def test_what_servers_say_of_limits_and_models(said: str, status: int | None, kind: str) -> None:
    assert failed({"message": said}, status).kind == {"context": "context_length"}.get(kind, kind)


@pytest.mark.parametrize("code", ["DeploymentNotFound", "model_not_supported", "model_not_found"])
def test_a_code_names_the_model(code: str) -> None:
    event = failed({"message": "There is no such thing.", "code": code}, 404)
    assert event.kind == "not_found"
    assert names_model(event)


@pytest.mark.parametrize(("body", "status", "kind", "words", "code"), [pytest.param(*r, id=w) for w, *r in BODIES])
def test_a_report_is_read_however_it_is_wrapped(
    body: Any, status: int | None, kind: str, words: str, code: str | None
) -> None:
    error = error_in(body)
    assert error is not None
    event = failed(error, status)
    assert (event.message, event.kind, event.code) == (words, kind, code)


@pytest.mark.parametrize(("body", "status", "kind", "words", "code"), [pytest.param(*r, id=w) for w, *r in BODIES])
def test_the_same_within_a_stream_and_as_a_body(
    decode: Callable[..., list[Event]], body: Any, status: int | None, kind: str, words: str, code: str | None
) -> None:
    assert error_document(json.dumps(body).encode()).error == error_in(body)
    for sent in (f"data: {json.dumps(body)}\n\n", json.dumps(body)):
        for api in ("chat", "responses"):
            [event] = [each for each in decode(sent, api) if isinstance(each, Failed)]
            assert (event.message, event.code) == (words, code)
    assert status is not None or event.kind == kind


def test_a_list_of_sentences() -> None:
    event = failed(error_document(b'["The model is gone.", "Ask again later."]').error, 500)
    assert event.message == "The model is gone.; Ask again later."


def test_an_object_without_words_is_quoted() -> None:
    assert failed({"message": {"content": 1}, "code": 9}, 400).message == '{"message": {"content": 1}, "code": 9}'
    assert failed({"message": "", "code": 9}, 400).message == "no message"


@pytest.mark.parametrize(
    "payload",
    [
        {"choices": [], "base_resp": {"status_code": 0, "status_msg": "success"}},
        {"choices": [{"delta": {"content": "A"}}], "code": 500, "message": "of another kind"},
        {"choices": [], "usage": {"prompt_tokens": 1}},
        {"status": "processing", "message": "number 3 in the queue"},
        {"code": 0, "msg": "no"},
        {"code": 200, "message": "fine"},
        {"message": "words without a code"},
        {"type": "response.queued", "response": {"id": "r", "status": "queued", "error": None}},
        {"metadata": {"message": "words"}},
        [],
        [1, "a", None],
        None,
        "text",
    ],
    ids=str,
)
def test_what_is_no_error_is_none(payload: Any) -> None:
    assert error_in(payload) is None


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"details": [RETRY_INFO]}, 0.2),
        ({"details": [{"retryDelay": {"seconds": 1, "nanos": 500_000_000}}]}, 1.5),
        ({"message": "x", "retry_after": 3}, 3.0),
        ({"message": "x", "retryAfterMs": "250"}, 0.25),
        ({"message": "Please try again in 1m30.5s."}, 90.5),
        ({"message": "Rate limit. Please try again in 250ms."}, 0.25),
        ({"message": "Please retry after 20 seconds."}, 20.0),
        ({"message": "Retry in 2 minutes"}, 120.0),
        ({"message": "x", "retry_after": "soon"}, None),
        ({"message": "x", "retry_after": -1}, None),
        ({"message": "x", "retry_after": float("nan")}, None),
        ({"message": "x", "retry_after": True}, None),
        ({"message": "It took 20 s; try again later."}, None),
    ],
)
def test_the_wait_is_read(error: dict[str, Any], seconds: float | None) -> None:
    assert read_error(error).retry_after == seconds


@pytest.mark.parametrize(
    ("error", "kind", "after"),
    [
        ({"code": 429, "message": QUOTA, "status": "RESOURCE_EXHAUSTED", "details": [RETRY_INFO]}, "rate_limit", 0.2),
        ({"code": 429, "message": QUOTA}, "rate_limit", 0.2),
        ({"code": 429, "message": QUOTA.partition(" Please retry")[0]}, "quota", None),
        ({"code": "insufficient_quota", "message": QUOTA}, "quota", None),
        ({"code": 402, "message": QUOTA}, "quota", None),
    ],
)
@pytest.mark.parametrize("status", [429, None])
def test_a_quota_that_comes_back_soon_is_a_rate_limit(
    error: dict[str, Any], kind: str, after: float | None, status: int | None
) -> None:
    event = failed(error, status if error["code"] != 402 else None)
    assert (event.kind, event.retryable, event.retry_after) == (kind, kind == "rate_limit", after)


@pytest.mark.parametrize(
    ("said", "status", "remedy"),
    [
        ("Country, region, or territory not supported", 403, RemedyKind.CHECK_LOCATION),
        ("User location is not supported for the API use.", 400, RemedyKind.CHECK_LOCATION),
        ("Your IP address is not on the list", 403, RemedyKind.CHECK_LOCATION),
        ("Your chosen model requires moderation and your input was flagged", 403, RemedyKind.REPHRASE),
        ("error code: 1020", 403, RemedyKind.CHECK_PROXY),
        ("Proxy authentication required", 407, RemedyKind.CHECK_PROXY),
    ],
)
def test_not_every_refusal_is_about_the_key(said: str, status: int, remedy: RemedyKind) -> None:
    assert failed({"message": said}, status).remedies == (Remedy(remedy),)


def test_strange_errors_are_read_in_bounded_time() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = {"error": deep}
    for error in (deep, {"message": "{" * 100_000}, {"message": "[" * 3000}, {"errors": [{"message": "x"}] * 100_000}):
        assert len(read_error(error).sentence) <= 2000


# --- what nothing understood ------------------------------------------------------------------------------------------

ODD = '{"id":"x","model":"m","choices":null,"verdict":"no more tokens for today"}'


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_nothing_understood_is_quoted_at_the_end(decode: Callable[..., list[Event]], api: str) -> None:
    events = decode(f'data: {ODD}\n\ndata: {{"type":"ping"}}\n\n: ping\n\n', api)
    assert [event for event in events if isinstance(event, Unrecognized)] == [Unrecognized(ODD)]


ENDED = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("payload", "api", "quoted"),
    [
        ({**ENDED, "base_resp": {"status_code": 1027, "status_msg": "output sensitive"}}, "chat", True),
        ({**ENDED, "base_resp": {"status_code": 0, "status_msg": "success"}}, "chat", False),
        ({**ENDED, "timings": {"predicted_n": 1}}, "chat", False),
        ({"type": "response.aborted", "message": "no more"}, "responses", True),
        ({"type": "response.in_progress", "response": {"id": "r"}}, "responses", False),
        ({"type": "response.novelty", "what": "ever"}, "responses", False),
        ({"type": "rate_limits.updated", "rate_limits": [1]}, "responses", True),
        ({"type": "heartbeat", "at": 5}, "responses", False),
        ({"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}, "chat", False),
    ],
)
def test_only_what_may_tell_something_is_quoted(
    decode: Callable[..., list[Event]],
    payload: dict[str, Any],
    api: str,
    quoted: bool,  # noqa: FBT001  a parameter
) -> None:
    events = decode(f"data: {json.dumps(payload)}\n\n", api)
    assert any(isinstance(event, Unrecognized) for event in events) == quoted


def test_what_the_answer_has_followed_is_not(decode: Callable[..., list[Event]]) -> None:
    content = '{"choices":[{"delta":{"content":"A"}}]}'
    assert not any(isinstance(each, Unrecognized) for each in decode(f"data: {ODD}\n\ndata: {content}\n\n"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"data: {ODD}\n\n", "empty_answer"),
        (f"data: {ODD}\n\ndata: [DONE]\n\n", "empty_answer"),
        (f'data: {{"choices":[{{"delta":{{"content":"A"}}}}]}}\n\ndata: {ODD}\n\n', "connection_lost"),
        ("event: failure\ndata: no more tokens for today\n\n", "empty_answer"),
        ('data: ["no more tokens for today"]\n\n', "empty_answer"),
    ],
)
def test_a_failure_without_words_quotes_it(loopback: FaultServer, body: str, kind: str) -> None:
    loopback.send(body)
    error = ask(loopback.base_url).error
    assert error is not None
    assert error.kind == kind
    assert "no more tokens for today" in error.message


def test_also_where_the_stream_breaks_or_stalls(loopback: FaultServer) -> None:
    loopback.send(f"data: {ODD}\n\n", then="close")
    loopback.send(f"data: {ODD}\n\n", then="hold")
    for kind in ("connection_lost", "first_token_timeout"):
        error = ask(loopback.base_url, first_token=2.0).error
        assert error is not None
        assert error.kind == kind
        assert "no more tokens for today" in error.message


def test_an_empty_answer_quotes_it_too(loopback: FaultServer) -> None:
    loopback.send(f'data: {ODD}\n\ndata: {{"choices":[{{"delta":{{}},"finish_reason":"stop"}}]}}\n\n')
    [warning] = ask(loopback.base_url).warnings
    assert warning.kind == "empty_answer"
    assert "no more tokens for today" in warning.message


def test_a_limit_that_was_told_as_the_reason_is_no_error(loopback: FaultServer) -> None:
    end = '{"choices":[{"delta":{"content":"A"},"finish_reason":"length"}]}'
    loopback.send(f'data: {end}\n\ndata: {{"error":{{"code":400,"message":"Token limit reached"}}}}\n\n')
    result = ask(loopback.base_url)
    assert (result.state, result.finish_reason, result.text) == ("completed", "length", "A")
