"""What the benchmarks share: a server in a process of its own, and rounds that take turns."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import pathlib
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

CHUNKS = 10_000
PIECE = "word "


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.benchmark)


def chat_body() -> list[bytes]:
    """Chunks as OpenAI sends them, usage and obfuscation included."""
    head: dict[str, object] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "service_tier": "default",
    }
    head |= {"system_fingerprint": "fp_1", "usage": None, "obfuscation": "abcdefgh"}
    choice: dict[str, object] = {"index": 0, "logprobs": None, "finish_reason": None}
    chunk = head | {"choices": [choice | {"delta": {"content": PIECE}}]}
    end = head | {"choices": [choice | {"delta": {}, "finish_reason": "stop"}]}
    usage = head | {
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": CHUNKS, "total_tokens": CHUNKS + 1},
    }
    return [*[_sse(chunk)] * CHUNKS, _sse(end), _sse(usage), b"data: [DONE]\n\n"]


def responses_body() -> list[bytes]:
    """Typed events as OpenAI sends them."""
    response: dict[str, object] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "output": [],
        "tools": [],
    }
    response |= {"parallel_tool_calls": True, "tool_choice": "auto", "status": "in_progress"}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    delta = {"type": "response.output_text.delta", "delta": PIECE, "logprobs": [], "obfuscation": "abcdefgh"} | place
    usage: dict[str, object] = {"input_tokens": 1, "output_tokens": CHUNKS, "total_tokens": CHUNKS + 1}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    events: list[dict[str, object]] = [{"type": "response.created", "response": response}]
    events += [delta] * CHUNKS
    events += [{"type": "response.completed", "response": response | {"status": "completed", "usage": usage}}]
    return [_sse(event | {"sequence_number": n}, str(event["type"])) for n, event in enumerate(events)]


def _sse(payload: dict[str, object], event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(payload, separators=(',', ':'))}\n\n".encode()


def _serve(ready: Connection) -> None:
    """Answer every POST with the body its path asks for, as fast as the client reads."""
    bodies = {b"chat": b"".join(chat_body()), b"responses": b"".join(responses_body())}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _until_blank_line(reader):
            length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length"))
            await reader.readexactly(length)
            body = bodies[b"responses" if b"/responses" in head[0] else b"chat"]
            headers = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(headers.encode() + body)
            await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def _until_blank_line(reader: asyncio.StreamReader) -> list[bytes]:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return []


@pytest.fixture(scope="session")
def burst_url() -> Iterator[str]:
    """The base URL of a server that sends 10,000 chunks as fast as they are read."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}/v1"
    process.terminate()
    process.join()
    ours.close()
    theirs.close()


@dataclass
class Figures:
    """CPU seconds of one contestant, round by round."""

    name: str
    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def take_turns(contestants: dict[str, Callable[[], None]], rounds: int = 7) -> dict[str, Figures]:
    """Measure the CPU time of each contestant, in turn, after a round that does not count.

    Interleaving makes a slow spell of the machine fall on all alike.
    """
    figures = {name: Figures(name, []) for name in contestants}
    for number in range(rounds + 1):
        for name, run in contestants.items():
            started = time.process_time()
            run()
            if number:
                figures[name].seconds.append(time.process_time() - started)
    return figures
