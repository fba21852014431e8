"""What a stream leaves in the standard log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import RateLimitError
from nbstream.testing import ScriptedAttempts, ScriptedBytes, chat_body, chat_chunk
from tests.telemetry.conftest import all_told
from tests.tools.wire import calling

if TYPE_CHECKING:
    from nbstream.testing import FaultServer

KEY = "sk-" + "0123456789abcdef" * 2


def ask(source: Any, prompt: str = "A private question", **options: Any) -> nbs.StreamResult:
    options = {"model": "m", "api": "chat", "base_url": "https://llm.example/v1", "api_key": KEY, **options}
    return nbs.start(prompt, source=source, display=False, **options).result(60)


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    all_told()
    return [record for record in caplog.records if record.name == "nbstream.stream"]


def facts(records: list[logging.LogRecord]) -> list[dict[str, Any]]:
    """What each record says besides which stream it is, and when."""
    told: list[dict[str, Any]] = [dict(vars(record)["nbstream"]) for record in records]
    for each in told:
        assert each.pop("stream") > 0
        assert each.pop("at") >= 0
    return told


def test_nothing_is_logged_unless_somebody_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    ask(ScriptedBytes(chat_body("Hello")))
    with pytest.raises(nbs.StreamError):
        ask(ScriptedBytes(chat_chunk("Hel"), ConnectionResetError()), max_retries=0)
    assert logged(caplog) == []


def test_a_stream_is_a_few_records_without_content(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refused = RateLimitError("You said: private.", status=429, retryable=True, retry_after=0.001, request_id="req_0")
    ask(ScriptedAttempts(refused, ScriptedBytes(chat_body("A secret", usage=(3, 2)))))  # type: ignore[arg-type]  # opened alike
    records = logged(caplog)
    assert {record.levelno for record in records} == {logging.INFO}
    asked, failed, again, opened, ended = facts(records)
    assert asked == {
        "event": "request",
        "attempt": 1,
        "model": "m",
        "server": "llm.example",
        "api": "chat",
        "messages": 1,
    }
    assert again == {**asked, "attempt": 2}
    assert (failed.pop("delay") > 0, failed) == (
        True,
        {"event": "retry", "error": "rate_limit", "status": 429, "request_id": "req_0", "attempt": 2},
    )
    assert opened == {"event": "opened", "request_id": "req_1"}
    assert ended.pop("ttft") <= ended.pop("total")
    assert ended == {
        "event": "end",
        "state": "completed",
        "finish_reason": "stop",
        "model": "m",
        "request_id": "req_1",
        "response_id": "chatcmpl-1",
        "requests": 1,
        "attempts": 2,
        "input_tokens": 3,
        "output_tokens": 2,
    }
    words = "\n".join(record.getMessage() for record in records)
    assert "that failed (rate_limit, 429), attempt 2 follows in" in words
    assert "completed (stop)" in words
    assert "3 tokens in, 2 out" in words
    assert not any(each in words for each in ("private", "secret", KEY))


@nbs.tool(safe=True)
def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def test_calls_are_logged(loopback: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "nbstream")
    loopback.send(calling("chat", ("double", {"number": 21})))
    loopback.send(chat_body("42"))
    nbs.stream("Double", tools=[double], model="m", base_url=loopback.base_url, display=False)
    told = facts(logged(caplog))
    assert [each["event"] for each in told] == [
        *("request", "opened", "ToolCallAttempted", "ToolCallCompleted", "request", "opened", "end")
    ]
    assert told[2] == {"event": "ToolCallAttempted", "name": "double", "call": "call_0_0"}
    assert told[3].pop("seconds") >= 0
    assert told[3] == {"event": "ToolCallCompleted", "name": "double", "call": "call_0_0", "state": "completed"}
    assert told[-1]["requests"] == 2


def test_each_event_is_logged_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "nbstream")
    ask(ScriptedBytes(chat_body("Hel", "lo")))
    records = [record for record in logged(caplog) if record.levelno == logging.DEBUG]
    assert [each["event"] for each in facts(records)] == [
        *("Started", "TextDelta", "TextDelta", "Finished", "EndOfStream")
    ]
    assert "Hel" not in caplog.text


def test_content_is_logged_on_demand_only_and_the_key_never(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "nbstream")
    nbs.configure(log_content=True)
    ask(ScriptedBytes(chat_body("Hel", "lo\x1b[2J")), prompt=f"My key is {KEY}\nand a line", allow_secrets=True)
    asked, *_, ended = facts(logged(caplog))
    assert asked["content"]["messages"] == [{"role": "user", "content": "My key is <key>\nand a line"}]
    assert ended["content"] == {"text": "Hello\x1b[2J"}
    lines = [record.getMessage() for record in logged(caplog)]
    assert any(line.endswith("TextDelta: 'Hel'") for line in lines)
    assert not any("\n" in line or "\x1b" in line or KEY in line for line in lines)


def test_a_failure_is_told_in_a_word(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "nbstream")
    with pytest.raises(nbs.StreamError):
        ask(ScriptedBytes(chat_chunk("Hel"), ConnectionResetError()), max_retries=0)
    *_, ended = facts(logged(caplog))
    assert (ended["state"], ended["error"]) == ("failed", "connection_lost")
