"""How soon a call runs once it is allowed, and what an answer with rounds costs beside a loop written on the SDK."""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any

import openai
import pytest

import nbstream as nbs
from nbstream.testing import Answer, chat_body
from nbstream.tools.approval import Approved
from tests.benchmarks.bounds import hold
from tests.tools.reader import Reader
from tests.tools.wire import calling

if TYPE_CHECKING:
    import pathlib

    from nbstream.testing import FaultServer, Received
    from nbstream.tools.approval import Question

ROUNDS, CALLS, TIMES = 4, 2, 40
APPROVED_TO_STARTED = 0.05  # seconds
BESIDE_THE_SDK = 1.3

DEFINITION: Any = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
}


def respond(received: Received) -> Answer:
    roles = [message["role"] for message in received.json["messages"]]
    at = roles[::-1].index("user") // (1 + CALLS)
    if at == ROUNDS:
        return Answer(chat_body("Done."))
    return Answer(calling("chat", *(("add", {"a": at, "b": call}) for call in range(CALLS)), round_=at))


def by_hand(client: openai.OpenAI) -> str:
    """What one writes who has only the SDK."""
    messages: list[Any] = [{"role": "user", "content": "Add."}]
    while True:
        text = ""
        calls: dict[int, dict[str, str]] = {}
        for chunk in client.chat.completions.create(model="m", messages=messages, tools=[DEFINITION], stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                for piece in choice.delta.tool_calls or ():
                    call = calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                    call["id"] = piece.id or call["id"]
                    if piece.function is not None:
                        call["name"] += piece.function.name or ""
                        call["arguments"] += piece.function.arguments or ""
        if not calls:
            return text
        made = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls.values()
        ]
        messages.append({"role": "assistant", "content": text or None, "tool_calls": made})
        for call in calls.values():
            given = json.loads(call["arguments"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": str(given["a"] + given["b"])})


def test_a_round_costs_little_more_than_one_of_a_loop_on_the_sdk(loopback: FaultServer) -> None:
    @nbs.tool(safe=True)
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    loopback.respond(respond)
    client = openai.OpenAI(api_key="x", base_url=loopback.base_url, max_retries=0)
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "display": False, "tools": [add]}
    took: dict[str, list[float]] = {"the SDK": [], "nbstream": []}
    for _ in range(TIMES):
        began = time.perf_counter()
        assert by_hand(client) == "Done."
        took["the SDK"].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert nbs.stream("Add.", **options).text == "Done."
        took["nbstream"].append(time.perf_counter() - began)
    for name, seconds in took.items():
        print(f"  {name}: {min(seconds) * 1e3:.1f} ms, median {statistics.median(seconds) * 1e3:.1f} ms")
    hold(
        "wall: an answer of 5 rounds / a loop on the SDK", min(took["nbstream"]) / min(took["the SDK"]), BESIDE_THE_SDK
    )


@pytest.mark.parametrize("saved", [False, True], ids=["in memory", "with a file"])
def test_an_approved_call_starts_at_once(loopback: FaultServer, tmp_path: pathlib.Path, *, saved: bool) -> None:
    loopback.respond(respond)
    approved: dict[int, float] = {}
    took: list[float] = []

    @nbs.tool
    def add(a: int, b: int) -> int:
        took.append(time.perf_counter() - approved.pop(b))
        return a + b

    def answer(question: Question) -> None:
        approved[question.arguments["b"]] = time.perf_counter()
        question.answer(Approved(question.digest))

    chat = nbs.Chat(model="m", base_url=loopback.base_url, tools=[add])
    chat.listen(Reader(answer))
    if saved:
        chat.save(tmp_path / "chat.json")
    for _ in range(TIMES):
        chat.stream("Add.", display=False)
    median = statistics.median(took)
    print(f"  {len(took)} calls: median {median * 1e3:.2f} ms, longest {max(took) * 1e3:.1f} ms")
    hold(f"approved to started, {'with a file' if saved else 'in memory'}", median, APPROVED_TO_STARTED, "s")
