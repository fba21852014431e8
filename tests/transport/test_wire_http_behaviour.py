"""Bytes on their way that no table holds: compressed, cut off at any place, and without an end."""

from __future__ import annotations

import random
import tracemalloc
import zlib

import pytest

from nbstream.events import Garbled
from nbstream.request import Endpoint
from nbstream.testing import DONE, FaultServer, RecordingSurface, chat_body, chat_chunk
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.wire import WireDecoder
from tests.transport.over_http import ask, verdict

FINISH = chat_chunk("", "stop")
MEGABYTE = 1024 * 1024

# --- compression ------------------------------------------------------------------------------------------------------

WINDOWS = {"gzip": 31, "deflate": 15, "deflate without its header": -15}


def compressed(pieces: list[bytes], encoding: str) -> list[bytes]:
    """Each piece on its own, as a server does that compresses a stream; the end of the compression comes last."""
    compressor = zlib.compressobj(wbits=WINDOWS[encoding])
    flushed = [compressor.compress(piece) + compressor.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return [*flushed, compressor.flush()]


def announced(encoding: str) -> dict[str, str]:
    return {"content-encoding": encoding.partition(" ")[0]}


@pytest.mark.wire("B07")
@pytest.mark.parametrize("encoding", WINDOWS)
def test_a_compressed_stream_is_shown_as_it_comes(loopback: FaultServer, encoding: str) -> None:
    surface = RecordingSurface()
    first, rest, end = compressed([chat_chunk("Hällo "), chat_chunk("😀") + FINISH + DONE], encoding)
    loopback.send(first, surface.drawn, rest, end, headers=announced(encoding))
    assert verdict(ask(loopback.base_url, surface=surface)) == ("completed", "Hällo 😀", "")
    assert surface.frames[0].text == "Hällo "


@pytest.mark.wire("B07")
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compression_may_be_cut_anywhere(loopback: FaultServer, encoding: str) -> None:
    body = b"".join(compressed([chat_body("Hällo ", "😀")], encoding))
    loopback.send(body, headers=announced(encoding), drip=(1, 0.0))
    assert verdict(ask(loopback.base_url)) == ("completed", "Hällo 😀", "")


@pytest.mark.wire("B08")
@pytest.mark.parametrize("encoding", WINDOWS)
def test_truncated_compression_under_a_clean_end_is_a_failure(loopback: FaultServer, encoding: str) -> None:
    one, two, three, _ = compressed([chat_chunk("Hällo "), chat_chunk("😀"), FINISH + DONE], encoding)
    sent = [
        (one + two + three[:10], ("failed", "Hällo 😀", "connection_lost")),
        (one + two, ("failed", "Hällo 😀", "connection_lost")),
        (one + two[:4], ("failed", "Hällo ", "connection_lost")),
        (one[:20], ("failed", "", "empty_answer")),
        (b"", ("failed", "", "empty_answer")),
    ]
    for kept, expected in sent:
        loopback.send(kept, headers=announced(encoding))
        assert verdict(ask(loopback.base_url)) == expected, len(kept)


@pytest.mark.wire("B08")
def test_a_compressed_answer_in_one_piece_that_is_truncated_is_a_failure(loopback: FaultServer) -> None:
    """Nothing was flushed in between, so how much can be decompressed is the compressor's affair."""
    generator = random.Random(5)
    words = [f"{generator.getrandbits(40):x} " for _ in range(200)]
    body = b"".join(map(chat_chunk, words)) + FINISH + DONE
    packed = zlib.compress(body, wbits=WINDOWS["gzip"])
    loopback.send(packed[: len(packed) // 2], headers=announced("gzip"))
    state, text, kind = verdict(ask(loopback.base_url))
    assert (state, kind) == ("failed", "connection_lost")
    assert "".join(words).startswith(text)
    assert len(text) > len("".join(words)) // 4


@pytest.mark.wire("B08")
def test_compression_without_its_own_end_is_complete_if_the_answer_is(loopback: FaultServer) -> None:
    *flushed, _ = compressed([chat_body("Hello")], "gzip")
    loopback.send(*flushed, headers=announced("gzip"))
    assert verdict(ask(loopback.base_url)) == ("completed", "Hello", "")


@pytest.mark.wire("B08")
def test_compression_that_breaks_in_the_middle_keeps_what_came(loopback: FaultServer) -> None:
    first, second, _ = compressed([chat_chunk("Hello"), FINISH + DONE], "gzip")
    loopback.send(first, b"\xff" * len(second), headers=announced("gzip"))
    assert verdict(ask(loopback.base_url)) == ("failed", "Hello", "connection_lost")


# --- cut off at any place ---------------------------------------------------------------------------------------------


@pytest.mark.wire("B09", "B11")
@pytest.mark.parametrize("chunked", [True, False])
def test_wherever_a_body_is_cut_the_whole_events_count(loopback: FaultServer, chunked: bool) -> None:  # noqa: FBT001
    frames = [chat_chunk(word) for word in ("one ", "two ", "three")] + [FINISH, DONE]
    body = b"".join(frames)
    # An event is whole with its last brace; the blank line after it adds nothing.
    ends = [len(b"".join(frames[:number])) - 2 for number in range(1, 6)]
    for cut in [*random.Random(3).sample(range(len(body)), 6), ends[1] - 1, ends[1], ends[3] - 1, ends[3]]:
        loopback.send(body, cut=cut, then="close", chunked=chunked)
        whole = sum(end <= cut for end in ends)
        text = "".join(["one ", "two ", "three"][:whole])
        kind = "" if whole >= 4 else "connection_lost" if whole or chunked else "empty_answer"
        assert verdict(ask(loopback.base_url)) == ("failed" if kind else "completed", text, kind), cut


@pytest.mark.wire("B10")
def test_a_reset_after_text_was_shown_keeps_it(loopback: FaultServer) -> None:
    surface = RecordingSurface()
    loopback.send(chat_chunk("Hello"), surface.drawn, then="reset")
    result = ask(loopback.base_url, surface=surface, max_retries=2)
    assert verdict(result) == ("failed", "Hello", "connection_lost")
    assert len(loopback.requests) == 1, "what has begun is never asked for again"


# --- without an end ---------------------------------------------------------------------------------------------------


def a_decoder() -> WireDecoder:
    return WireDecoder(ChatCompletionsAdapter(), Endpoint("http://localhost:8000/v1"))


@pytest.mark.wire("A29")
@pytest.mark.parametrize("start", [b"data: ", b": ", b"", b'{"choices":[{"message":{"content":"', b"[\n"])
def test_a_line_without_an_end_is_given_up(start: bytes) -> None:
    decoder = a_decoder()
    assert decoder.feed(start) == []
    events = [event for _ in range(70) for event in decoder.feed(b"x" * MEGABYTE)]
    assert isinstance(events[0], Garbled)


@pytest.mark.wire("A29")
@pytest.mark.parametrize("nothing", [b"\n", b"\r\n", b" \n", b": ping\n\n", b"\n\n: ping\n"])
def test_nothing_for_ever_takes_no_memory(nothing: bytes) -> None:
    decoder = a_decoder()
    piece = bytearray(nothing * (MEGABYTE // len(nothing) // 4))
    tracemalloc.start()
    try:
        events = [event for _ in range(8) for event in decoder.feed(bytes(piece))]
        retained, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert events == []
    assert retained < MEGABYTE
