"""The tools that the demo calls: those that the question calls in Python's words, round by round. Pure.

`Call population(country="Norway"), then compare()` is two rounds. A tool that needs no arguments may just be named.
Of an MCP server, which a provider would call and the demo only plays, any tool may be called: `wiki.search(q="tides")`.
"""

from __future__ import annotations

import ast
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbstream.demo.tokens import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbstream.demo.request import Message

__all__ = ["MADE_UP", "Call", "CallPiece", "allowed_in", "calls_of", "pieces_of", "results_of"]

MADE_UP = "No server was asked, because this is a demo."
"""What a call of an MCP server gives."""

_THEN = re.compile(r"\bthen\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the demo makes.

    Attributes:
        name: The tool.
        arguments: Its arguments, as JSON; free text for a custom tool.
        id: Its id, for the result to name.
        custom: Whether it calls a custom tool.
        server: The MCP server that has the tool, if the caller has not.
        asks: Whether such a call has to be allowed first.
    """

    name: str
    arguments: str
    id: str = field(default_factory=lambda: f"call_demo_{secrets.token_hex(8)}", compare=False)
    custom: bool = False
    server: str = ""
    asks: bool = True


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A token of a call's arguments; the first one has none and announces the call.

    Attributes:
        index: Which of the calls.
        call: The call.
        text: The token.
    """

    index: int
    call: Call
    text: str = ""


def calls_of(messages: Sequence[Message], tools: Mapping[str, Mapping[str, Any]]) -> list[Call]:
    """The calls of the round that is next.

    Args:
        messages: The conversation.
        tools: The schemas of the tools' parameters, by name.

    Example:
        >>> from nbstream.demo.request import Message
        >>> calls_of([Message("user", 'Call add(a=1), then add(a=2)')], {"add": {}})[0].arguments
        '{"a": 1}'
    """
    asked = max((at for at, message in enumerate(messages) if message.role == "user"), default=0)
    rounds = _THEN.split(messages[asked].text) if messages and tools else []
    done = _rounds_in(messages[asked:])
    calls = _calls_in(rounds[done], tools) if done < len(rounds) else ()
    return sorted(calls, key=lambda call: bool(call.server))  # results come back in this order


def allowed_in(items: object) -> Iterator[Call]:
    """The calls of MCP servers that the end of a request's input allows."""
    given = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    asked = {str(item.get("id")): item for item in given if item.get("type") == "mcp_approval_request"}
    for item in reversed(given):
        if item.get("type") != "mcp_approval_response":
            return
        request_id = str(item.get("approval_request_id"))
        if item.get("approve") is True and (call := asked.get(request_id)) is not None:
            name, arguments, server = (str(call.get(field)) for field in ("name", "arguments", "server_label"))
            yield Call(name, arguments, request_id, server=server)


def results_of(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """What the tools have returned since the last question, each with its call."""
    asked = max((at for at, message in enumerate(messages) if message.role == "user"), default=0)
    calls = [call for message in messages[asked:] for call in message.calls]
    results = [message.text for message in messages[asked:] if message.role == "tool"]
    return list(zip(calls, results, strict=False))


def pieces_of(calls: Sequence[Call]) -> Iterator[CallPiece]:
    """The tokens of calls."""
    for index, call in enumerate(calls):
        yield CallPiece(index, call)
        for token in split(call.arguments):
            yield CallPiece(index, call, token)


def _rounds_in(messages: Sequence[Message]) -> int:
    """How many times results have been sent back: once for all that come in a row."""
    before = ("", *(message.role for message in messages))
    return sum(message.role == "tool" and last != "tool" for message, last in zip(messages, before, strict=False))


def _calls_in(text: str, tools: Mapping[str, Mapping[str, Any]]) -> Iterator[Call]:
    names = "|".join(map(_pattern, sorted(tools.items(), key=lambda item: len(item[0]), reverse=True)))
    for match in re.finditer(rf"(?<![\w.])(?:{names})(?!\w)", text):
        name, rest = match[0], text[match.end() :]
        server, _, own = name.rpartition(".")
        schema = tools[server or name]
        given = _arguments(rest, schema) if rest.startswith("(") else None
        if server:
            asks, arguments = schema["asks"], json.dumps(given or {}, ensure_ascii=False)
            yield Call(own, arguments, f"mcpr_demo_{secrets.token_hex(8)}", server=server, asks=asks)
        elif tools[name].get("type") == "custom":
            if given:
                yield Call(name, str(next(iter(given.values()))), custom=True)
        elif given is not None or not tools[name].get("required"):
            yield Call(name, json.dumps(given or {}, ensure_ascii=False))


def _pattern(tool: tuple[str, Mapping[str, Any]]) -> str:
    name, schema = tool
    return re.escape(name) + (r"\.\w+" if schema.get("type") == "mcp" else "")


def _arguments(text: str, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments that a text in brackets begins with; `None` if they are none."""
    for end, character in enumerate(text):
        if character != ")":
            continue
        try:
            call = ast.parse(f"f{text[: end + 1]}", mode="eval").body
            assert isinstance(call, ast.Call)
            named = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg}
            placed = zip(schema.get("properties", {"input": {}}), map(ast.literal_eval, call.args), strict=False)
            return {**dict(placed), **named}
        except (SyntaxError, ValueError, AssertionError, MemoryError, RecursionError):
            continue
    return None
