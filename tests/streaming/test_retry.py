"""Whether a request is retried, and after what delay: the policy by value, and the headers that decide."""

from __future__ import annotations

import datetime as dt
import email.utils
import time
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.errors import (
    ConnectionLostError,
    ConnectTimeoutError,
    QuotaError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
    UnreachableError,
)
from nbstream.result import Retry
from nbstream.streaming.retry import RetryPolicy
from nbstream.testing import FaultServer, chat_body, error_body
from nbstream.transport.translate import retry_after
from tests.transport.over_http import ask, verdict

if TYPE_CHECKING:
    from nbstream.errors import StreamError

# --- the policy, by value ---------------------------------------------------------------------------------------------


def delays(chance: float, attempts: int, **error: Any) -> list[float | None]:
    policy = RetryPolicy(max_retries=99, chance=lambda: chance)
    pauses = [policy.next(ServerError("busy", retryable=True, **error), attempt) for attempt in range(1, attempts + 1)]
    return [None if pause is None else pause.delay for pause in pauses]


@pytest.mark.parametrize(
    ("chance", "expected"),
    [(1.0, [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]), (0.0, [0.375, 0.75, 1.5, 3.0, 6.0, 6.0]), (0.5, [0.4375, 0.875, 1.75])],
)
def test_pauses_double_up_to_a_limit(chance: float, expected: list[float]) -> None:
    assert delays(chance, len(expected)) == expected


def test_a_very_late_attempt_is_no_reason_to_count_too_far() -> None:
    pause = RetryPolicy(max_retries=10**6, chance=lambda: 1.0).next(ServerError("busy", retryable=True), 5000)
    assert pause is not None
    assert pause.delay == 8.0


def test_by_default_chance_spreads_the_pauses() -> None:
    policy = RetryPolicy(max_retries=1)
    pauses = [policy.next(ServerError("busy", retryable=True), 1) for _ in range(50)]
    seconds = {pause.delay for pause in pauses if pause is not None}
    assert len(seconds) > 40
    assert all(0.375 <= each <= 0.5 for each in seconds)


@pytest.mark.wire("B20")
@pytest.mark.parametrize("asked", [0.001, 7.5, 60.0])
def test_the_server_has_the_last_word_on_the_pause(asked: float) -> None:
    assert delays(0.3, 3, retry_after=asked) == [asked] * 3


@pytest.mark.wire("B20")
def test_no_time_at_all_is_no_answer() -> None:
    assert delays(1.0, 3, retry_after=0.0) == [0.5, 1.0, 2.0]


@pytest.mark.wire("B20")
@pytest.mark.parametrize("asked", [60.001, 3600.0, 1e300])
def test_a_server_that_asks_for_too_much_is_not_waited_for(asked: float) -> None:
    assert delays(0.3, 1, retry_after=asked) == [None]


def test_only_so_many_attempts() -> None:
    policy, error = RetryPolicy(max_retries=2, chance=lambda: 1.0), ServerError("busy", retryable=True)
    assert [policy.next(error, attempt) for attempt in (1, 2, 3, 4)] == [
        Retry("server error", 0.5, attempt=2, attempts=3),
        Retry("server error", 1.0, attempt=3, attempts=3),
        None,
        None,
    ]
    assert RetryPolicy(max_retries=0).next(error, 1) is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RateLimitError("…", retryable=True), "rate limited"),
        (UnreachableError("…", retryable=True), "no connection"),
        (ConnectTimeoutError("…", retryable=True), "no connection"),
        (ConnectionLostError("…", retryable=True), "connection lost"),
        (ServerError("…", retryable=True), "server error"),
        (RequestRejectedError("…", retryable=True), "server error"),  # 408, 409, 425
        (RateLimitError("…"), None),
        (QuotaError("…", retry_after=1.0), None),
        (ServerError("…", retry_after=1.0), None),
    ],
)
def test_only_what_may_go_better_is_sent_again(error: StreamError, reason: str | None) -> None:
    pause = RetryPolicy(max_retries=1).next(error, 1)
    assert (pause and pause.reason) == reason


@pytest.mark.parametrize(
    ("delay", "left", "said"),
    [
        (2.0, None, "2 s"),
        (59.6, None, "60 s"),
        (1.0, None, "1 s"),
        (0.5, None, "0.5 s"),
        (7.0, 3.2, "3 s"),
        (7.0, 0.04, "0.0 s"),
        (7.0, -1.0, "0.0 s"),
    ],
)
def test_the_pause_in_a_sentence(delay: float, left: float | None, said: str) -> None:
    sentence = Retry("rate limited", delay, attempt=2, attempts=3).sentence(left)
    assert sentence == f"rate limited, retrying in {said} · attempt 2 of 3"


# --- what a server can ask for ----------------------------------------------------------------------------------------

NOW = dt.datetime(2026, 5, 17, 12, 0, 0, tzinfo=dt.UTC)
IN_30_SECONDS = NOW + dt.timedelta(seconds=30)


@pytest.mark.wire("B20")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 2 "}, 2.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after": "1e300"}, 1e300),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "0"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "2"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after-ms": "-1", "retry-after": "2"}, 2.0),
        ({"retry-after-ms": "", "retry-after": ""}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "2 s"}, None),
        ({"retry-after": "Sun, 17 May 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sunday, 17-May-26 12:00:30 GMT"}, 30.0),  # both older forms of a date in HTTP
        ({"retry-after": "Sun May 17 12:00:30 2026"}, 30.0),
        ({"retry-after": "Sun, 17 May 2026 14:00:30 +0200"}, 30.0),
        ({"retry-after": "Sun, 17 May 2026 11:59:59 GMT"}, 0.0),
        ({"retry-after": "Sun, 17 May 9999 12:00:30 GMT"}, (9999 - 2026) * 365.2425 * 86400),
        ({"retry-after": "Sun, 17 May 99999 12:00:30 GMT"}, None),
        ({"retry-after": "Sun, 99 Foo 2026 00:00:00 GMT"}, None),
        ({"retry-after": "2026-05-17T12:00:30Z"}, None),
        ({"retry-after-ms": "Sun, 17 May 2026 12:00:30 GMT"}, None),
    ],
    ids=str,
)
def test_when_to_come_back(headers: dict[str, str], expected: float | None) -> None:
    seconds = retry_after(headers, NOW.timestamp())
    assert seconds == (expected if expected is None else pytest.approx(expected, rel=1e-4))


@pytest.mark.wire("B20")
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_a_date_does_not_depend_on_where_one_is(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        date = email.utils.format_datetime(IN_30_SECONDS, usegmt=True)
        assert retry_after({"retry-after": date}, NOW.timestamp()) == 30.0
        assert retry_after({"retry-after": "Sun May 17 12:00:30 2026"}, NOW.timestamp()) == 30.0
    finally:
        monkeypatch.undo()
        time.tzset()


# --- headers that decide ----------------------------------------------------------------------------------------------


def refuse(server: FaultServer, status: int, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    server.send(error_body("no"), status=status, headers={"content-type": "application/json", **named})


@pytest.mark.wire("B20", "B21")
@pytest.mark.parametrize("value", ["true", "True"])
@pytest.mark.parametrize("status", [400, 401, 404, 422, 503])
def test_a_server_that_says_so_is_asked_again(loopback: FaultServer, status: int, value: str) -> None:
    refuse(loopback, status, x_should_retry=value, retry_after_ms="1")
    loopback.send(chat_body("Hello"))
    result = ask(loopback.base_url, max_retries=2)
    assert (*verdict(result), result.attempts) == ("completed", "Hello", "", 2)


@pytest.mark.wire("B20", "B21")
@pytest.mark.parametrize("value", ["false", "False"])
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503, 529])
def test_a_server_that_says_so_is_not_asked_again(loopback: FaultServer, status: int, value: str) -> None:
    refuse(loopback, status, x_should_retry=value, retry_after_ms="1")
    result = ask(loopback.base_url, max_retries=2)
    assert (result.state, result.attempts, len(loopback.requests)) == ("failed", 1, 1)
    assert result.error is not None
    assert (result.error.retryable, result.error.status) == (False, status)


@pytest.mark.wire("B20", "B21")
@pytest.mark.parametrize(("status", "sent"), [(503, 2), (400, 1)])
@pytest.mark.parametrize("value", ["", "perhaps", "1"])
def test_what_is_neither_decides_nothing(loopback: FaultServer, value: str, status: int, sent: int) -> None:
    refuse(loopback, status, x_should_retry=value, retry_after_ms="1")
    assert ask(loopback.base_url, max_retries=1).attempts == sent


@pytest.mark.wire("B20")
def test_a_quota_is_not_waited_for_whatever_the_pause(loopback: FaultServer) -> None:
    body = error_body("used up", code="insufficient_quota")
    loopback.send(body, status=429, headers={"content-type": "application/json", "retry-after-ms": "1"})
    result = ask(loopback.base_url, max_retries=2)
    assert (*verdict(result), len(loopback.requests)) == ("failed", "", "quota", 1)


@pytest.mark.wire("B09", "B10")
@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("before", ["", ": ping\n\n", 'data: {"choices":[],"model":"m-1"}\n\n'])
def test_a_connection_that_breaks_before_the_answer_is_tried_again(
    loopback: FaultServer, before: str, then: Any
) -> None:
    loopback.send(before, then=then)
    loopback.send(chat_body("Hello"))
    result = ask(loopback.base_url, max_retries=1)
    assert (*verdict(result), result.attempts, result.model) == ("completed", "Hello", "", 2, "m")


@pytest.mark.wire("B09")
def test_a_server_that_closes_without_a_word_is_tried_again(loopback: FaultServer) -> None:
    loopback.send(head=b"", then="close")
    loopback.send(chat_body("Hello"))
    result = ask(loopback.base_url, max_retries=1)
    assert (*verdict(result), result.attempts) == ("completed", "Hello", "", 2)
