"""Custom tools, which are given free text, with the demo on both APIs; and images that tools return."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.events import ToolCallAttempted, ToolCallCompleted, ToolCallDelta
from nbstream.testing import chat_body, responses_body
from tests.tools.wire import calling

if TYPE_CHECKING:
    from nbstream.demo import DemoServer
    from nbstream.testing import FaultServer

pytestmark = [pytest.mark.sdk, pytest.mark.parametrize("api", ["chat", "responses"])]

GRAMMAR = {"type": "grammar", "syntax": "regex", "definition": "[a-z]+"}


def test_a_custom_tool_is_given_text_and_answered(api: Any, demo: DemoServer) -> None:
    assert demo.base_url
    ran: list[str] = []

    @nbs.tool(safe=True, format=GRAMMAR)
    def run(code: str) -> str:
        """Run some code."""
        ran.append(code)
        return "2"

    asked: dict[str, Any] = {"model": "demo", "api": api, "display": False, "tools": [run]}
    handle = nbs.start('Call run("print(1 + 1)"), then run("x")', **asked)
    result = handle.result(30)
    assert ran == ["print(1 + 1)", "x"]
    assert [(call.custom, call.arguments, call.run and call.run.output) for call in result.tool_runs] == [
        (True, "print(1 + 1)", "2"),
        (True, "x", "2"),
    ]
    assert "run print(1 + 1)`: 2" in result.text
    told = [event for event in handle.events() if isinstance(event, ToolCallAttempted | ToolCallCompleted)]
    assert [type(each).__name__ for each in told] == ["ToolCallAttempted", "ToolCallCompleted"] * 2
    assert isinstance(told[0], ToolCallAttempted)
    assert told[0].arguments == "print(1 + 1)"
    assert any(event.arguments for event in handle.events() if isinstance(event, ToolCallDelta)), "shown as it comes"


def test_it_is_told_in_the_words_of_each_api(api: str) -> None:
    def run(code: str) -> None:
        """Run some code."""

    plain, held = nbs.tool(custom=True)(run), nbs.tool(format=GRAMMAR)(run)
    about: dict[str, Any] = {"name": "run", "description": "Run some code."}
    if api == "responses":
        assert plain.definition(api) == {"type": "custom", **about}
        assert held.definition(api) == {"type": "custom", **about, "format": GRAMMAR}
    else:
        grammar = {"syntax": "regex", "definition": "[a-z]+"}
        assert plain.definition(api) == {"type": "custom", "custom": about}
        assert held.definition(api)["custom"]["format"] == {"type": "grammar", "grammar": grammar}
        assert nbs.tool(format={"type": "grammar", "grammar": grammar})(run).format == GRAMMAR


def test_what_cannot_be_a_custom_tool(api: str) -> None:
    del api

    def two(a: str, b: str) -> None: ...
    def number(a: int) -> None: ...
    def text(a: str) -> None: ...

    for function in (two, number):
        with pytest.raises(UsageError, match="is given free text, so its function takes one parameter: text: str"):
            nbs.tool(custom=True)(function)
    for given in ({}, {"type": "grammar", "syntax": "ebnf", "definition": ""}, "lark"):
        with pytest.raises(UsageError, match="the format of the tool text is"):
            nbs.tool(format=given)(text)  # type: ignore[arg-type]


def test_images_go_back_as_each_api_takes_them(api: Any, loopback: FaultServer) -> None:
    @nbs.tool(safe=True)
    def draw(name: str) -> Any:
        written = io.BytesIO()
        Image.new("RGB", (3, 2), name).save(written, "PNG")
        return written.getvalue()

    loopback.send(calling(api, ("draw", {"name": "red"}), ("draw", {"name": "blue"})))
    loopback.send((chat_body if api == "chat" else responses_body)("Done."))
    named: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
    result = nbs.stream("Draw.", tools=[draw], **named)
    assert [len(call.run.images) for call in result.tool_runs if call.run] == [1, 1]
    sent = loopback.requests[1].json
    if api == "responses":
        outputs = [item["output"] for item in sent["input"] if item["type"] == "function_call_output"]
        assert [[part["type"] for part in output] for output in outputs] == [["input_text", "input_image"]] * 2
        assert outputs[0][1]["image_url"].startswith("data:image/png;base64,iVBOR")
    else:
        *_, one, other, images = sent["messages"]
        assert [one["role"], other["role"], images["role"]] == ["tool", "tool", "user"]
        assert one["content"] == "An image (image/png, 0.1 kB).\nThe next message of the user's shows it."
        assert [part["type"] for part in images["content"]] == ["text", "image_url"] * 2
        assert images["content"][2]["text"] == "What the call call_0_1 returned:"


def test_prints_of_a_tool_that_no_cell_waits_for_are_kept(api: Any, loopback: FaultServer, capsys: Any) -> None:
    @nbs.tool(safe=True)
    def count() -> int:
        print("One, two.")
        return 2

    named: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
    for waits in (False, True):
        loopback.send(calling(api, ("count", {})))
        loopback.send((chat_body if api == "chat" else responses_body)("Done."))
        handle = nbs.start("Count.", tools=[count], **named)
        [call] = (handle.wait() if waits else handle.result(30)).tool_runs
        assert call.run is not None
        assert call.run.printed == ("" if waits else "One, two.")
    assert capsys.readouterr().out == "One, two.\n", "where a cell waits, it shows it"
