"""Very many answers, calls and items on the wire: what they cost is in line with their number, and nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.assembly import Assembler
from nbstream.display.surface import NullSurface
from nbstream.request import Endpoint, SizeLimits, StreamRequest
from nbstream.streaming.rounds import Rounds
from nbstream.testing import ScriptedBytes, run_virtually
from nbstream.transport.adapters import adapter_for
from nbstream.transport.decoded import decoded
from nbstream.transport.wire import WireDecoder
from tests.steps import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractAsyncContextManager
    from types import FrameType

    from nbstream.result import StreamResult
    from nbstream.transport.event_stream import EventStream

ENDPOINT = Endpoint("http://localhost:8000/v1")


class Scripted(ScriptedBytes):
    """A source of streams, for a whole answer."""

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[EventStream]:
        return decoded(self, request)


def frame(payload: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()


def chunk(delta: dict[str, Any], index: int = 0) -> bytes:
    return frame({"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": "stop"}]})


def item(number: int, kind: str, **fields: Any) -> bytes:
    made = {"id": f"i{number}", "type": kind, **fields}
    return frame({"type": "response.output_item.done", "output_index": number, "item": made})


def call(number: int) -> dict[str, Any]:
    return {"index": number, "id": f"c{number}", "function": {"name": "f", "arguments": "{}"}}


def said(number: int) -> list[dict[str, Any]]:
    return [{"type": "output_text", "text": f"t{number}", "annotations": [{"type": "file_citation", "file_id": "f"}]}]


KINDS: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "answers": ("chat", lambda number: chunk({"content": "Hi"}, number)),
    "calls": ("chat", lambda number: chunk({"tool_calls": [call(number)]})),
    "calls without a slot": ("chat", lambda number: chunk({"tool_calls": [{**call(number), "index": None}]})),
    "text and calls": ("chat", lambda number: chunk({"content": "Hi", "tool_calls": [call(number)]})),
    "text and thoughts": ("chat", lambda _: chunk({"content": "Hi", "reasoning": "Hm"})),
    "messages": ("responses", lambda number: item(number, "message", content=said(number))),
    "messages in one place": ("responses", lambda number: item(0, "message", content=said(number))),
    "thoughts": (
        "responses",
        lambda number: item(number, "reasoning", summary=[{"type": "summary_text", "text": "t"}]),
    ),
    "thoughts twice": (
        "responses",
        lambda number: item(number, "reasoning", summary=[{"text": "t"}], content=[{"text": "t"}]),
    ),
    "functions": (
        "responses",
        lambda number: item(number, "function_call", call_id=f"c{number}", name="f", arguments="{}"),
    ),
    "searches": ("responses", lambda number: item(number, "web_search_call", status="completed")),
}


def played(api: str, frames: Iterable[bytes], *, looks: int = 0) -> StreamResult:
    """Decode and assemble as a session does, and take so many snapshots on the way."""
    decoder, assembler = (
        WireDecoder(adapter_for("chat" if api == "chat" else "responses"), ENDPOINT),
        Assembler(model="m", endpoint="e"),
    )
    frames = list(frames)
    for number, each in enumerate(frames):
        for event in decoder.feed(each):
            assembler.feed(event)
        _ = assembler.reason_given and assembler.announced
        if looks and not number % (len(frames) // looks):
            assembler.snapshot()
    for event in decoder.close():
        assembler.feed(event)
    return assembler.snapshot()


@pytest.mark.parametrize("kind", KINDS)
def test_twice_as_many_cost_twice_as_much(kind: str) -> None:
    api, made = KINDS[kind]

    def cost(count: int) -> int:
        frames = [made(number) for number in range(count)]
        return steps(lambda: played(api, frames))

    cost(10)
    assert cost(600) <= 2.3 * cost(300)


@pytest.mark.parametrize("kind", ["calls", "messages", "functions", "searches"])
def test_a_part_that_others_follow_is_made_once(kind: str) -> None:
    """The snapshots on the way ask each part for its value, and no more."""
    api, made = KINDS[kind]
    frames = [made(number) for number in range(300)]
    looked = steps(lambda: played(api, frames, looks=10)) - steps(lambda: played(api, frames))
    assert looked < 10 * 300 * 12


@pytest.mark.parametrize(("kind", "most"), [("calls", 6), ("messages", 11), ("thoughts", 9), ("searches", 5)])
def test_a_part_is_few_objects(kind: str, most: int) -> None:
    """Python looks through all of them now and then, and everything else stands meanwhile."""
    api, made = KINDS[kind]

    def objects(count: int) -> int:
        assembler, decoder = Assembler(model="m", endpoint="e"), WireDecoder(adapter_for(api), ENDPOINT)
        for number in range(count):
            for event in decoder.feed(made(number)):
                assembler.feed(event)
        kept = assembler.snapshot()
        gc.collect()
        assert len(kept.parts) == count
        return len(gc.get_objects())

    objects(10)
    # The least of three, because other threads make objects, too.
    assert min(objects(400) - objects(200) for _ in range(3)) <= 200 * most


@pytest.mark.parametrize("field", ["content", "reasoning"])
def test_a_flood_of_answers_leaves_no_objects(field: str) -> None:
    def objects(count: int) -> int:
        assembler, decoder = Assembler(model="m", endpoint="e"), WireDecoder(adapter_for("chat"), ENDPOINT)
        for number in range(count):
            for event in decoder.feed(chunk({field: "Hi"}, number)):
                assembler.feed(event)
        gc.collect()
        return len(gc.get_objects())

    objects(400)
    assert min(objects(2000) - objects(1000) for _ in range(3)) < 20


@pytest.mark.wire("D20")
def test_a_flood_of_answers_is_cut_and_told() -> None:
    result = played("chat", (chunk({"content": f"t{number}"}, number) for number in range(1000)))
    assert [choice.text for choice in result.choices] == [f"t{number}" for number in range(256)]
    assert [warning.kind for warning in result.warnings] == ["too_many_answers"]
    assert (result.state, result.text) == ("completed", "t0")


@pytest.mark.parametrize("size", [None, 4096, 100_000], ids=["in one chunk", "in small ones", "in large ones"])
@pytest.mark.parametrize("whole", [False, True], ids=["many events", "one event"])
def test_other_streams_have_their_turns(whole: bool, size: int | None) -> None:  # noqa: FBT001  a parameter
    """However much comes at once, it is handed over in small batches, and the loop runs between them."""
    items = [{"id": f"i{number}", "type": "message", "content": said(number)} for number in range(1000)]
    ended = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": items}}
    body = (
        frame(ended)
        if whole
        else b"".join(KINDS["messages"][1](number) for number in range(1000))
        + frame({**ended, "response": {"id": "r", "status": "completed", "output": []}})
    )
    chunks = [body] if size is None else [body[at : at + size] for at in range(0, len(body), size)]
    request = StreamRequest(messages=(), model="m", api="responses", endpoint=ENDPOINT)

    async def main() -> list[int]:
        since = [0]

        async def other() -> None:
            while True:
                since.append(0)
                await asyncio.sleep(0)

        running = asyncio.create_task(other())
        async with decoded(ScriptedBytes(*chunks), request) as stream:
            async for batch in stream:
                since[-1] += len(batch)
        running.cancel()
        return since

    since = run_virtually(main())
    assert sum(since) > 3000
    assert max(since) <= 400


def test_the_loop_does_little_at_a_time() -> None:
    """What a whole answer of many parts takes is not done in one turn of the loop, not even at its end."""
    count, longest = 0, 0
    ended = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}
    body = b"".join(KINDS["messages"][1](number) for number in range(2500)) + frame(ended)
    request = StreamRequest(messages=(), model="m", api="responses", endpoint=ENDPOINT, sizes=SizeLimits(parts=5000))

    async def other() -> None:
        nonlocal count, longest
        while True:
            longest, count = max(longest, count), 0
            await asyncio.sleep(0)

    async def main() -> StreamResult:
        running = asyncio.create_task(other())
        result = await Rounds(request, NullSurface(), Scripted(body)).run()
        running.cancel()
        return result

    def line(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: line if "/nbstream/" in frame.f_code.co_filename else None)  # of this thread only
    try:
        result = asyncio.run(main())
    finally:
        sys.settrace(before)
    assert len(result.parts) == 2500
    assert longest < 18 * 2500
