"""What a hostile or broken MCP server can make nbstream spend, and what is known of a call that got no answer."""

from __future__ import annotations

import json
import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.testing import Answer, FaultServer, chat_body
from nbstream.tools.mcp_arguments import faults_by
from nbstream.tools.mcp_questions import Asker
from tests.tools.wire import calling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD = [sys.executable, "-S", str(Path(__file__).with_name("old_mcp_server.py"))]
JSON = {"content-type": "application/json"}
DEPTH = 40


class HttpServer:
    """An MCP server over HTTP that answers as it is told.

    Attributes:
        list: Makes the result of `tools/list`, given its parameters.
        call: Makes the answer to `tools/call`.
    """

    def __init__(self, server: FaultServer) -> None:
        self.url = f"{server.base_url}/mcp"
        self.list: Callable[[dict[str, Any]], Any] = lambda _: {"tools": [{"name": "t", "inputSchema": OBJECT}]}
        self.call: Callable[[Any], Answer] = lambda received: rpc(received, {"content": []})
        server.respond(self._answer)

    def _answer(self, received: Any) -> Answer:
        asked = received.json
        match asked["method"]:
            case "initialize":
                about = {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {},
                    "serverInfo": {"name": "h", "version": "1"},
                }
                return rpc(received, about)
            case "tools/list":
                return rpc(received, self.list(asked.get("params") or {}))
            case "tools/call":
                return self.call(received)
            case _:
                return Answer(status=404 if "id" in asked else 202)


OBJECT = {"type": "object"}


def rpc(received: Any, result: Any) -> Answer:
    return Answer(json.dumps({"jsonrpc": "2.0", "id": received.json["id"], "result": result}), headers=JSON)


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with FaultServer() as server:
        yield HttpServer(server)


@pytest.fixture
def run_of(loopback: FaultServer) -> Callable[..., Any]:
    """What becomes of a call without arguments."""

    def run(tools: Any, name: str) -> Any:
        loopback.send(calling("chat", (name, {})))
        loopback.send(chat_body("Done."))
        named: Any = {"model": "m", "base_url": loopback.base_url, "api": "chat", "display": False, "approve": "all"}
        [part] = nbs.stream("Go.", tools=[tools], **named).tool_runs
        return part.run

    return run


# --- schemas ----------------------------------------------------------------------------------------------------------


def branching(kind: str) -> dict[str, Any]:
    """A small schema that takes 2 to the power of its depth to check."""
    levels = {f"a{n}": {kind: [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(DEPTH)}
    return {"type": "object", "$defs": {**levels, f"a{DEPTH}": {"required": ["x"]}}, "$ref": "#/$defs/a0"}


@pytest.mark.parametrize("kind", ["anyOf", "allOf", "oneOf"])
def test_a_check_that_would_take_for_ever_is_given_up(kind: str) -> None:
    wrong = faults_by(branching(kind))({"x": 1} if kind != "anyOf" else {})
    assert wrong == "they take too long to be checked, because the tool's schema is too intricate"


def test_no_part_of_a_schema_brings_checks_of_its_own() -> None:
    slow = {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "(a+)+$"}
    schema = {**OBJECT, "properties": {"a": slow, "again": {"$ref": "#"}}, "$schema": slow["$schema"]}
    assert faults_by(schema)({"again": {"a": "a" * 40 + "!"}}) == ""
    unique = {**OBJECT, "properties": {"a": {"uniqueItems": True}}}
    assert "non-unique" in faults_by(unique)({"a": [{}, {}]})
    assert faults_by(unique)({"a": [{"n": n} for n in range(20_000)]}) == ""


# --- lists of tools ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        (lambda _: {"tools": [{"name": f"t{n}", "inputSchema": OBJECT} for n in range(1001)]}, "more than 1,000 tools"),
        (lambda given: {"tools": [], "nextCursor": f"{given.get('cursor', '')}x"}, "more than 100 pages"),
        (
            lambda _: {"tools": [{"name": "t", "description": "d" * 3_000_000, "inputSchema": OBJECT}]},
            "longer than 3 MB",
        ),
        (lambda _: {"tools": [], "x": "x" * 100_000}, "it sent more than 32 MB at once"),
    ],
)
def test_a_list_has_an_end(web: HttpServer, listing: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "MB at once" in words:
        monkeypatch.setattr("nbstream.tools.mcp_http.LONGEST_MESSAGE", 50_000)
    web.list = listing
    with pytest.raises(UsageError, match=f"the tools of the MCP server .*/mcp could not be read: .*{words}"):
        nbs.mcp(web.url)


def test_a_process_that_never_ends_its_list_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbstream.tools.mcp_lines.LONGEST_MESSAGE", 150_000)
    before = set(threading.enumerate())
    with pytest.raises(UsageError, match="could not be read: it sent more than 32 MB at once"):
        nbs.mcp([*OLD, "flood"])
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not (thread.name.startswith("nbstream-mcp") and thread.is_alive())


# --- what a call brings -----------------------------------------------------------------------------------------------


@pytest.mark.sdk
@pytest.mark.parametrize(
    ("name", "words"),
    [("long", "it sent more than 32 MB at once"), ("curious", "it asked more than 100 things at once")],
)
def test_a_process_is_ended_that_floods(name: str, words: str, run_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbstream.tools.mcp_lines.LONGEST_MESSAGE", 150_000)
    with nbs.mcp(OLD, name="", env={"TOKEN": "x"}, timeout=20) as old:
        run = run_of(old, name)
    assert (run.state, run.error) == ("unknown", "lost")
    assert run.output.endswith(f" was disconnected: {words}. It is not known whether it did what it was asked to do.")


@pytest.mark.sdk
@pytest.mark.parametrize(
    ("answer", "state", "error", "words"),
    [
        (lambda _: Answer("Oops", status=503), "unknown", "server_error", "It is not known whether it did"),
        (
            lambda got: Answer(
                json.dumps({"jsonrpc": "2.0", "id": got.json["id"], "error": {"code": -32603, "message": "Oops"}}),
                status=500,
                headers=JSON,
            ),
            "unknown",
            "server_error",
            "answered with an error: Oops. It is not known whether it did",
        ),
        (lambda _: Answer("No", status=403), "failed", "server_error", "answered with an error"),
        (lambda _: Answer(status=202), "unknown", "server_error", "It is not known"),
        (lambda _: Answer("<html>", headers={"content-type": "text/html"}), "unknown", "server_error", "not known"),
        (lambda _: Answer("{", headers=JSON), "unknown", "server_error", "It is not known"),
        (lambda _: Answer("{", headers=JSON, then="reset"), "unknown", "server_error", "It is not known"),
        (lambda _: Answer(then="reset", head=b"HTTP/1.1 2"), "unknown", "lost", "ended before it answered"),
        (lambda _: Answer(": \n\n", then="close"), "unknown", "lost", "ended before it answered"),
        (lambda got: rpc(got, {"content": 7}), "unknown", "no_result", "something else than a result"),
        (lambda got: rpc(got, {"content": [], "x": "x" * 100_000}), "unknown", "too_large", "more than 32 MB at once"),
        (
            lambda got: rpc(got, {"isError": True, "content": [{"type": "text", "text": "e" * 60_000}]}),
            "failed",
            "tool_error",
            "[Cut: 60,000 characters in all.]",
        ),
        (
            lambda got: rpc(got, {"content": [{"type": "text", "text": "x"}] * 2000}),
            "completed",
            None,
            "x\n[Cut: 2,000 pieces in all.]",
        ),
    ],
)
def test_what_is_known_of_a_call_over_http(
    web: HttpServer, run_of: Any, monkeypatch: pytest.MonkeyPatch, answer: Any, state: str, error: str, words: str
) -> None:
    if error == "too_large":
        monkeypatch.setattr("nbstream.tools.mcp_http.LONGEST_MESSAGE", 50_000)
    web.call = answer
    with nbs.mcp(web.url, name="") as tools:
        run = run_of(tools, "t")
        assert (run.state, run.error) == (state, error)
        assert words in run.output
        web.call = lambda received: rpc(received, {"content": [{"type": "text", "text": "Well."}]})
        assert run_of(tools, "t").output == "Well.", "the next call is made"


@pytest.mark.sdk
def test_a_server_that_is_not_there_any_more_was_not_called(run_of: Any) -> None:
    with FaultServer() as server:
        web = HttpServer(server)
        tools = nbs.mcp(web.url, name="")
    run = run_of(tools, "t")
    assert (run.state, run.error) == ("failed", "lost")
    assert re.search("cannot be reached; nothing was called", run.output)
    tools.close()


def test_a_form_is_shown_as_far_as_it_can_be_read() -> None:
    import asyncio

    from mcp_types import ElicitRequestFormParams, ElicitRequestURLParams

    shown: list[str] = []

    async def ask(question: Any) -> None:
        shown.append(question.description)

    async def main() -> list[str]:
        asker = Asker("x", ask)
        fields = {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(500)}}
        await asker.asked(ElicitRequestFormParams(message="Fill in", requested_schema=fields))
        for _ in range(30):
            await asker.asked(ElicitRequestURLParams(message="Open", url="https://x.example", elicitation_id="1"))
        return asker.refusals

    assert len(asyncio.run(main())) == 10
    assert len(shown[0].splitlines()) == 52
    assert shown[0].endswith("\nf49 (string, optional)\nand 450 more")
