"""Every byte case is decoded whole, a byte at a time and at random cuts, and must come out the same."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from nbstream.events import Failed, Garbled
from nbstream.request import Endpoint
from nbstream.settings.credential import Credential
from nbstream.text.secret import Secret
from nbstream.transport.adapters import adapter_for
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.events import Event

KEY = "sk-test-0123456789abcdef"
ENDPOINT = Endpoint("http://localhost:8000/v1", Credential(Secret(KEY)))


def ways_to_cut(data: bytes) -> Iterator[list[bytes]]:
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    yield [b"", data[:1], b"", data[1:], b""]
    generator = random.Random(7)
    for _ in range(20):
        cuts = sorted(generator.choices(range(len(data) + 1), k=generator.randrange(1, 6)))
        yield [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.fixture
def decoded_alike() -> Callable[[bytes, Callable[[list[bytes]], Any]], Any]:
    """`decode` the data in every way and return the one result."""

    def decoded_alike(data: bytes, decode: Callable[[list[bytes]], Any]) -> Any:
        first, *others = (decode(pieces) for pieces in ways_to_cut(data))
        for other in others:
            assert other == first
        return first

    return decoded_alike


def _events(pieces: list[bytes], api: str) -> list[Event]:
    adapter = adapter_for(api)
    decoder = WireDecoder(adapter, ENDPOINT)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]


@pytest.fixture
def decode(decoded_alike) -> Callable[..., list[Event]]:
    """From the bytes of a response to its events."""

    def decode(data: bytes | str, api: str = "chat") -> list[Event]:
        raw = data.encode() if isinstance(data, str) else data
        events: list[Event] = decoded_alike(raw, lambda pieces: _events(pieces, api))
        return events

    return decode


class Problem(NamedTuple):
    """What is wrong with some bytes: a `kind` of error, the words, the server's code."""

    kind: str
    message: str
    code: str | None


def _problem(events: list[Event]) -> Problem:
    first = next(event for event in events if isinstance(event, Failed | Garbled))
    if isinstance(first, Garbled):
        return Problem("not_a_stream", first.message, None)
    return Problem(first.kind, first.message, first.code)


@pytest.fixture
def decode_error(decoded_alike) -> Callable[..., Problem]:
    """What is wrong with the bytes, which must not depend on the cuts either."""

    def decode_error(data: bytes | str, api: str = "chat") -> Problem:
        raw = data.encode() if isinstance(data, str) else data
        problem: Problem = decoded_alike(raw, lambda pieces: _problem(_events(pieces, api)))
        return problem

    return decode_error


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def frames() -> Callable[..., str]:
    """JSON objects as server-sent events."""

    def frames(*payloads: Any) -> str:
        return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)

    return frames
