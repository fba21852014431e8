"""Streams as OpenTelemetry's spans and metrics, read from the exporters of its SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from traitlets import TraitError

import nbstream as nbs
from nbstream.errors import ConnectionLostError, RateLimitError
from nbstream.testing import ScriptedAttempts, ScriptedBytes, ScriptedStream, chat_body, chat_chunk, responses_body
from tests.reach import holders_of
from tests.tools.wire import calling

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from nbstream.testing import FaultServer
    from tests.telemetry.conftest import Exported

KEY = "sk-" + "0123456789abcdef" * 2
ANSWER = chat_body("Hel", "lo", usage=(3, 2), model="m-2026")


def ask(source: Any, prompt: str = "A private question", **options: Any) -> nbs.StreamResult:
    options = {"model": "m", "api": "chat", "base_url": "https://llm.example/v1", "api_key": KEY, **options}
    return nbs.start(prompt, source=source, display=False, **options).result(60)


def tree(spans: Sequence[ReadableSpan]) -> list[tuple[str, str | None]]:
    """The name of each span and that of the one around it."""
    names = {span.context.span_id: span.name for span in spans if span.context}
    return [(span.name, None if span.parent is None else names.get(span.parent.span_id, "?")) for span in spans]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_request_is_a_span_below_that_of_the_code_that_asks(exported: Exported) -> None:
    tracer = exported.tracing.get_tracer("application")
    with tracer.start_as_current_span("cell"):
        ask(ScriptedBytes(ANSWER), temperature=0.5, max_tokens=7, seed=3)
    cell, chat = exported.spans()
    assert tree([cell, chat]) == [("cell", None), ("chat m", "cell")]
    assert (chat.kind, chat.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)
    told = attributes(chat)
    assert 0 <= told.pop("gen_ai.response.time_to_first_chunk") < 60
    assert told.pop("nbstream.stream") > 0
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 7,
        "gen_ai.request.seed": 3,
        "gen_ai.output.type": "text",
        "openai.api.type": "chat_completions",
        "server.address": "llm.example",
        "server.port": 443,
        "gen_ai.response.model": "m-2026",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 2,
        "nbstream.state": "completed",
        "nbstream.request_id": "req_1",
    }


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://me.openai.azure.com/openai/v1", "azure.ai.openai"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("http://localhost:11434/v1", "openai"),
        ("https://notgroq.com.example/v1", "openai"),
    ],
)
def test_the_provider_is_named_as_the_conventions_name_it(url: str, provider: str, exported: Exported) -> None:
    ask(ScriptedBytes(ANSWER), base_url=url)
    (chat,) = exported.spans()
    assert attributes(chat)["gen_ai.provider.name"] == provider


def test_both_apis_are_traced_alike(exported: Exported) -> None:
    ask(ScriptedBytes(responses_body("Hello", usage=(3, 2))), api="responses")
    (chat,) = exported.spans()
    told = attributes(chat)
    assert (told["openai.api.type"], told["gen_ai.usage.output_tokens"]) == ("responses", 2)


def test_each_attempt_is_a_span_below_its_request(exported: Exported) -> None:
    refused = RateLimitError("Slow down.", status=429, retryable=True, retry_after=0.001, request_id="req_0")
    lost = ConnectionLostError("It broke.", retryable=True, retry_after=0.001)
    ask(ScriptedAttempts(refused, ScriptedStream(lost), ScriptedBytes(ANSWER)))  # type: ignore[arg-type]  # opened alike
    chat, *attempts = spans = exported.spans()
    assert tree(spans) == [("chat m", None)] + [(f"attempt {number}", "chat m") for number in (1, 2, 3)]
    assert [attributes(each) for each in attempts] == [
        {"http.response.status_code": 429, "nbstream.request_id": "req_0", "error.type": "rate_limit"},
        {"http.request.resend_count": 1, "error.type": "connection_lost"},
        {"http.request.resend_count": 2},
    ]
    ends = [each.end_time or 0 for each in attempts]
    assert ends == sorted(ends)
    assert [each.status.status_code for each in (chat, *attempts)] == [
        StatusCode.UNSET,
        StatusCode.ERROR,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]


@nbs.tool(safe=True)
def double(number: int) -> int:
    """Double a number."""
    return 2 * number


@nbs.tool(safe=True)
def fail() -> int:
    """Fail."""
    raise ZeroDivisionError


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_calls_are_spans_below_the_request_that_asked_for_them(
    api: str, loopback: FaultServer, exported: Exported
) -> None:
    loopback.send(calling(api, ("double", {"number": 21}), ("fail", {})))
    loopback.send((chat_body if api == "chat" else responses_body)("42"))
    options = {"model": "m", "base_url": loopback.base_url, "display": False, "api": api}
    assert nbs.stream("Double 21", tools=[double, fail], **options).text == "42"  # type: ignore[arg-type]
    spans = exported.spans()
    outer, first, *_, last = spans
    calls = {span.name: span for span in spans if span.name.startswith("execute_tool")}
    assert sorted(tree(spans), key=str) == sorted(
        [
            ("invoke_agent", None),
            ("chat m", "invoke_agent"),
            ("chat m", "invoke_agent"),
            ("execute_tool double", "chat m"),
            ("execute_tool fail", "chat m"),
        ],
        key=str,
    )
    assert {span.parent.span_id for span in calls.values() if span.parent} == {first.context and first.context.span_id}
    assert attributes(first)["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert attributes(last)["gen_ai.response.finish_reasons"] == ("stop",)
    told = attributes(calls["execute_tool double"])
    assert told.pop("gen_ai.tool.call.id").endswith("_0_0")
    assert told == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "double",
        "gen_ai.tool.type": "function",
        "nbstream.tool.state": "completed",
    }
    assert attributes(calls["execute_tool fail"])["error.type"] == "exception"
    begun = [span.start_time or 0 for span in (outer, first, *calls.values(), last)]
    assert begun == sorted(begun)
    assert (first.end_time or 0) <= (last.start_time or 0)
    assert (last.end_time or 0) <= (outer.end_time or 0)


def test_how_a_stream_ends_is_told(exported: Exported) -> None:
    with pytest.raises(nbs.StreamError):
        ask(ScriptedBytes(chat_chunk("Hel"), ConnectionResetError()), max_retries=0)
    ask(ScriptedBytes(ANSWER), stop_when="Hel")
    handle = nbs.start("Hi", source=ScriptedBytes(chat_chunk("Hel"), 60.0), model="m", api="chat", display=False)
    next(iter(handle))
    handle.cancel()
    handle.result(60)
    failed, stopped, cancelled = exported.spans()
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, None)
    assert (attributes(failed)["error.type"], attributes(failed)["nbstream.state"]) == ("connection_lost", "failed")
    assert [attributes(each)["nbstream.state"] for each in (stopped, cancelled)] == ["completed", "cancelled"]
    assert [each.status.status_code for each in (stopped, cancelled)] == [StatusCode.UNSET] * 2


def test_content_is_traced_on_demand_only_and_the_key_never(exported: Exported) -> None:
    echo = chat_body(f"Your key is {KEY}")
    ask(ScriptedBytes(echo), system="Be brief.")
    nbs.configure(log_content=True)
    ask(ScriptedBytes(chat_body("Hello")), system="Be brief.", prompt=f"My key is {KEY}", allow_secrets=True)
    without, with_it = exported.spans()
    words = json.dumps(attributes(without))
    assert not any(each in words for each in ("private", "Your key", "brief"))
    told = {
        name: json.loads(value)
        for name, value in attributes(with_it).items()
        if name.endswith(("s.messages", "t.messages", "instructions"))
    }
    assert told == {
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "My key is <key>"}]}],
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": "Hello"}], "finish_reason": "stop"}
        ],
    }
    assert not holders_of(KEY, attributes(without), attributes(with_it))


def test_tokens_and_times_are_measured(exported: Exported) -> None:
    ask(ScriptedBytes(ANSWER))
    ask(ScriptedBytes(ANSWER))
    with pytest.raises(nbs.StreamError):
        ask(ScriptedBytes(chat_chunk("Hel"), ConnectionResetError()), max_retries=0)
    found = exported.measured()
    assert set(found) == {
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
    }
    tokens = {told["gen_ai.token.type"]: (total, told) for total, told in found["gen_ai.client.token.usage"]}
    assert {kind: total for kind, (total, _) in tokens.items()} == {"input": 6, "output": 4}
    assert tokens["input"][1] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m-2026",
        "gen_ai.token.type": "input",
        "server.address": "llm.example",
        "server.port": 443,
    }
    errors = [told.get("error.type") for _, told in found["gen_ai.client.operation.duration"]]
    assert sorted(errors, key=str) == sorted([None, "connection_lost"], key=str)


def test_a_replay_has_used_no_tokens(loopback: FaultServer, exported: Exported, tmp_path: pathlib.Path) -> None:
    loopback.send(ANSWER)
    options: dict[str, Any] = {"model": "m", "api": "chat", "base_url": loopback.base_url, "display": False}
    nbs.stream("Hi", record=tmp_path / "hi.jsonl", **options)
    nbs.stream("Hi", replay=tmp_path / "hi.jsonl", **options)
    asked, played = exported.spans()
    assert "nbstream.replayed" not in attributes(asked)
    assert attributes(played)["nbstream.replayed"] is True
    assert sorted(total for total, _ in exported.measured()["gen_ai.client.token.usage"]) == [2, 3]


def test_off_means_off(exported: Exported) -> None:
    nbs.configure(opentelemetry="off")
    ask(ScriptedBytes(ANSWER))
    assert exported.spans() == []


def test_a_provider_that_fails_hurts_nobody(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(trace, "get_tracer_provider", broken)
    assert ask(ScriptedBytes(ANSWER)).text == "Hello"
    assert "could not trace a stream" in caplog.text


ASK = """
import os, sys
os.environ["NBSTREAM_DEMO_PACE"] = "instant"
import nbstream
{before}
assert nbstream.stream("hello", model="demo", display=False).text
"""


def test_nothing_of_it_is_imported_for_somebody_who_does_not_use_it() -> None:
    code = ASK.format(before="") + "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_only_shares_its_name_is_no_reason_to_trace() -> None:
    code = "import sys, types; sys.modules['opentelemetry'] = types.ModuleType('opentelemetry')\n"
    subprocess.run([sys.executable, "-c", code + ASK.format(before="")], check=True)


def test_an_application_that_has_set_nothing_up_is_not_traced() -> None:
    code = ASK.format(before="import opentelemetry.metrics, opentelemetry.trace")
    code += "from nbstream.telemetry.following import followers\nassert followers() == []"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_to_ask_for_it_without_the_package_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbstream.settings.config.find_spec", lambda _: None)
    with pytest.raises((TraitError, nbs.errors.UsageError), match="nbstream\\[telemetry\\]"):
        nbs.configure(opentelemetry="on")
