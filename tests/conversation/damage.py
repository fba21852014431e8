"""Damages JSON documents at random, with a seed: as editors, merges, other programs and bad discs do."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

__all__ = ["damaged", "damaged_text"]

NESTED: Any = "x"
for _ in range(60):
    NESTED = [NESTED]

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, -(2**63), 10**400, 0.5, -0.0, 1e308),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "x", "user", "tool", "assistant", "completed", "failed", "streaming", "text", "reasoning", "tool_call"),
    *(
        "media",
        "activity",
        "image",
        "http://[",
        "http://me:pw@x/",
        "data:image/png;base64,AA==",
        "\ud83d",
        "\x00\u2028",
    ),
    *("=", "AAA", "a" * 5000, "rate_limit", "no_such_kind", "wait", "1", "0"),
    *([], [None], [1, "x"], [[]], [{}], {}, {"": None}, {"x": {"y": []}}, {"type": "text"}, {"id": 1}),
    *({"role": "x"}, {"text": 3}, {"function": None}, {"function": {"name": 1, "arguments": {}}}, NESTED),
]
NAMES = [
    *("id", "parent", "role", "content", "answer", "extra", "included", "context", "active", "parts", "text", "type"),
    *("state", "usage", "timing", "cost", "rounds", "error", "kind", "message", "remedies", "value", "tool_calls"),
    *("function", "refusal", "name", "system", "history", "max_turns", "options", "turns", "nbstream_chat", "self"),
    *(
        "data",
        "messages",
        "model",
        "start",
        "end",
        "annotation",
        "citations",
        "item",
        "input",
        "status",
        "url",
        "facts",
    ),
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each container with each of its keys."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        at = waiting.pop()
        keys = list(at) if isinstance(at, dict) else range(len(at)) if isinstance(at, list) else ()
        found += [(at, key) for key in keys]
        waiting += [at[key] for key in keys]
    return found


def damaged(document: Any, chance: random.Random) -> Any:
    """A copy with one to four things changed."""
    document = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        if not (all_places := places(document)):
            return document
        at, key = chance.choice(all_places)
        other, other_key = chance.choice(all_places)
        match chance.randrange(6):
            case 0 | 1:
                at[key] = copy.deepcopy(chance.choice(VALUES))
            case 2:
                del at[key]
            case 3:
                at[key] = copy.deepcopy(other[other_key])  # an id twice, an answer within an answer
            case 4 if isinstance(at, dict):
                at[chance.choice(NAMES)] = copy.deepcopy(chance.choice(VALUES))
            case 5 if isinstance(at, dict):
                at[chance.choice(NAMES)] = at.pop(key)
            case _:
                at[key] = [at[key], copy.deepcopy(at[key])]
    return document


def damaged_text(text: str, chance: random.Random) -> bytes:
    """The bytes of a text with some cut out, repeated or replaced."""
    data = bytearray(text.encode("utf-8", "replace"))
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 1, 2, 10, 200, len(data))))
        data[start:end] = chance.choice((
            b"", b"\x00", b"\xff\xfe", b"NaN", b"1e999", b"-", b"9" * 5000, b"[" * 2000, b'{"a":' * 2000, b"\\ud83d",
            bytes(data[end : end + 300]), json.dumps(chance.choice(VALUES[:40])).encode("utf-8", "replace"),
        ))  # fmt: skip
    return bytes(data)
