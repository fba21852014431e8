"""What a provider says of its own moderation, on both wires: verdicts, errors, and what is neither."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbstream.events import EndOfStream, Moderated
from nbstream.request import Endpoint
from nbstream.transport.adapters import adapter_for
from nbstream.transport.wire import WireDecoder

CLEAN = {"flagged": False, "categories": {"hate": False}, "model": "omni-moderation-latest"}
FLAGGED = {"flagged": True, "categories": {"hate": True, "violence": False, "self-harm": True}}
ERROR = {"type": "error", "code": "timeout", "message": "While reading: what the answer said"}


def listed(*results: dict[str, Any]) -> dict[str, Any]:
    return {"type": "moderation_results", "model": "m", "results": list(results)}


def decoded(api: str, moderation: Any) -> list[Moderated]:
    """What both wires make of a `moderation` object, wherever it stands there."""
    if api == "chat":
        frames: list[Any] = [
            {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]},
            {"id": "c", "choices": [], "moderation": moderation},
        ]
    else:
        message = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
        response = {"id": "r", "status": "completed", "output": [message], "moderation": moderation}
        frames = [{"type": "response.completed", "sequence_number": 1, "response": response}]
    body = "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames) + "data: [DONE]\n\n"
    decoder = WireDecoder(adapter_for(api), Endpoint("http://localhost:8000/v1"))
    events = [*decoder.feed(body.encode()), *decoder.close()]
    assert type(events[-1]) is EndOfStream, "nothing in it ends the stream badly"
    return [event for event in events if type(event) is Moderated]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("in_a_list", [True, False])
def test_both_halves_have_their_verdicts(api: str, in_a_list: bool) -> None:  # noqa: FBT001
    given, made = (listed(CLEAN), listed(CLEAN, FLAGGED)) if in_a_list else (CLEAN, FLAGGED)
    assert decoded(api, {"input": given, "output": made}) == [
        Moderated("prompt", "clean"),
        Moderated("answer", "flagged", ("hate", "self-harm")),
    ]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_error_is_no_verdict_and_its_message_is_not_repeated(api: str) -> None:
    assert decoded(api, {"input": ERROR, "output": listed(CLEAN)}) == [
        Moderated("prompt", "unchecked", reason="timeout"),
        Moderated("answer", "clean"),
    ]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    "half",
    [
        {},
        {"type": "moderation_result"},
        {"flagged": None},
        {"flagged": 0},
        {"flagged": "false"},
        listed(),
        listed(CLEAN, {}),
        {"results": None},
        {"results": "none"},
        {"type": "error"},
    ],
)
def test_what_says_nothing_is_not_clean(api: str, half: Any) -> None:
    assert [each.outcome for each in decoded(api, {"output": half})] == ["unchecked"]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("moderation", [None, [], "clean", 7, {}, {"input": None, "output": []}, {"other": CLEAN}])
def test_what_is_no_moderation_is_passed_over(api: str, moderation: Any) -> None:
    assert decoded(api, moderation) == []


def test_categories_are_names_and_few() -> None:
    odd = {"flagged": True, "categories": {f"c{number}\x1b[31m": True for number in range(1000)}}
    [verdict] = decoded("chat", {"output": odd})
    assert len(verdict.categories) == 20
    assert verdict.categories[0] == "c0␛[31m"
