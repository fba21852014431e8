"""A server in a process of its own that streams answers as OpenAI writes them, in one burst or at a pace.

What to send stands in the base URL: `…/burst/10000/v1` sends 10,000 chunks as fast as they are read,
`…/framed/10000/v1` the same with each in an HTTP chunk of its own, as servers write them, and `…/paced/500/400/v1` 500
chunks, 400 a second, each in an HTTP chunk and a segment of its own; `…/timed/500/50/v1` is as exact as timers are, so
that many may be read at once. It must not know who reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import multiprocessing
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

__all__ = ["PIECE", "serving"]

PIECE = "word "


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Run the server; gives the beginning of the base URLs, `http://127.0.0.1:PORT`."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
        ours.close()
        theirs.close()


def chat_events(chunks: int) -> list[bytes]:
    """Chunks as OpenAI sends them, usage and obfuscation included."""
    head: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    head |= {"service_tier": "default", "system_fingerprint": "fp_1", "usage": None, "obfuscation": "abcdefgh"}
    choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": None}
    chunk = head | {"choices": [choice | {"delta": {"content": PIECE}}]}
    end = head | {"choices": [choice | {"delta": {}, "finish_reason": "stop"}]}
    counts = {"prompt_tokens": 1, "completion_tokens": chunks, "total_tokens": chunks + 1}
    return [*[_sse(chunk)] * chunks, _sse(end), _sse(head | {"choices": [], "usage": counts}), b"data: [DONE]\n\n"]


def responses_events(chunks: int) -> list[bytes]:
    """Typed events as OpenAI sends them."""
    response: dict[str, Any] = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "tools": []}
    response |= {"parallel_tool_calls": True, "tool_choice": "auto", "status": "in_progress", "output": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant"}
    part = {"type": "output_text", "annotations": [], "logprobs": []}
    whole = part | {"text": PIECE * chunks}
    done = item | {"status": "completed", "content": [whole]}
    counts: dict[str, Any] = {"input_tokens": 1, "output_tokens": chunks, "total_tokens": chunks + 1}
    counts |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    completed = response | {"status": "completed", "usage": counts, "output": [done]}
    delta = place | {"delta": PIECE, "logprobs": [], "obfuscation": "abcdefgh"}
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": response}),
        ("response.in_progress", {"response": response}),
        ("response.output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "content": []}}),
        ("response.content_part.added", place | {"part": part | {"text": ""}}),
        *[("response.output_text.delta", delta)] * chunks,
        ("response.output_text.done", place | {"text": PIECE * chunks, "logprobs": []}),
        ("response.content_part.done", place | {"part": whole}),
        ("response.output_item.done", {"output_index": 0, "item": done}),
        ("response.completed", {"response": completed}),
    ]
    return [_sse({"type": kind, "sequence_number": n} | rest, kind) for n, (kind, rest) in enumerate(events)]


def _sse(payload: dict[str, Any], event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(payload, separators=(',', ':'))}\n\n".encode()


@functools.cache
def _events(api: str, chunks: int) -> list[bytes]:
    return chat_events(chunks) if api == "chat" else responses_events(chunks)


@functools.cache
def _burst(api: str, chunks: int) -> bytes:
    return b"".join(_events(api, chunks))


@functools.cache
def _framed(api: str, chunks: int) -> bytes:
    return b"".join(map(_http_chunk, _events(api, chunks))) + _http_chunk(b"")


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _serve(ready: Connection) -> None:
    async def main() -> None:
        server = await asyncio.start_server(_connection, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await _until_blank_line(reader):
        length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length"))
        await reader.readexactly(length)
        path = head[0].split()[1].decode()
        _, kind, *numbers = path.partition("/v1/")[0].split("/")
        api = "responses" if path.endswith("/responses") else "chat"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        if kind == "burst":
            body = _burst(api, int(numbers[0]))
            writer.write(b"Content-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
        elif kind == "framed":
            writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
            writer.write(_framed(api, int(numbers[0])))
        else:
            writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
            pace = _timed if kind == "timed" else _paced
            await pace(_events(api, int(numbers[0])), 1 / int(numbers[1]), writer)
        await writer.drain()
    writer.close()


async def _paced(events: list[bytes], gap: float, writer: asyncio.StreamWriter) -> None:
    """Send each event in a segment of its own; a pause that took longer is not made good by shorter ones.

    The pauses are busy-waited, because a timer may fire much too late, at another pace in each round.
    """
    for event in events:
        due = time.perf_counter() + gap
        while time.perf_counter() < due:
            pass
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.sleep(0)
    writer.write(b"0\r\n\r\n")


async def _timed(events: list[bytes], gap: float, writer: asyncio.StreamWriter) -> None:
    """Send each event at its moment, in a segment of its own; others are sent meanwhile."""
    began = time.perf_counter()
    for number, event in enumerate(events):
        await asyncio.sleep(began + number * gap - time.perf_counter())
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
    writer.write(b"0\r\n\r\n")


async def _until_blank_line(reader: asyncio.StreamReader) -> list[bytes]:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return []
