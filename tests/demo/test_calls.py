"""The demo calls tools: those that a question calls in Python's words, on both APIs, as the SDK reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.demo.calls import calls_of
from nbstream.demo.picture import pictures
from nbstream.demo.request import Message
from nbstream.parts import ActivityPart

if TYPE_CHECKING:
    import openai

    from nbstream.demo import DemoServer

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}
FUNCTION = {"name": "add", "description": "Add.", "parameters": SCHEMA}


@pytest.mark.parametrize(
    ("prompt", "calls"),
    [
        ("Call add(a=1, b=2) and add(3)", [("add", {"a": 1, "b": 2}), ("add", {"a": 3})]),
        ('say(text="a (b), \\"c\\"")', [("say", {"text": 'a (b), "c"'})]),
        ("Please say", [("say", {})]),
        ("Please add", []),
        ("added(1), x.add(1)", []),
        ("add(a=1", []),
        ("add(a=open('x'))", []),
        ("add(a=1), then say()", [("add", {"a": 1})]),
    ],
)
def test_what_is_called(prompt: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    made = calls_of([Message("user", prompt)], {"add": SCHEMA, "say": {"properties": {"text": {}}}})
    assert [(call.name, json.loads(call.arguments)) for call in made] == calls


def test_the_sdk_reads_calls_and_sends_results(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "Call add(a=1, b=2), then add(a=3)"}]
    tools: Any = [{"type": "function", "function": FUNCTION}]
    for number in range(2):
        with client.chat.completions.stream(model="demo", messages=messages, tools=tools) as stream:
            choice = stream.get_final_completion().choices[0]
        assert choice.finish_reason == "tool_calls"
        assert choice.message.tool_calls is not None
        [call] = choice.message.tool_calls
        assert json.loads(call.function.arguments) == ({"a": 1, "b": 2}, {"a": 3})[number]
        messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": str(number)}]
    answer = client.chat.completions.create(model="demo", messages=messages, tools=tools).choices[0]
    assert answer.finish_reason == "stop"
    assert '* `add {"a": 3}`: 1' in (answer.message.content or "")


@pytest.mark.parametrize("stream", [True, False])
def test_the_sdk_reads_calls_of_responses(client: openai.OpenAI, *, stream: bool) -> None:
    asked: Any = {"model": "demo", "input": "add(a=1) and add(a=2)", "tools": [{"type": "function", **FUNCTION}]}
    if stream:
        with client.responses.stream(**asked) as events:
            response = events.get_final_response()
    else:
        response = client.responses.create(**asked)
    assert [item.type for item in response.output] == ["message", "function_call", "function_call"]
    calls: Any = response.output[1:]
    assert [json.loads(call.arguments) for call in calls] == [{"a": 1}, {"a": 2}]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "ok"} for call in calls]
    given = [{"role": "user", "content": asked["input"]}, *(item.model_dump() for item in calls), *results]
    text = client.responses.create(**{**asked, "input": given}).output_text
    assert text.count("`: ok") == 2


@pytest.mark.sdk
@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.usefixtures("demo")
def test_nbstream_answers_them(api: Any) -> None:
    @nbs.tool(safe=True)
    def add(a: int, b: int = 0) -> int:
        """Add."""
        return a + b

    asked = "add(a=1, b=2) and add(a='x'), then add(a=4)"
    result = nbs.stream(asked, model="demo", api=api, tools=[add], display=False)
    assert [part.run and part.run.state for part in result.tool_runs] == ["completed", "failed", "completed"]
    assert '* `add {"a": 4}`: 4' in result.text
    assert len(result.rounds) == 3


@pytest.mark.sdk
@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.usefixtures("demo")
def test_an_image_that_a_tool_has_returned_is_no_question(api: Any) -> None:
    @nbs.tool(safe=True)
    def draw(colour: str) -> bytes:
        """Draw it."""
        return pictures()[-1] if colour else b""

    result = nbs.stream('draw(colour="teal")', model="demo", api=api, tools=[draw], display=False)
    assert '* `draw {"colour": "teal"}`: ' in result.text
    assert "You asked" not in result.text


WIKI: dict[str, Any] = {"type": "mcp", "server_label": "wiki", "server_url": "https://wiki.example/mcp"}


@pytest.mark.parametrize("stream", [True, False])
def test_the_sdk_reads_calls_of_mcp_servers(client: openai.OpenAI, *, stream: bool) -> None:
    asked: Any = {"model": "demo", "input": "wiki.search(query='tides') and wiki.erase()", "tools": [WIKI]}

    def response(**more: Any) -> Any:
        if not stream:
            return client.responses.create(**{**asked, **more})
        with client.responses.stream(**{**asked, **more}) as events:
            return events.get_final_response()

    first = response()
    assert [item.type for item in first.output] == ["message", "mcp_approval_request", "mcp_approval_request"]
    requests = first.output[1:]
    assert [(each.server_label, each.name, json.loads(each.arguments)) for each in requests] == [
        ("wiki", "search", {"query": "tides"}),
        ("wiki", "erase", {}),
    ]
    said = [
        {"type": "mcp_approval_response", "approval_request_id": each.id, "approve": each.name == "search"}
        for each in requests
    ]
    given = [{"role": "user", "content": asked["input"]}, *(item.model_dump() for item in first.output), *said]
    second = response(input=given)
    assert [item.type for item in second.output] == ["mcp_call", "message"]
    call = second.output[0]
    assert (call.name, call.approval_request_id) == ("search", requests[0].id)
    assert call.output == "No server was asked, because this is a demo."
    assert "* `wiki.erase {}`: not allowed" in second.output_text
    at_once = response(tools=[{**WIKI, "require_approval": "never"}])
    assert [item.type for item in at_once.output] == ["mcp_call", "mcp_call", "message"]


@pytest.mark.sdk
@pytest.mark.usefixtures("demo")
def test_nbstream_asks_about_calls_of_mcp_servers() -> None:
    @nbs.tool(safe=True)
    def add(a: int) -> int:
        """Add."""
        return a + 1

    asked: Any = "wiki.search(query='tides') and add(a=1), then wiki.read(page=2)"
    named: Any = {"model": "demo", "api": "responses", "display": False}
    result = nbs.stream(asked, tools=[WIKI, add], approve=["wiki.search", "wiki.read"], **named)
    assert (result.state, result.text.count("\n* `")) == ("completed", 3)
    kinds = [(part.kind, part.status) for part in result.parts if isinstance(part, ActivityPart)]
    assert kinds == [("mcp_approval_request", "approved"), ("mcp_call", "completed")] * 2


def test_a_call_may_be_cut(client: openai.OpenAI, server: DemoServer) -> None:
    assert server.base_url
    tools: Any = [{"type": "function", "function": FUNCTION}]
    asked: Any = [{"role": "user", "content": "add(a=1, b=2)"}]
    whole = client.chat.completions.create(model="demo", messages=asked, tools=tools)
    assert whole.usage is not None
    most = whole.usage.completion_tokens - 3
    cut = client.chat.completions.create(model="demo", messages=asked, tools=tools, max_tokens=most).choices[0]
    assert cut.finish_reason == "length"
