"""Joined HTTP chunks: whatever comes and however it is cut, the HTTP library reads the same body, and ends the same."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import h11
import pytest

import nbstream as nbs
from nbstream.testing import chat_body
from nbstream.transport.http_chunks import ChunkJoiner
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.testing import FaultServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECES = [
    b"data: {}\n\n",
    b"x",
    b"data: a\n\ndata: b\n\n",
    b"\r\n",
    b"0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"y" * 300,
]


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def read_by_h11(reads: Iterable[bytes]) -> tuple[list[bytes], str]:
    """The pieces of the body as the HTTP library gets them, and how the response ended."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "localhost")]))
    connection.send(h11.EndOfMessage())
    pieces = []
    try:
        for read in [*reads, b""]:
            connection.receive_data(read)
            while True:
                event = connection.next_event()
                if isinstance(event, h11.Data):
                    pieces.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    return pieces, f"whole, then {connection.trailing_data[0]!r}"
                elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                    break
    except h11.RemoteProtocolError as error:
        return pieces, "cut off" if str(error).startswith("peer ") else str(error).partition(":")[0]
    return pieces, "not ended"


def joined(reads: Iterable[bytes]) -> list[bytes]:
    joiner = ChunkJoiner()
    return [passed for read in reads if (passed := joiner.feed(read))]


def cuts(data: bytes, rng: random.Random) -> list[bytes]:
    places = sorted(rng.sample(range(1, len(data)), min(rng.randrange(12), len(data) - 1)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


RESPONSES = {
    "chunked": HEAD + chunked(*PIECES) + b"0\r\n\r\n",
    "trailers": HEAD + chunked(*PIECES) + b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
    "another response after it": HEAD + chunked(b"a", b"b") + b"0\r\n\r\n" + HEAD + chunked(b"c"),
    "extensions": HEAD + b'2;a=b\r\nHe\r\n3 \t\r\nllo\r\n1;c="d" \r\n!\r\n0;e\r\n\r\n',
    "leading zeros and capitals": HEAD.upper() + b"000A\r\n0123456789\r\n0a\r\n0123456789\r\n00\r\n\r\n",
    "bare line feeds in the head": HEAD.replace(b"\r\n", b"\n") + chunked(*PIECES) + b"0\r\n\r\n",
    "informational responses before it": b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 2
    + HEAD
    + chunked(b"a", b"b"),
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n2\r\nab\r\n0\r",
    "up to the end of the connection": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n2\r\nab\r\n2\r\ncd\r\n",
    "HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + chunked(b"a", b"b"),
    "cut in a chunk": HEAD + chunked(b"a", b"b") + b"5\r\nab",
    "cut in a size": HEAD + chunked(b"a", b"b") + b"5",
    "cut after a chunk": HEAD + chunked(b"a", b"b"),
    "cut in the end of a chunk": HEAD + chunked(b"a", b"b")[:-1],
    "cut in the head": HEAD[:40],
    "no size": HEAD + chunked(b"a", b"b") + b"data: {}\r\n",
    "a negative size": HEAD + chunked(b"a", b"b") + b"-5\r\nabcde\r\n",
    "a size in another notation": HEAD + chunked(b"a", b"b") + b"0x5\r\nabcde\r\n",
    "a size too great for any length": HEAD + chunked(b"a", b"b") + b"f" * 30 + b"\r\nabcde\r\n",
    "a size without end": HEAD + chunked(b"a", b"b") + b"1" * 5000,
    "a chunk longer than its size": HEAD + chunked(b"a", b"b") + b"2\r\nabc\r\n0\r\n\r\n",
    "no end after a chunk": HEAD + chunked(b"a", b"b") + b"2\r\nab2\r\ncd\r\n0\r\n\r\n",
    "half an end after a chunk": HEAD + chunked(b"a", b"b") + b"2\r\nab\r2\r\ncd\r\n0\r\n\r\n",
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 40_000,
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_the_library_reads_the_same(response: bytes) -> None:
    rng = random.Random(7)
    one_by_one = [response[at : at + 1] for at in range(min(len(response), 8000))]
    for reads in [[response], one_by_one, *(cuts(response, rng) for _ in range(200 if len(response) < 2000 else 5))]:
        pieces, end = read_by_h11(reads)
        passed, passed_end = read_by_h11(joined(reads))
        assert (b"".join(passed), passed_end) == (b"".join(pieces), end), reads


def test_any_chunks_cut_anywhere() -> None:
    rng = random.Random(8)
    for _ in range(500):
        body = [rng.choice(PIECES) for _ in range(rng.randrange(1, 30))]
        reads = cuts(HEAD + chunked(*body) + b"0\r\n\r\n", rng)
        passed, end = read_by_h11(joined(reads))
        assert (b"".join(passed), end) == (b"".join(body), "whole, then b''")
        assert len(passed) <= len(reads), "what a read brings is one chunk"


def test_the_next_response_on_the_connection() -> None:
    joiner = ChunkJoiner()
    for _ in range(3):
        joiner.expect_response()
        passed = joiner.feed(HEAD + chunked(b"a", b"b")) + joiner.feed(chunked(b"c", b"d") + b"0\r\n\r\n")
        assert passed == HEAD + chunked(b"ab", b"cd") + b"0\r\n\r\n"


def test_informational_responses_without_end_are_passed_on() -> None:
    response = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2_000 + HEAD + chunked(b"a", b"b")
    assert ChunkJoiner().feed(response) == response


def test_compressed_chunks_are_left_apart() -> None:
    response = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + chunked(b"a", b"b") + b"0\r\n\r\n"
    assert ChunkJoiner().feed(response) == response


def test_a_request_that_is_still_being_sent_does_not_disturb_its_answer() -> None:
    joiner = ChunkJoiner()
    passed = joiner.feed(HEAD + b"4\r\nab")
    joiner.expect_response()
    assert passed + joiner.feed(b"cd\r\n0\r\n\r\n") == HEAD + b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"


def test_the_chunks_of_a_real_server_are_joined(loopback: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    feed = WireDecoder.feed

    def counted(decoder: WireDecoder, data: bytes) -> Any:
        fed.append(len(data))
        return feed(decoder, data)

    monkeypatch.setattr(WireDecoder, "feed", counted)
    events = [event + b"\n\n" for event in chat_body(*["word "] * 200).split(b"\n\n") if event]
    loopback.send(chunked(*events) + b"0\r\n\r\n", head=HEAD)
    assert nbs.stream("Hi", model="m", base_url=loopback.base_url, api="chat", display=False).text == "word " * 200
    assert sum(fed) == len(b"".join(events))
    assert len(fed) < len(events) / 10
