"""Answers whose tools have run, continued: the results go back, nothing runs again, and new calls run here."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import StreamError, UsageError
from nbstream.parts import ToolCallPart, ToolRun
from nbstream.tools.call_messages import call_messages
from tests.chats import half, whole
from tests.tools.test_loop import outputs_in
from tests.tools.wire import calling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbstream.testing import FaultServer

pytestmark = [pytest.mark.sdk, pytest.mark.parametrize("api", ["chat", "responses"])]

RAN: list[tuple[int, str]] = []


@nbs.tool(safe=True)
def add(a: int) -> int:
    """Add one."""
    RAN.append((a, threading.current_thread().name))
    return a + 1


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


def broken(ask: Callable[[], nbs.StreamResult]) -> nbs.StreamResult:
    with pytest.raises(StreamError) as caught:
        ask()
    return caught.value.result


def roles(request: dict[str, Any]) -> list[str]:
    return [each.get("role") or each["type"] for each in request.get("messages") or request["input"]]


def cut_in_its_third_round(loopback: FaultServer, api: str) -> None:
    """Two rounds with calls, then words that break off; then the rest, which calls once more."""
    loopback.send(calling(api, ("add", {"a": 1}), text="Let me see."))
    loopback.send(calling(api, ("add", {"a": 5}), round_=1))
    loopback.send(half("Two and ", api=api), then="close")
    loopback.send(calling(api, ("add", {"a": 7}), text="six.", round_=2))
    loopback.send(whole("Eight.", api=api))


@pytest.mark.parametrize("way", ["result", "chat", "file"])
def test_what_breaks_off_after_calls_goes_on(
    make_chat: Callable[..., nbs.Chat], loopback: FaultServer, api: str, way: str, tmp_path: Path
) -> None:
    cut_in_its_third_round(loopback, api)
    chat = make_chat(api=api, tools=[add])
    cut = broken(lambda: chat.stream("Add.", display=False))
    assert (cut.text, [a for a, _ in RAN]) == ("Let me see.\n\nTwo and ", [1, 5])
    if way == "file":
        chat.save(tmp_path / "chat.json")
        chat = nbs.Chat.load(tmp_path / "chat.json")
        chat.configure(base_url=loopback.base_url, model="m", api=api, max_retries=0, tools=[add])
    result = cut.resume(display=False) if way == "result" else chat.resume(display=False).wait()
    assert result.text == "Let me see.\n\nTwo and six.\n\nEight."
    assert [a for a, _ in RAN] == [1, 5, 7]
    assert [each.run and each.run.output for each in result.tool_runs] == ["2", "6", "8"]
    assert len(result.rounds) == 5
    resumed = loopback.requests[3].json
    assert outputs_in(resumed) == ["2", "6"]
    assert (resumed.get("messages") or resumed["input"])[-1]["role"] == "assistant"
    assert chat.turns[-1].result.text == result.text
    assert len(chat.turns) == 2


def test_new_calls_run_where_the_caller_waits(loopback: FaultServer, api: str) -> None:
    loopback.send(half("Well, ", api=api), then="close")
    loopback.send(calling(api, ("add", {"a": 1})))
    loopback.send(whole("Two.", api=api))
    named: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "max_retries": 0}
    cut = broken(lambda: nbs.stream("Add.", tools=[add], display=False, **named))
    assert cut.resume(display=False).text == "Well, \n\nTwo."
    assert RAN == [(1, "MainThread")]


@pytest.mark.parametrize("way", ["result", "chat"])
def test_what_was_stopped_while_a_tool_ran_is_not_run_again(
    make_chat: Callable[..., nbs.Chat], loopback: FaultServer, api: str, way: str
) -> None:
    begun, ran = threading.Event(), []

    @nbs.tool(safe=True)
    async def send(to: str) -> str:
        """Send."""
        ran.append(to)
        begun.set()
        await asyncio.sleep(60)
        return "sent"

    loopback.send(calling(api, ("send", {"to": "Ada"})))
    loopback.send(whole("It may have been sent.", api=api))
    chat = make_chat(api=api, tools=[send])
    handle = chat.start("Send.", display=False)
    begun.wait(30)
    handle.cancel()
    stopped = end_of(handle)
    assert [each.run and each.run.state for each in stopped.tool_runs] == ["unknown"]
    result = stopped.resume(display=False) if way == "result" else chat.resume(display=False).wait()
    assert result.text == "It may have been sent."
    [told] = outputs_in(loopback.requests[1].json)
    assert json.loads(told)["error"]["retry"] is False
    assert ran == ["Ada"]
    if api == "responses":  # in the form in which it came
        assert roles(loopback.requests[1].json)[1:3] == ["reasoning", "function_call"]
    else:
        assert loopback.requests[1].json["messages"][1]["reasoning_content"] == "Hm. "


def end_of(handle: Any) -> nbs.StreamResult:
    try:
        result: nbs.StreamResult = handle.result(30)
    except StreamError as error:
        return error.result
    return result


@pytest.mark.parametrize(("error", "may_retry"), [("stopped", True), ("denied", False)])
def test_what_was_stopped_before_it_was_allowed_may_be_asked_again(api: str, error: str, *, may_retry: bool) -> None:
    del api
    call = ToolCallPart("c", "send", "{}", run=ToolRun("denied", "No.", error))
    [_, answered] = call_messages("", [call])
    assert ("retry" not in json.loads(answered["content"])["error"]) == may_retry


def test_a_policy_decides_at_once(api: str) -> None:
    async def decide(_: object) -> bool:
        return True

    with pytest.raises(UsageError, match="approve cannot be an async function"):
        nbs.stream("Add.", model="demo", api=api, tools=[add], approve=decide, display=False)  # type: ignore[arg-type]
