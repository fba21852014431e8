"""Byte streams decoded into events, by value: scripted bytes in virtual time, no network and no SDK."""

from __future__ import annotations

import asyncio
import gc
import itertools
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.errors import ConnectionLostError, ServerError
from nbstream.events import EndOfStream, Finished, TextDelta
from nbstream.request import Endpoint, StreamRequest
from nbstream.settings.credential import Credential
from nbstream.testing import DONE, ScriptedBytes, chat_body, error_frame, frame, play, responses_body, run_virtually
from nbstream.text.secret import Secret
from nbstream.transport.decoded import DecodedStream, decoded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nbstream.events import Event
    from nbstream.transport.byte_stream import ByteSource, ByteStream, Chunk

LOCAL = Endpoint("http://localhost:8000/v1")


def chat_chunk(text: str, finish_reason: str | None = None) -> bytes:
    """A chunk that says nothing but this."""
    return frame({"choices": [{"delta": {"content": text}, "finish_reason": finish_reason}]})


def asked(**values: Any) -> StreamRequest:
    return StreamRequest(**{"messages": (), "model": "m", "api": "chat", "endpoint": LOCAL, **values})


def read(source: ByteSource, **values: Any) -> list[list[Event]]:
    """The batches of a whole stream."""

    async def main() -> list[list[Event]]:
        async with decoded(source, asked(**values)) as stream:
            return [batch async for batch in stream]

    return run_virtually(main())


def test_a_batch_for_each_piece_and_one_for_the_end() -> None:
    assert read(ScriptedBytes(chat_chunk("Hel"), b": ping\n\n", chat_chunk("lo", "stop"))) == [
        [TextDelta("Hel")],
        [],
        [TextDelta("lo", last=True), Finished("stop")],
        [EndOfStream(marked=False)],
    ]


def test_an_iteration_that_is_left_is_closed_with_the_stream() -> None:
    """Otherwise the event loop would close it, by a task of its own for which it wakes itself."""
    left: list[str] = []

    async def main() -> None:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=lambda each: left.append(repr(each)))
        try:
            for most in (1, 3):  # in the middle, and at the end that a session sees before the iteration does
                async with decoded(ScriptedBytes(chat_chunk("Hel"), chat_chunk("lo", "stop")), asked()) as stream:
                    batches = aiter(stream)
                    for _ in range(most):
                        await anext(batches)
                    del batches
            gc.collect()
        finally:
            sys.set_asyncgen_hooks(*hooks)

    run_virtually(main())
    assert not [each for each in left if DecodedStream.__name__ in each]


@pytest.mark.parametrize(("api", "body"), [("chat", chat_body("Hello")), ("responses", responses_body("Hello"))])
def test_the_request_says_whose_words_the_bytes_are_in(api: Any, body: bytes) -> None:
    result = play(ScriptedBytes(body), api=api)
    assert (result.text, result.warnings) == ("Hello", ())


def test_what_waits_for_its_end_is_told_before_the_connection_is_lost() -> None:
    last = chat_chunk("lo").rstrip(b"\n")
    batches: list[list[Event]] = []

    async def main() -> None:
        async with decoded(ScriptedBytes(chat_chunk("Hel"), last, OSError("gone")), asked()) as stream:
            async for batch in stream:
                batches.append(batch)  # noqa: PERF401  it is kept when the loop raises

    with pytest.raises(ConnectionLostError, match=r"The connection to localhost:8000 broke off\.") as caught:
        run_virtually(main())
    assert batches == [[TextDelta("Hel")], [], [TextDelta("lo")]]
    assert caught.value.retryable
    assert caught.value.__context__ is None, "the error of the source may hold on to a connection"


@pytest.mark.parametrize(
    ("body", "complete"), [(chat_body("Hi"), True), (chat_chunk("Hi", "stop"), False), (chat_chunk("Hi"), False)]
)
def test_closing_says_whether_the_answer_is_complete(body: bytes, *, complete: bool) -> None:
    source = ScriptedBytes(body)
    play(source, max_retries=0)
    assert source.closed == [complete]


def test_a_stream_that_is_left_early_is_closed_as_incomplete() -> None:
    source = ScriptedBytes(chat_chunk("Hi"), 3600.0)
    assert play(source, cancel_after=1.0).state == "cancelled"
    assert (source.opened, source.closed) == (1, [False])


def test_what_follows_the_end_is_not_asked_for() -> None:
    result = play(ScriptedBytes(chat_body("Hi"), 3600.0, chat_chunk("more")))
    assert (result.text, result.timing.total) == ("Hi", 0.0)


def test_what_cannot_be_opened_is_not_closed() -> None:
    source = ScriptedBytes(refusal=ServerError("busy", status=503))
    assert play(source).error is not None
    assert (source.opened, source.closed) == (0, [])


def test_the_request_id_is_that_of_the_headers() -> None:
    assert play(ScriptedBytes(chat_body("Hi"), headers={"x-request-id": "req_7"})).request_id == "req_7"
    assert play(ScriptedBytes(chat_body("Hi"), headers={"server": "x"})).request_id is None


def test_the_key_that_the_request_carried_is_left_out_of_messages(key: str) -> None:
    endpoint = Endpoint("http://localhost:8000/v1", Credential(Secret(key)))
    [[failed], _] = read(ScriptedBytes(error_frame(f"wrong key {key}")), endpoint=endpoint)
    assert getattr(failed, "message", "") == "wrong key <key>"


# --- pauses -----------------------------------------------------------------------------------------------------------


class Paced:
    """A source whose pieces come every two milliseconds, whether anybody reads or not; a read brings all."""

    def __init__(self, *, buffers: bool) -> None:
        self.status, self.headers, self.endpoint, self.buffers = 200, dict[str, str](), LOCAL, buffers
        self.read_at: list[float] = []

    async def open_bytes(self, _: StreamRequest) -> ByteStream:
        return self

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        loop, coming = asyncio.get_running_loop(), [number * 0.002 for number in range(1, 101)]
        while coming:
            await asyncio.sleep(max(0.0, coming[0] - loop.time()))
            come = sum(at <= loop.time() + 1e-6 for at in coming)
            del coming[:come]
            self.read_at.append(loop.time())
            yield chat_chunk("x") * come, loop.time()

    async def close(self, *, complete: bool) -> None:
        pass


def longest_pause(source: Paced) -> float:
    assert sum(len(batch) for batch in read(source)) == 101
    return max(later - earlier for earlier, later in itertools.pairwise(source.read_at))


def test_pieces_gather_where_the_source_buffers_them() -> None:
    assert longest_pause(Paced(buffers=True)) == pytest.approx(0.04)


def test_a_source_that_makes_its_pieces_when_it_is_asked_is_not_slowed_down() -> None:
    assert longest_pause(Paced(buffers=False)) == pytest.approx(0.002)


# --- the seam ---------------------------------------------------------------------------------------------------------


class Noted:
    """Hands on what another source delivers, and notes it: all that a recording is."""

    def __init__(self, inner: ByteSource) -> None:
        self.inner = inner
        self.chunks: list[Chunk] = []

    async def open_bytes(self, request: StreamRequest) -> ByteStream:
        return _NotedResponse(await self.inner.open_bytes(request), self.chunks)


class _NotedResponse:
    def __init__(self, inner: ByteStream, chunks: list[Chunk]) -> None:
        self.status, self.headers = inner.status, inner.headers
        self.endpoint, self.buffers = inner.endpoint, inner.buffers
        self.inner = inner
        self.chunks = chunks

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        async for chunk in self.inner:
            self.chunks.append(chunk)
            yield chunk

    async def close(self, *, complete: bool) -> None:
        await self.inner.close(complete=complete)


def test_a_source_can_stand_before_another() -> None:
    inner = ScriptedBytes(chat_chunk("Hi"), 1.5, DONE, headers={"x-request-id": "r"}, connecting=0.5)
    noted = Noted(inner)
    assert read(noted) == [[TextDelta("Hi")], [], [EndOfStream(marked=True)]]
    assert noted.chunks == [(chat_chunk("Hi"), 0.5), (DONE, 2.0)]
    assert inner.closed == [True]


def test_decoding_imports_no_sdk() -> None:
    program = "import sys, nbstream.transport.decoded; sys.exit('openai' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
