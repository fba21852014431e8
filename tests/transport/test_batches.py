"""Batches over real HTTP: sent from disk, made, asked after, found again, read line by line, cancelled."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import tracemalloc

import pytest

from nbstream.errors import (
    AuthenticationError,
    ConnectionLostError,
    NotAStreamError,
    NotFoundError,
    RateLimitError,
    RequestRejectedError,
)
from nbstream.request import Endpoint, SizeLimits, Target
from nbstream.settings.credential import Credential
from nbstream.testing import ScriptedBatches
from nbstream.text.secret import Secret
from nbstream.transport.batch_files import batch_lines, upload_batch
from nbstream.transport.batch_wire import answer_line, batch_state, custom_id_in, request_line
from nbstream.transport.batches import batch_of, batches, cancel_batch, create_batch
from nbstream.transport.open import ClientPool


@pytest.fixture
def server(loopback):
    return loopback


def target_of(server, api="chat", **more):
    endpoint = Endpoint(server.base_url, Credential(Secret(server.api_key), "call"))
    return Target(endpoint=endpoint, api=api, model="demo", **more)


def answer(line):
    read = answer_line(line)
    assert read is not None
    return read


def run(doing):
    """Run a coroutine that is given a pool of clients."""

    async def main():
        pool = ClientPool()
        try:
            return await doing(pool)
        finally:
            await pool.close()

    return asyncio.run(main())


def lines_of(count, api="chat"):
    said = {"input": "Hi"} if api == "responses" else {"messages": [{"role": "user", "content": "Hi"}]}
    return b"".join(request_line(f"r{n}", api, {"model": "demo", **said}) for n in range(count))


async def sent(pool, target, data, **metadata):
    file_id = await upload_batch(pool, target, "in.jsonl", io.BytesIO(data), len(data))
    return await create_batch(pool, target, file_id, metadata)


async def all_lines(pool, target, file_id):
    return [line async for line in batch_lines(pool, target, file_id)]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_batch_from_its_file_to_its_answers(server, api):
    server.respond(ScriptedBatches())
    target = target_of(server, api)

    async def main(pool):
        state = await sent(pool, target, lines_of(20, api), job="j1")
        seen = [state.status]
        while not state.ended:
            state = await batch_of(pool, target, state.id)
            seen.append(state.status)
        return state, seen, await all_lines(pool, target, state.output_file_id)

    state, seen, lines = run(main)
    assert seen == ["validating", "validating", "in_progress", "finalizing", "completed"]
    assert (state.total, state.completed, state.failed, state.metadata) == (20, 20, 0, {"job": "j1"})
    assert {answer(line).custom_id for line in lines} == {f"r{n}" for n in range(20)}
    assert all(answer(line).is_answer for line in lines)


def test_batches_are_found_again_on_any_page(server):
    server.respond(ScriptedBatches())
    target = target_of(server)

    async def main(pool):
        made = [(await sent(pool, target, lines_of(1), number=str(n))).id for n in range(3)]
        return made, [(state.id, state.metadata["number"]) async for state in batches(pool, target)]

    made, found = run(main)
    assert found == [(made[n], str(n)) for n in (2, 1, 0)]


def test_a_list_that_gives_the_same_page_for_ever_ends(server):
    page = {"object": "list", "data": [{"id": "b1", "status": "completed"}], "has_more": True}
    server.send(json.dumps(page).encode(), headers={"content-type": "application/json"})

    async def main(pool):
        return [state.id async for state in batches(pool, target_of(server))]

    assert run(main) == ["b1", "b1"]


def test_a_batch_is_cancelled(server):
    server.respond(ScriptedBatches())
    target = target_of(server)

    async def main(pool):
        state = await sent(pool, target, lines_of(3))
        return (await cancel_batch(pool, target, state.id)).status

    assert run(main) == "cancelling"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_batches_says_so(server, status):
    server.send(b'{"error": {"message": "nothing here"}}', status=status)
    target = target_of(server)

    async def listing(pool):
        return [each async for each in batches(pool, target)]

    for doing in (lambda pool: sent(pool, target, b"{}"), lambda pool: create_batch(pool, target, "f", {}), listing):
        with pytest.raises(NotFoundError, match="takes no batches"):
            run(doing)


def test_a_batch_that_is_gone_is_not_a_server_without_batches(server):
    server.respond(ScriptedBatches())
    with pytest.raises(NotFoundError, match="No batch found"):
        run(lambda pool: batch_of(pool, target_of(server), "batch_x"))
    with pytest.raises(NotFoundError, match="No such File object: file_x"):
        run(lambda pool: create_batch(pool, target_of(server), "file_x", {}))


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (400, RequestRejectedError), (429, RateLimitError)]
)
def test_refusals_are_the_usual_errors(server, status, error):
    said = json.dumps({"error": {"message": f"no, {server.api_key}"}}).encode()
    server.send(said, status=status, headers={"retry-after": "7"})
    with pytest.raises(error) as caught:
        run(lambda pool: batch_of(pool, target_of(server), "b"))
    assert server.api_key not in str(caught.value)
    assert status != 429 or caught.value.retry_after == 7


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"object": "batch"}', b'{"id": "b'])
def test_what_is_no_batch_is_an_error(server, body):
    server.send(body, headers={"content-type": "application/json"})
    with pytest.raises(NotAStreamError, match="no batch"):
        run(lambda pool: batch_of(pool, target_of(server), "b"))


def test_a_file_is_sent_and_read_in_little_memory(server):
    class InPieces(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert 0 < size <= 1024 * 1024, "read as a whole"
            return super().read(size)

    server.send(b'{"id": "file_1"}', headers={"content-type": "application/json"})
    row = b'{"custom_id": "%s"}\n' % (b"y" * 1000)
    pieces = [row * 64] * 500
    server.send(*pieces)
    target = target_of(server)

    async def main(pool):
        await upload_batch(pool, target, "in.jsonl", InPieces(b"x" * 20_000_000), 20_000_000)
        count = 0
        async for _ in batch_lines(pool, target, "f"):
            if not count:
                tracemalloc.start()
            count += 1
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return count, peak

    count, peak = run(main)
    assert count == 64 * 500
    assert peak < 8_000_000
    assert len(server.requests[0].body) > 20_000_000


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_lines_may_be_cut_anywhere(server, encoding):
    text = b'{"a": 1}\r\n\n{"b": "\xc3\xa9"}\n{"c": 3}'
    data = gzip.compress(text) if encoding else text
    server.send(data, split=range(len(data)), headers={"content-encoding": encoding} if encoding else {})
    lines = run(lambda pool: all_lines(pool, target_of(server), "f"))
    assert [line.strip() for line in lines] == [b'{"a": 1}', b'{"b": "\xc3\xa9"}', b'{"c": 3}']


def test_compressed_lines_stay_small_however_much_they_become(server):
    data = gzip.compress(b"x" * 50_000_000 + b'\n{"a": 1}\n')
    server.send(data, headers={"content-encoding": "gzip"})
    lines = run(lambda pool: all_lines(pool, target_of(server, sizes=SizeLimits(event_bytes=1000)), "f"))
    assert [len(line) for line in lines] == [1000, 8]


def test_a_file_that_breaks_off_gives_what_had_come_first(server):
    server.send(b'{"a": 1}\n{"b"', then="reset", cut=11)
    came = []

    async def main(pool):
        async for line in batch_lines(pool, target_of(server), "f"):
            came.append(line)  # noqa: PERF401  what came before it broke off

    with pytest.raises(ConnectionLostError):
        run(main)
    assert came == [b'{"a": 1}']


def test_lines_are_read_as_they_are_meant():
    good = answer(b'{"custom_id": "r1", "response": {"status_code": 200, "request_id": "q", "body": {"x": 1}}}')
    assert (good.custom_id, good.is_answer, good.request_id, good.body) == ("r1", True, "q", {"x": 1})
    bad = answer(b'{"custom_id": "r1", "response": {"status_code": 400, "body": "no"}, "error": null}')
    assert (bad.is_answer, bad.body) == (False, {"error": {"message": "no"}})
    left = answer(b'{"custom_id": "r1", "response": null, "error": {"code": "batch_expired", "message": "late"}}')
    assert (left.status, left.code, left.message) == (None, "batch_expired", "late")


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"\xff", b'{"custom_id": 7}', b'{"custom_id": "r", "response": {}}', b'"x"']
)
def test_what_is_no_line_of_an_output_is_none(line):
    assert answer_line(line) is None


def test_a_damaged_line_may_still_say_whose_it_is():
    assert custom_id_in(b'{"id":"x","custom_id":"r7","response":{"sta') == "r7"
    assert custom_id_in(b'{"id":"x","custom_i') is None
    assert custom_id_in(b"\xff[") is None


def test_a_state_is_read_loosely():
    errors = {"data": [{"line": 3, "message": "bad"}, {"code": "empty_file"}, {}]}
    state = batch_state({"id": "b", "status": "failed", "errors": errors, "request_counts": {"total": "9"}})
    assert state is not None
    assert (state.errors, state.total, state.files) == (("line 3: bad", "empty_file", "no reason given"), 0, ())
    assert batch_state({"id": "b"}) is batch_state("b") is None
