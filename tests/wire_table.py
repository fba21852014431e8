"""The wire table: responses as servers really send them, as data, and what must come of each.

The cases are in `tests/data/wire/*.toml`, one file for each group of entries. This module reads and checks them, and
puts a result into the table's terms. It must not know how a case is played.

A file is `title = "…"` and then `[[case]]` tables:

    id        the entry, such as "A01"; the file's name begins with its letter
    name      short; what this case of the entry is about
    api       "chat" (default) or "responses"
    body      the response's body; macros below
    encoding  how the body becomes bytes: "utf-8" (default), or "latin-1", in which "\\u00ff" is the byte 0xFF
    repeat    {body = "…", text = "…", times = n}: what `<REPEAT>` stands for in the body and in the expected text
    status, headers, then, chunked    of the HTTP response, as `FaultServer.send` takes them
    http_only the case means nothing to the pure decoder
    decided   why nbstream does not do what would seem the obvious thing
    expect    what comes of it: `state`, and any of `EXPECTED`; what is not named is expected to be empty or `None`,
              apart from `OPTIONAL`, which is then not looked at

`CH({…})` at the end of a line is a Chat Completions chunk with that delta; `END(stop)` is one with that finish reason.
"""

from __future__ import annotations

import dataclasses
import functools
import random
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbstream import errors
from nbstream.result import ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nbstream.result import Choice, Part, StreamResult

__all__ = ["ENTRIES", "Case", "by_entry", "cases", "cut_at_random", "load", "outcome"]

FOLDER = Path(__file__).parent / "data" / "wire"

# How many entries each group has.
GROUPS = {"A": 29, "B": 24, "C": 13, "D": 27, "E": 9, "F": 16, "G": 6, "H": 21, "I": 8, "J": 5}
ENTRIES = frozenset(f"{group}{number:02}" for group, count in GROUPS.items() for number in range(1, count + 1))

EXPECTED: dict[str, Any] = {
    "state": None,
    "text": "",
    "finish_reason": None,
    "kind": None,
    "code": None,
    "reasoning": "",
    "refusal": "",
    "usage": None,
    "tool_calls": [],
    "choices": [],
    "warnings": [],
    "annotations": [],
    "logprobs": [],
}
"""What is compared in every case, with the value for a case that does not name it."""

OPTIONAL = {
    "message", "status", "retryable", "retry_after", "model", "response_id", "cached_tokens", "reasoning_tokens",
    "parts",
}  # fmt: skip
"""What is compared only in a case that names it.

`message` is a part of the error's message. A row of `parts` names the fields of one part that are compared; bytes stand
there as a string of Latin-1, and `citations` as `[start, end, type]` each, or `[type]` without a span.
"""

KINDS = {made.kind for name in errors.__all__ if hasattr(made := getattr(errors, name), "kind")}

_KEYS = {"id", "name", "api", "body", "encoding", "repeat", "status", "headers", "then", "chunked"}
_KEYS |= {"http_only", "decided", "expect"}

_CHUNK = '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
_CHUNK += '"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}'
_MACRO = re.compile(r"CH\((\{[^\r\n]*\})\)(?=[\r\n]|\Z)|END\((\w+)\)")


@dataclass(frozen=True)
class Case:
    """One response and what must come of it."""

    id: str
    name: str
    body: bytes
    expect: dict[str, Any]
    api: Literal["chat", "responses"] = "chat"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    then: Literal["end", "close", "reset", "hold"] = "end"
    chunked: bool = True
    http_only: bool = False
    decided: str = ""

    def __str__(self) -> str:
        return f"{self.id} {self.name}"

    @property
    def http(self) -> dict[str, Any]:
        """How the server is to answer, besides the body."""
        return {"status": self.status, "headers": self.headers, "then": self.then, "chunked": self.chunked}


@functools.cache
def cases() -> tuple[Case, ...]:
    """All the cases of all the files."""
    return tuple(case for file in sorted(FOLDER.glob("*.toml")) for case in load(file.name, file.read_text("utf-8")))


def by_entry(wanted: Callable[[Case], bool] = lambda _: True) -> dict[str, list[Case]]:
    """The cases that are wanted, by the entry that they belong to."""
    entries: dict[str, list[Case]] = {}
    for case in filter(wanted, cases()):
        entries.setdefault(case.id, []).append(case)
    return entries


def load(name: str, source: str) -> list[Case]:
    """Read and check one file.

    Args:
        name: Its name, whose first letter is the group.
        source: Its contents.

    Raises:
        ValueError: Something in it is wrong; the message says in which case.
    """
    table = tomllib.loads(source)
    if set(table) != {"title", "case"}:
        raise ValueError(f"{name}: has {sorted(table)}, not a title and cases")
    made: dict[str, Case] = {}
    for raw in table["case"]:
        place = f"{name}, {raw.get('id')} {raw.get('name')}"
        case = _case(place, raw)
        if case.id[0] != name[0].upper():
            raise ValueError(f"{place}: of another group")
        if str(case) in made:
            raise ValueError(f"{place}: twice")
        made[str(case)] = case
    return list(made.values())


def _case(place: str, raw: dict[str, Any]) -> Case:
    if unknown := set(raw) - _KEYS:
        raise ValueError(f"{place}: unknown {sorted(unknown)}")
    if missing := {"id", "name", "body", "expect"} - set(raw):
        raise ValueError(f"{place}: lacks {sorted(missing)}")
    if raw["id"] not in ENTRIES:
        raise ValueError(f"{place}: no such entry")
    expect = _expectation(place, raw["expect"])
    body = _MACRO.sub(_expanded, raw["body"])
    if (repeat := raw.get("repeat")) is not None:
        body = body.replace("<REPEAT>", _MACRO.sub(_expanded, repeat["body"]) * repeat["times"])
        expect["text"] = expect["text"].replace("<REPEAT>", repeat.get("text", "") * repeat["times"])
    known = {key: raw[key] for key in _KEYS - {"body", "expect", "encoding", "repeat"} if key in raw}
    case = Case(body=body.encode(raw.get("encoding", "utf-8")), expect=expect, **known)
    unclean = case.then in {"reset", "hold"} or (case.then == "close" and case.chunked)
    if (unclean or case.status >= 300 or "content-encoding" in case.headers) and not case.http_only:
        raise ValueError(f"{place}: only HTTP can say this, so it is http_only")
    return case


def _expanded(macro: re.Match[str]) -> str:
    delta, reason = macro.groups()
    return _CHUNK % (delta, "null") if delta else _CHUNK % ("{}", f'"{reason}"')


def _expectation(place: str, raw: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(raw) - set(EXPECTED) - OPTIONAL:
        raise ValueError(f"{place}: unknown expectation {sorted(unknown)}")
    if raw.get("state") not in {"completed", "failed"}:
        raise ValueError(f"{place}: a response is completed or failed, not {raw.get('state')}")
    if (raw["state"] == "failed") != (raw.get("kind") in KINDS - {"error"}):
        raise ValueError(f"{place}: a failed stream has an error of a known kind, a completed one has none")
    expect = {**EXPECTED, **raw}
    expect["tool_calls"] = _with_absent(raw.get("tool_calls", ()), _TOOL_CALL)
    expect["choices"] = _with_absent(raw.get("choices", ()), _CHOICE)
    for choice in expect["choices"]:
        choice["tool_calls"] = _with_absent(choice["tool_calls"], _TOOL_CALL)
    return expect


_TOOL_CALL = {"id": None, "name": "", "arguments": ""}
_CHOICE: dict[str, Any] = {
    "index": None,
    "text": "",
    "finish_reason": None,
    "reasoning": "",
    "refusal": "",
    "tool_calls": [],
}


def _with_absent(rows: Iterable[dict[str, Any]], absent: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**absent, **row} for row in rows]


def outcome(result: StreamResult, expect: dict[str, Any]) -> dict[str, Any]:
    """The result in the table's terms: equal to `expect` if all is as it must be."""
    error, usage = result.error, result.usage
    found: dict[str, Any] = {
        "state": str(result.state),
        "text": result.text,
        "finish_reason": result.finish_reason,
        "kind": error and error.kind,
        "code": error and error.code,
        "reasoning": result.reasoning,
        "refusal": result.refusal,
        "usage": usage and list(dataclasses.astuple(usage)[: len(expect["usage"] or (0, 0))]),
        "tool_calls": _rows(result.tool_calls),
        "choices": _rows(result.choices),
        "warnings": [warning.kind for warning in result.warnings],
        "annotations": list(result.annotations),
        "logprobs": list(result.logprobs),
        "message": error and error.message,
        "status": error and error.status,
        "retryable": error and error.retryable,
        "retry_after": error and error.retry_after,
        "model": result.model,
        "response_id": result.response_id,
        "cached_tokens": usage and usage.cached_tokens,
        "reasoning_tokens": usage and usage.reasoning_tokens,
        "parts": _part_rows(result.parts, expect.get("parts", ())),
    }
    if (part := expect.get("message")) and error is not None and part in error.message:
        found["message"] = part
    return {key: value for key, value in found.items() if key in EXPECTED or key in expect}


def _rows(values: Iterable[ToolCall | Choice]) -> list[dict[str, Any]]:
    return [
        {name: getattr(value, name) for name in _TOOL_CALL}
        if isinstance(value, ToolCall)
        else {name: getattr(value, name) for name in _CHOICE} | {"tool_calls": _rows(value.tool_calls)}
        for value in values
    ]


def _part_rows(parts: Sequence[Part], expected: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts, each with the fields that the expected row in its place names; a part too many with its type."""
    names = [*(list(row) for row in expected), *([["type"]] * len(parts))]
    return [{name: _field(part, name) for name in wanted} for part, wanted in zip(parts, names, strict=False)]


def _field(part: Part, name: str) -> Any:
    value = getattr(part, name, None)
    if name == "citations":
        spans = [() if cited.start is None else (cited.start, cited.end) for cited in value or ()]
        return [[*span, cited.annotation.get("type")] for span, cited in zip(spans, value or (), strict=True)]
    return value.decode("latin-1") if isinstance(value, bytes) else value


def cut_at_random(body: bytes, ways: int, seed: int = 7) -> Iterator[list[bytes]]:
    """The body in pieces, in so many ways; the same ways in every run."""
    generator = random.Random(seed)
    for _ in range(ways):
        cuts = sorted(generator.choices(range(len(body) + 1), k=generator.randrange(1, 6)))
        yield [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
