"""The tools that the demo calls: those that the question calls in Python's words, round by round. Pure.

`Call population(country="Norway"), then compare()` is two rounds. A tool that needs no arguments may just be named.
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

__all__ = ["Call", "CallPiece", "calls_of", "pieces_of", "results_of"]

_THEN = re.compile(r"\bthen\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the demo makes.

    Attributes:
        name: The tool.
        arguments: Its arguments, as JSON; free text for a custom tool.
        id: Its id, for the result to name.
        custom: Whether it calls a custom tool.
    """

    name: str
    arguments: str
    id: str = field(default_factory=lambda: f"call_demo_{secrets.token_hex(8)}", compare=False)
    custom: bool = False


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
    return list(_calls_in(rounds[done], tools)) if done < len(rounds) else []


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
    names = "|".join(map(re.escape, sorted(tools, key=len, reverse=True)))
    for match in re.finditer(rf"(?<![\w.])(?:{names})(?!\w)", text):
        name, rest = match[0], text[match.end() :]
        given = _arguments(rest, tools[name]) if rest.startswith("(") else None
        if tools[name].get("type") == "custom":
            if given:
                yield Call(name, str(next(iter(given.values()))), custom=True)
        elif given is not None or not tools[name].get("required"):
            yield Call(name, json.dumps(given or {}, ensure_ascii=False))


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
