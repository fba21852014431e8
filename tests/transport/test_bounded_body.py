"""No more of a refusal is read than a message takes, whatever the server sends: the real SDK over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import openai
import pytest

from nbstream.errors import ConnectionLostError, NotAStreamError, StreamError
from nbstream.testing import Answer, chat_body, error_body
from nbstream.transport.bounded_body import Inflater
from nbstream.transport.open import ClientPool
from tests.transport.over_http import PATIENCE, a_request, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.testing import FaultServer

JSON = {"content-type": "application/json"}
BIG = 50_000_000


def models(base_url: str) -> list[str]:
    async def main() -> list[str]:
        pool = ClientPool()
        try:
            return await pool.models(a_request(base_url))
        finally:
            await pool.close()

    return asyncio.run(asyncio.wait_for(main(), PATIENCE))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
def test_a_small_body_that_becomes_a_giant(loopback: FaultServer, coding: str) -> None:
    said = b'{"error":{"message":"Too much.","padding":"' + b"x" * BIG + b'"}}'
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "raw deflate": _raw,
    }
    loopback.send(packers[coding](said), status=429, headers={**JSON, "content-encoding": coding.removeprefix("raw ")})
    del said
    ask(loopback.base_url)  # what is imported at first use
    tracemalloc.start()
    error = ask(loopback.base_url).error
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error is not None
    assert (error.kind, error.status) == ("rate_limit", 429)
    assert "Too much" in error.message
    assert peak < BIG / 5


@pytest.mark.parametrize("status", [400, 503, 307])
def test_an_endless_body(loopback: FaultServer, status: int) -> None:
    piece = b'{"error":{"message":"No."},"padding":"' + b"x" * 100_000
    loopback.send(piece, *[b"x" * 100_000] * 200, status=status, headers=JSON, then="hold")
    error = ask(loopback.base_url).error
    assert error is not None
    assert (error.status, "No." in error.message) == (status, True)
    loopback.wait(left=1)


@pytest.mark.parametrize("offered", ["gzip, br, zstd", "identity"])
def test_an_endless_body_for_a_client_of_the_users(loopback: FaultServer, offered: str) -> None:
    loopback.send(
        b'{"error":{"message":"No."},"padding":"', *[b"x" * 100_000] * 200, status=400, headers=JSON, then="hold"
    )
    http_client = openai.DefaultAsyncHttpxClient(headers={"accept-encoding": offered})
    client = openai.AsyncOpenAI(base_url=loopback.base_url, api_key="k", http_client=http_client)
    for _ in range(2):
        error = ask(loopback.base_url, client=client).error
        assert error is not None
        assert (error.status, "No." in error.message) == (400, True)
    loopback.wait(left=2)
    asked = {request.headers["accept-encoding"] for request in loopback.requests}
    assert asked == {"gzip, deflate" if "br" in offered else offered}
    assert len(http_client.event_hooks["response"]) == 1


def test_a_client_of_the_users_reads_all_of_what_it_asks_for_itself(loopback: FaultServer) -> None:
    loopback.send(error_body("No.") + b" " * 100_000, status=400, headers=JSON)
    client = openai.AsyncOpenAI(base_url=loopback.base_url, api_key="k", max_retries=0)
    assert ask(loopback.base_url, client=client).error is not None

    async def own() -> bytes:
        async with client:
            with pytest.raises(openai.BadRequestError) as caught:
                await client.chat.completions.create(model="m", messages=[])
        content: bytes = caught.value.response.content
        return content

    assert len(asyncio.run(own())) > 100_000


def test_words_that_do_not_come_do_not_hold_up_the_status(
    loopback: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbstream.transport.bounded_body.REFUSAL_SECONDS", 0.2)
    loopback.send('{"error":{"message":"Half a sen', status=401, headers=JSON, then="hold")
    error = ask(loopback.base_url).error
    assert error is not None
    assert (error.kind, error.status) == ("authentication", 401)
    assert "Half a sen" in error.message


def test_a_body_that_breaks_off_leaves_its_status_and_its_words(loopback: FaultServer) -> None:
    loopback.send('{"error":{"message":"Half a sen', status=400, headers=JSON, then="close")
    error = ask(loopback.base_url).error
    assert error is not None
    assert (error.kind, error.status) == ("rejected", 400)
    assert "Half a sen" in error.message


def test_a_body_that_is_not_what_it_says(loopback: FaultServer) -> None:
    loopback.send(error_body("No."), status=400, headers={**JSON, "content-encoding": "gzip"})
    loopback.send(b"\x28\xb5\x2f\xfd", status=400, headers={**JSON, "content-encoding": "zstd"})
    for _ in range(2):
        error = ask(loopback.base_url).error
        assert error is not None
        assert (error.kind, error.status) == ("rejected", 400)


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip, br"])
def test_an_answer_compressed_in_a_way_that_nobody_asked_for(loopback: FaultServer, coding: str) -> None:
    loopback.send(b"\x28\xb5\x2f\xfd\x00\x01", headers={"content-encoding": coding})
    error = ask(loopback.base_url).error
    assert isinstance(error, NotAStreamError)
    assert coding.rpartition(" ")[2] in error.message
    assert loopback.requests[0].headers["accept-encoding"] == "gzip, deflate"
    with pytest.raises(StreamError, match="compressed"):
        models(loopback.base_url)


def test_compressed_streams_and_lists_are_read(loopback: FaultServer) -> None:
    loopback.send(gzip.compress(chat_body("Hello")), headers={"content-encoding": "gzip"})
    assert ask(loopback.base_url).text == "Hello"
    listing = json.dumps({"data": [{"id": "a"}, {"id": "b\x1b[31m"}]}).encode()
    loopback.send(gzip.compress(listing), headers={**JSON, "content-encoding": "gzip"})
    assert models(loopback.base_url) == ["a", "b␛[31m"]


def test_a_list_without_an_end(loopback: FaultServer) -> None:
    more = threading.Event()

    def endless(_: object) -> Answer:
        return Answer('{"data":[', *['{"id":"m"},' * 100_000] * 20, more, headers=JSON, then="hold")

    loopback.respond(endless)
    with pytest.raises(NotAStreamError):
        models(loopback.base_url)
    more.set()


def test_a_list_that_breaks_off(loopback: FaultServer) -> None:
    loopback.send('{"data":[{"id":"m"', headers=JSON, then="close")
    loopback.send('{"data":[{"id":"m"}]}', headers={**JSON, "content-encoding": "gzip"})
    for _ in range(2):
        with pytest.raises(ConnectionLostError):
            models(loopback.base_url)


def test_it_is_full_at_its_limit() -> None:
    packed = gzip.compress(b"x" * 1_000_000)
    for size in (1, 7, len(packed)):
        inflater = Inflater(["gzip"], 1000)
        for at in range(0, len(packed), size):
            inflater.feed(packed[at : at + size])
        assert (bytes(inflater.data), inflater.full) == (b"x" * 1000, True)
    twice = Inflater(["deflate", "gzip"], 50)
    twice.feed(gzip.compress(zlib.compress(b"y" * 100)))
    assert bytes(twice.data) == b"y" * 50


def _raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()
