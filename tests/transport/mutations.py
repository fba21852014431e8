"""Damage for recorded bodies: each mutation takes bytes and a seeded generator and returns other bytes.

Half of them know nothing of the format; the others know just enough of it (events, JSON values, keys) to reach past
the JSON parser. They must not know the package.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    _Mutation = Callable[[bytes, random.Random], bytes]

_EVENT = re.compile(rb".*?(?:(?:\r\n|\r|\n){2}|\Z)", re.DOTALL)
_VALUE = re.compile(rb'(?<=[:,\[])\s*(?:"(?:[^"\\\r\n]|\\.)*"|-?\d+(?:\.\d+)?|null|true|false|\{\}|\[\])(?=\s*[,\]}])')
_KEY = re.compile(rb'(?<=")[a-z_]+(?=":)')

_GARBAGE = (
    *(bytes([byte]) for byte in b'\0\r\n\t "\\{}[]:,<-\x1b\xc3\xff'),
    *(b"\n\n", b"\r\n", b"\xef\xbb\xbf", b"\xed\xa0\xbd", b"\xf0\x9f", "\u2028\x85".encode(), b"x" * 300, b"\0" * 40),
    *(rb"\u \ud83d \ude00 <think> </think> <html> data 1e999".split()),
    *(b"[" * 2000, b'{"a":' * 300, b"9" * 400, b"data: ", b"data:\n\n", b"event: error\n", b"id: 7\n", b": ping\n\n"),
    *(b"retry: x\n", b"event: ping\ndata: {}\n\n", b"error: {}\n\n", b'error: {"code":400}\n\n', b"upstream died\n\n"),
    *(b"data: %b\n\n" % data for data in b'{} null [DONE] died {"choices":[]} {"message":1} {"type":"error"}'.split()),
    *(b"data: %b\n\n" % data for data in b'{"error":"boom"} {"error":{"code":[]}} {"type":"response.failed"}'.split()),
)
_VALUES = (
    *b'null true false 0 -1 1 2 1.5 1e999 -1e999 NaN Infinity -0 1e5 "" "x" "0" "429" 503'.split(),
    *b'[] {} [null] [[]] [{}] {"a":1} {"text":"t"} ["t"] [{"type":"text","text":"t"}] [{"text":null}]'.split(),
    *rb'"\ud83d" "\ude00" "\u0000\u001b[2J" "<think>" "</think>" "<thi"'.split(),
    *b'"stop" "error" "length" "abort" "tool_calls" "message" "function_call" "output_text"'.split(),
    *b'"response.completed" "response.output_text.done" "context_length_exceeded"'.split(),
    *(b'" "', b"9" * 30, b"9" * 5000, b"1" + b"0" * 400 + b".0", b'"' + b"y" * 400 + b'"'),
    *(b"[" * 600 + b"]" * 600, b'{"a":' * 150 + b"1" + b"}" * 150),
)
_KEYS = (
    *b"content reasoning reasoning_content refusal tool_calls function_call delta message choices index".split(),
    *b"finish_reason usage error detail type object text id name arguments response output item part status".split(),
    *b"incomplete_details annotation annotations logprobs x_groq code audio images item_id output_index".split(),
)


def _span(body: bytes, generator: random.Random, longest: int) -> tuple[int, int]:
    start = generator.randrange(len(body) + 1)
    return start, min(len(body), start + generator.randint(1, longest))


def _truncated(body: bytes, generator: random.Random) -> bytes:
    return body[: generator.randrange(len(body) + 1)]


def _flipped(body: bytes, generator: random.Random) -> bytes:
    flipped = bytearray(body)
    for _ in range(generator.randint(1, 4) if body else 0):
        flipped[generator.randrange(len(body))] ^= 1 << generator.randrange(8)
    return bytes(flipped)


def _overwritten(body: bytes, generator: random.Random) -> bytes:
    start, end = _span(body, generator, 4)
    return body[:start] + generator.randbytes(end - start) + body[end:]


def _without_span(body: bytes, generator: random.Random) -> bytes:
    start, end = _span(body, generator, generator.choice((3, 40, 600)))
    return body[:start] + body[end:]


def _doubled_span(body: bytes, generator: random.Random) -> bytes:
    start, end = _span(body, generator, generator.choice((3, 40, 600)))
    return body[:end] + body[start:]


def _swapped_spans(body: bytes, generator: random.Random) -> bytes:
    a, b, c, d = sorted(generator.randrange(len(body) + 1) for _ in range(4))
    return body[:a] + body[c:d] + body[b:c] + body[a:b] + body[d:]


def _with_garbage(body: bytes, generator: random.Random) -> bytes:
    place = generator.randrange(len(body) + 1)
    return body[:place] + generator.choice(_GARBAGE) + body[place:]


def _with_garbage_between_events(body: bytes, generator: random.Random) -> bytes:
    place = generator.choice([0, *(match.end() for match in _EVENT.finditer(body))])
    return body[:place] + generator.choice(_GARBAGE) + body[place:]


def _shuffled_events(body: bytes, generator: random.Random) -> bytes:
    events = _EVENT.findall(body)
    for _ in range(generator.randint(1, 3)):
        first, second = generator.randrange(len(events)), generator.randrange(len(events))
        match generator.randrange(3):
            case 0:
                events[first], events[second] = events[second], events[first]
            case 1:
                events.insert(first, events[second])
            case _:
                events[first] = b""
    return b"".join(events)


def _replaced(pattern: re.Pattern[bytes], others: Sequence[bytes], most: int) -> _Mutation:
    def replaced(body: bytes, generator: random.Random) -> bytes:
        for _ in range(generator.randint(1, most)):
            places = list(pattern.finditer(body))
            if places:
                place = generator.choice(places)
                body = body[: place.start()] + generator.choice(others) + body[place.end() :]
        return body

    return replaced


def _other_line_ends(body: bytes, generator: random.Random) -> bytes:
    end = generator.choice((b"\r\n", b"\r", b"\n\r"))
    often = generator.choice((0.1, 1.0))
    return re.sub(rb"\n", lambda match: end if generator.random() <= often else match[0], body)


_MUTATIONS = (
    *(_truncated, _flipped, _overwritten, _without_span, _doubled_span, _swapped_spans, _with_garbage),
    *(_with_garbage_between_events, _shuffled_events, _shuffled_events, _other_line_ends),
    *[_replaced(_VALUE, _VALUES, 3)] * 4,
    *[_replaced(_KEY, _KEYS, 2)] * 2,
)


def mutated(body: bytes, others: Sequence[bytes], generator: random.Random) -> bytes:
    """`body` with one to three kinds of damage done to it, now and then with the end of one of `others`."""
    if generator.random() < 0.1:
        other = generator.choice(others)
        cut = generator.choice([match.end() for match in _EVENT.finditer(other)] + [generator.randrange(len(other))])
        body = _truncated(body, generator) + other[cut:]
    for mutation in generator.choices(_MUTATIONS, k=generator.choice((1, 1, 1, 2, 3))):
        body = mutation(body, generator)
    return body
