"""Events that nbstream does not know are counted by kind and told once, whatever servers call them."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest

import nbstream as nbs
from nbstream.errors import ConnectionLostError
from nbstream.testing import ScriptedBytes, chat_body
from nbstream.transport.unknown_events import UnknownEvents

if TYPE_CHECKING:
    from collections.abc import Mapping


def told(*payloads: Mapping[str, object]) -> list[str]:
    unknown = UnknownEvents(lambda text: text.replace("secret", "<key>"))
    for payload in payloads:
        unknown.note(payload)
    return [warning.message for warning in unknown.warnings()]


def test_nothing_is_told_of_nothing() -> None:
    assert told() == []
    assert told({"type": "ping"}, {"type": "response.heartbeat"}, {"event": "keep-alive"}) == []


@pytest.mark.parametrize(
    ("payloads", "words"),
    [
        ([{"type": "a"}], "an event that nbstream does not know: a."),
        ([{"type": 7, "object": "b"}] * 2, "2 events that nbstream does not know: b (2)."),
        ([{"delta": "x"}], "an event that nbstream does not know: without a kind."),
        ([{"type": "of secret"}], "an event that nbstream does not know: of <key>."),
        ([{"type": "a\n b"}, {"type": "a b"}], "2 events that nbstream does not know: a b (2)."),
    ],
)
def test_events_are_counted_by_their_kind(payloads: list[dict[str, object]], words: str) -> None:
    assert told(*payloads) == [f"The server sent {words}"]


def test_many_kinds_and_long_names_are_bounded() -> None:
    [message] = told(*({"type": f"{number}" + "x" * 10_000} for number in range(1000)))
    assert message.startswith("The server sent 1000 events that nbstream does not know: 0xxx")
    assert message.endswith("…, and 995 of other kinds.")
    assert len(message) < 500


@pytest.mark.parametrize("ends", ["completed", "broken off"])
def test_the_result_tells_of_them_however_the_stream_ends(ends: str) -> None:
    song = b"data: " + json.dumps({"type": "response.song.delta", "delta": "la"}).encode() + b"\n\n"
    rest = chat_body("Hi") if ends == "completed" else chat_body("Hi", finish_reason=None, done=False)
    handle = nbs.start("Hi", source=ScriptedBytes(song, song, rest), model="m", api="chat", display=False)
    with contextlib.suppress(ConnectionLostError):
        handle.result()
    result = handle.snapshot
    [warning] = [each for each in result.warnings if each.kind == "unknown_events"]
    assert warning.message == "The server sent 2 events that nbstream does not know: response.song.delta (2)."
    assert result.text == "Hi"
