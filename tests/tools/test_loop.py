"""Answers that call tools, over real HTTP on both APIs: what runs, how often, what is sent back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.testing import chat_body, responses_body
from nbstream.tools.approval import Approved, Denied
from tests.tools.wire import calling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbstream.streaming.handle import StreamHandle
    from nbstream.testing import FaultServer
    from nbstream.tools.approval import Question

pytestmark = [pytest.mark.sdk, pytest.mark.parametrize("api", ["chat", "responses"])]


@pytest.fixture
def asking(loopback: FaultServer, api: str) -> Callable[..., nbs.StreamResult]:
    """Ask with tools; the first answers call, the last says `Done.`"""

    def ask(*rounds: bytes, **options: Any) -> nbs.StreamResult:
        for body in rounds:
            loopback.send(body)
        loopback.send(chat_body("Do", "ne.") if api == "chat" else responses_body("Do", "ne."))
        named: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "max_retries": 0, "display": False}
        return nbs.stream("Add.", **{"api": api, **named, **options})

    return ask


def added() -> tuple[nbs.tool, list[tuple[int, int]]]:  # type: ignore[valid-type]
    calls: list[tuple[int, int]] = []

    @nbs.tool(safe=True)
    def add(a: int, b: int = 0) -> int:
        """Add."""
        assert threading.current_thread() is threading.main_thread()
        calls.append((a, b))
        return a + b

    return add, calls


def outputs_in(request: dict[str, Any]) -> list[str]:
    """The results that a request sends back."""
    messages = request.get("messages") or request["input"]
    return [
        each.get("content") if each.get("role") == "tool" else each["output"]
        for each in messages
        if each.get("role") == "tool" or each.get("type") == "function_call_output"
    ]


def test_results_go_back_and_the_answer_continues(
    asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer
) -> None:
    add, calls = added()
    first = calling(api, ("add", {"a": 1, "b": 2}), ("add", {"a": 5}), text="Let me see.")
    second = calling(api, ("add", {"a": 3, "b": 5}), round_=1)
    result = asking(first, second, tools=[add])
    assert result.text == "Let me see.\n\nDone."
    assert calls == [(1, 2), (5, 0), (3, 5)]
    assert [(each.run.state, each.run.output) for each in result.tool_runs if each.run] == [
        ("completed", "3"),
        ("completed", "5"),
        ("completed", "8"),
    ]
    assert [call.id for call in result.tool_calls] == ["call_0_0", "call_0_1", "call_1_0"]
    assert [part.type for part in result.parts if part.type != "reasoning"] == [
        *("text", "tool_call", "tool_call", "tool_call", "text")
    ]
    assert [each.finish_reason for each in result.rounds] == ["tool_calls", "tool_calls", "stop"]
    requests = [each.json for each in loopback.requests]
    assert [outputs_in(each) for each in requests] == [[], ["3", "5"], ["3", "5", "8"]]


def test_the_server_is_sent_what_it_wants_back(
    asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer
) -> None:
    add, _ = added()
    asking(calling(api, ("add", {"a": 1}), text="Let me see."), tools=[add])
    sent = loopback.requests[1].json
    if api == "chat":
        assistant = sent["messages"][1]
        assert assistant["reasoning_content"] == "Hm. "
        assert assistant["content"] == "Let me see."
        assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == {"a": 1}
        assert sent["messages"][2] == {"role": "tool", "tool_call_id": "call_0_0", "content": "1"}
    else:
        assert [item["type"] for item in sent["input"]] == [
            *("message", "reasoning", "message", "function_call", "function_call_output")
        ]
        assert sent["input"][1] == {"type": "reasoning", "id": "rs_0", "summary": [], "encrypted_content": "c2VjcmV0"}


def test_what_goes_wrong_is_told_to_the_model(asking: Callable[..., nbs.StreamResult], api: str) -> None:
    @nbs.tool(safe=True)
    def fails(a: int) -> int:
        raise ValueError(f"not {a}")

    @nbs.tool(safe=True)
    def odd() -> object:
        return object()

    @nbs.tool(safe=True, timeout=0.05)
    async def slow() -> None:
        await asyncio.sleep(60)

    calls = [("fails", {"a": 1}), ("fails", {"b": 1}), ("odd", {}), ("slow", {}), ("nobody", {})]
    result = asking(calling(api, *calls), tools=[fails, odd, slow])
    runs = [each.run for each in result.tool_runs]
    assert [run and (run.state, run.error) for run in runs] == [
        ("failed", "exception"),
        ("failed", "invalid_arguments"),
        ("failed", "unserialisable"),
        ("unknown", "timeout"),
        ("failed", "unknown_tool"),
    ]
    words = [run.output for run in runs if run]
    assert words[0] == "The tool raised ValueError: not 1."
    assert words[1].startswith("The arguments do not fit: a: Field required")
    assert words[3] == "The tool took longer than 0.05 s."
    assert words[4] == "There is no tool nobody. There are: fails, odd, slow."
    assert result.state == "completed"


@pytest.mark.parametrize(
    ("approve", "ran"),
    [("all", [(1, 0), (2, 0)]), ("none", []), (["add"], [(1, 0), (2, 0)]), (["other"], None), ("ask", None)],
)
def test_who_allows_a_call(
    asking: Callable[..., nbs.StreamResult], api: str, approve: Any, ran: list[tuple[int, int]] | None
) -> None:
    add, calls = added()
    add.safe = False  # type: ignore[attr-defined]
    body = calling(api, ("add", {"a": 1}), ("add", {"a": 2}))
    if ran is None:
        with pytest.raises(
            nbs.StreamError, match=r"wants to call add, and nobody can be asked here.*approve=\["
        ) as caught:
            asking(body, tools=[add], approve=approve)
        assert caught.value.kind == "approval"
        assert [each.run and each.run.state for each in caught.value.result.tool_runs] == ["denied", "denied"]
        assert calls == []
        return
    result = asking(body, tools=[add], approve=approve)
    assert calls == ran
    assert result.text == "Done."


def test_a_function_decides(asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer) -> None:
    add, calls = added()

    def decide(question: Question) -> Any:
        match question.arguments["a"]:
            case 1:
                return True
            case 2:
                return Approved(question.digest, {"a": 20})
            case 3:
                return Denied("Three is too many.")
            case 4:
                return Approved("of another call")
        raise RuntimeError("undecided")

    asking(calling(api, *(("add", {"a": number}) for number in range(1, 6))), tools=[add], approve=decide)
    assert calls == [(1, 0), (20, 0)]
    outputs = outputs_in(loopback.requests[1].json)
    assert outputs[:2] == ["1", "20"]
    errors = [json.loads(output)["error"] for output in outputs[2:]]
    refused = "The user did not allow this call; do not try it again."
    assert errors[0] == {"type": "denied", "message": f"{refused} The reason: Three is too many.", "retry": False}
    assert errors[1]["message"].startswith(refused)
    assert "undecided" in errors[2]["message"]


def test_what_is_allowed_for_good_runs_unless_the_stream_says_no(
    asking: Callable[..., nbs.StreamResult], api: str
) -> None:
    add, calls = added()
    add.safe = False  # type: ignore[attr-defined]
    add.always = True  # type: ignore[attr-defined]
    body = calling(api, ("add", {"a": 1}))
    asking(body, tools=[add], approve="none")
    assert calls == []
    asking(body, tools=[add])
    assert calls == [(1, 0)]


def test_the_key_does_not_get_into_results(
    asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-0123456789abcdefghij"
    monkeypatch.setenv("SOME_KEY", key)

    @nbs.tool(safe=True)
    def variable(name: str) -> str:
        print(os.environ[name])
        if name != "SOME_KEY":
            raise ValueError(os.environ["SOME_KEY"])
        return f"It is {os.environ[name]}."

    calls = ("variable", {"name": "SOME_KEY"}), ("variable", {"name": "PATH"})
    result = asking(calling(api, *calls), tools=[variable], api_key=key)
    assert [part.run.output for part in result.tool_runs if part.run] == [
        "It is <key>.",
        "The tool raised ValueError: <key>.",
    ]
    assert key not in json.dumps(loopback.requests[-1].json)
    assert key not in repr(result.parts)


def test_there_are_only_so_many_rounds(
    asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer
) -> None:
    add, calls = added()
    bodies = [calling(api, ("add", {"a": number}), round_=number) for number in range(3)]
    result = asking(*bodies, tools=[add], max_rounds=2)
    assert calls == [(0, 0)]
    assert (result.state, result.finish_reason, len(loopback.requests)) == ("completed", "tool_calls", 2)
    [warning] = [each for each in result.warnings if each.kind == "too_many_rounds"]
    assert warning.message.startswith("The model wanted to call tools again after 2 requests")


def test_calls_of_plain_definitions_are_handed_back(asking: Callable[..., nbs.StreamResult], api: str) -> None:
    add, calls = added()
    plain = {"type": "function", "function": {"name": "other", "parameters": {}}}
    plain = plain if api == "chat" else {"type": "function", "name": "other", "parameters": {}}
    result = asking(calling(api, ("add", {"a": 1}), ("other", {})), tools=[add, plain])
    assert [call.name for call in result.tool_calls] == ["add", "other"]
    assert (calls, result.tool_runs) == ([], ())


@pytest.mark.parametrize("how", ["length", "reset"])
def test_a_call_that_is_cut_never_runs(how: str, loopback: FaultServer, api: str) -> None:
    add, calls = added()
    whole = calling(api, ("add", {"a": 1}))
    if how == "reset":
        loopback.send(
            whole[: whole.index(b'"finish_reason"' if api == "chat" else b"response.completed")], then="reset"
        )
    elif api == "chat":
        loopback.send(whole.replace(b'"finish_reason": "tool_calls"', b'"finish_reason": "length"'))
    else:
        details = b'"incomplete_details": {"reason": "max_output_tokens"}, "output"'
        ended = whole.replace(b'"response.completed"', b'"response.incomplete"')
        loopback.send(ended.replace(b'"status": "completed", "output"', details))
    options: Any = {"model": "m", "base_url": loopback.base_url, "api": api, "max_retries": 0, "display": False}
    handle = nbs.start("Add.", tools=[add], **options)
    with contextlib.suppress(nbs.StreamError):
        handle.result(30)
    assert handle.snapshot.finish_reason == ("length" if how == "length" else None)
    assert [call.name for call in handle.snapshot.tool_calls] == ["add"]
    assert (calls, len(loopback.requests)) == ([], 1)


def test_stop_withdraws_a_question(loopback: FaultServer, api: str) -> None:
    add, calls = added()
    asked = threading.Event()

    class Reader:
        def open(self, _: Any, stop: Callable[[], None]) -> None:
            self.stop = stop

        def draw(self, snapshot: Any) -> None: ...
        def close(self, result: Any) -> None: ...

        def ask(self, question: Question) -> bool:
            self.question = question
            asked.set()
            return True

        def withdraw(self, question: Question) -> None:
            self.withdrawn = question

    from nbstream.api import launch
    from nbstream.settings.resolution import resolve
    from nbstream.streaming.surfaces import Surfaces

    add.safe = False  # type: ignore[attr-defined]
    loopback.send(calling(api, ("add", {"a": 1})))
    named: Any = {"model": "m", "base_url": loopback.base_url, "api": api}
    request = resolve("Add.", tools=[add], **named)
    reader = Reader()
    handle = launch(request, Surfaces([reader]), None, lambda *_: None)  # type: ignore[arg-type]
    assert asked.wait(30)
    assert [each.run and each.run.state for each in handle.snapshot.tool_runs] == ["waiting"]
    handle.cancel()
    result = handle.result(30)
    assert (result.state, calls) == ("cancelled", [])
    assert [each.run and each.run.state for each in result.tool_runs] == ["denied"]
    assert reader.withdrawn is reader.question
    assert not reader.question.answer(Approved(reader.question.digest)), "it came too late"


def test_a_chat_sends_calls_and_results_again(
    make_chat: Callable[..., nbs.Chat], loopback: FaultServer, api: str, tmp_path: Path
) -> None:
    add, _ = added()
    chat = make_chat(api=api, tools=[add])
    done = (chat_body if api == "chat" else responses_body)("Three.")
    for body in (calling(api, ("add", {"a": 1, "b": 2}), text="Let me see."), done, done):
        loopback.send(body)
    chat.stream("1 + 2?", display=False)
    chat.save(tmp_path / "chat.json")
    loaded = nbs.Chat.load(tmp_path / "chat.json")
    loaded.configure(base_url=loopback.base_url, model="m", api=api)
    [run] = [part.run for part in loaded.turns[1].result.tool_runs]
    assert run is not None
    assert (run.state, run.output) == ("completed", "3")
    loaded.stream("And now?", display=False)
    sent = loopback.requests[2].json
    if api == "chat":
        assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "tool", "assistant", "user"]
        assert [message["content"] for message in sent["messages"]] == [
            *("1 + 2?", "Let me see.", "3", "Three.", "And now?")
        ]
    else:
        assert [item["type"] for item in sent["input"]] == [
            *("message", "message", "function_call", "function_call_output", "message", "message")
        ]
    assert "tools" not in sent, "functions are not saved"


def test_a_slip_in_the_names_that_are_allowed_is_told(asking: Callable[..., nbs.StreamResult]) -> None:
    add, _ = added()
    with pytest.raises(UsageError, match="approve names 'ad', which is no tool here; did you mean add"):
        asking(tools=[add], approve=["ad"])
    assert asking(tools=[add], approve=["search_of_the_provider"]).text == "Done."


@pytest.mark.parametrize("caught", [False, True], ids=["raised", "caught"])
def test_an_interrupt_reaches_the_tool_and_ends_the_answer(
    asking: Callable[..., nbs.StreamResult], api: str, *, caught: bool
) -> None:
    went_on: list[bool] = []

    @nbs.tool(safe=True)
    def interrupted() -> str:
        try:
            signal.raise_signal(signal.SIGINT)
            time.sleep(30)
        except KeyboardInterrupt:
            went_on.append(True)
            if not caught:
                raise
        return "done all the same"

    if caught:
        assert asking(calling(api, ("interrupted", {})), tools=[interrupted]).text == "Done."
    else:
        with pytest.raises(KeyboardInterrupt):
            asking(calling(api, ("interrupted", {})), tools=[interrupted])
    assert went_on == [True]


def test_where_a_tool_runs(loopback: FaultServer, api: str) -> None:
    threads: list[str] = []

    @nbs.tool(safe=True)
    def here() -> None:
        threads.append(threading.current_thread().name)

    @nbs.tool(safe=True)
    async def awaited() -> None:
        threads.append(f"{threading.current_thread().name}, {asyncio.get_running_loop() is loop}")

    done = (chat_body if api == "chat" else responses_body)("Done.")
    options: Any = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
    options["tools"] = [here, awaited]
    loop: asyncio.AbstractEventLoop | None = None

    def ask() -> StreamHandle:
        loopback.send(calling(api, ("here", {}), ("awaited", {})))
        loopback.send(done)
        return nbs.start("Go.", **options)

    async def main() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        loopback.send(calling(api, ("here", {}), ("awaited", {})))
        loopback.send(done)
        await nbs.astream("Go.", **options)

    loopback.send(calling(api, ("here", {}), ("awaited", {})))
    loopback.send(done)
    nbs.stream("Go.", **options)
    assert sorted(threads) == ["MainThread", "nbstream-tool, False"]
    threads.clear()
    asyncio.run(main())
    assert sorted(threads) == ["MainThread", "MainThread, True"]
    threads.clear()
    ask().result(30)
    assert sorted(threads) == ["nbstream-tool", "nbstream-tool, False"]


def test_what_cannot_be_stopped_is_said_to_go_on(loopback: FaultServer, api: str) -> None:
    began, go_on = threading.Event(), threading.Event()

    @nbs.tool(safe=True)
    def wait() -> None:
        began.set()
        go_on.wait(20)

    loopback.send(calling(api, ("wait", {})))
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
    handle = nbs.start("Wait.", tools=[wait], **options)
    assert began.wait(20)
    handle.cancel()
    [call] = handle.result(20).tool_runs
    go_on.set()
    assert call.run is not None
    assert (call.run.state, call.run.output) == (
        "unknown",
        "The answer was stopped while the tool ran. It could not be stopped, and may still be running.",
    )
