"""CPU time to take in a chunk, against the SDK's own typed loop over the same bytes in the same run.

In a burst many chunks are read at once and the time goes into decoding, whether the body is sent in one go (`burst`) or
each chunk in an HTTP chunk of its own (`framed`); at a pace each is sent alone and may wake the reader up. The SDK's
HTTP library alone, with its line iterator and `json.loads`, shows how much the way of the bytes costs.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.benchmarks.bounds import hold
from tests.benchmarks.contestants import Readers, http
from tests.benchmarks.figures import Contestant, print_table, take_turns
from tests.benchmarks.server import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Fewer chunks where the cost is only there to be looked at.
CHUNKS, FEWER = 10_000, 2_000
PACED_CHUNKS, FEWER_PACED, A_SECOND = 1_000, 500, 1_000


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all rounds, as a kernel has."""
    with asyncio.Runner() as runner:
        yield runner


def compare(title: str, contestants: list[Contestant], limit: float) -> None:
    """Print all; check the first two, which are nbstream, against the third, which is the SDK's loop."""
    sync, awaited, sdk, *_ = contestants
    print_table(f"{title}, openai {openai.__version__}", contestants, sdk)
    print(f"  nbstream: at most {limit:.3f}")
    for each in (sync, awaited):
        hold(f"CPU: {title}: {each.name} / the SDK's loop", each.least / sdk.least, limit)


@pytest.mark.parametrize("framing", ["burst", "framed"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_chunk_of_a_burst_costs_at_most_an_eighth_of_the_sdk_loop(
    api: Any, framing: str, streams: str, runner: asyncio.Runner
) -> None:
    readers, less = (Readers(api, f"{streams}/{framing}/{chunks}/v1") for chunks in (CHUNKS, FEWER))
    contestants = [
        Contestant("nbs.stream", readers.nbstream, CHUNKS),
        Contestant("await nbs.astream", lambda: runner.run(readers.nbstream_async()), CHUNKS),
        Contestant("openai create(stream=True)", readers.sdk_loop, CHUNKS),
        Contestant(
            "openai create(stream=True), async", lambda: runner.run(less.sdk_loop_async()), FEWER, compared=False
        ),
        Contestant("openai .stream() helper", less.sdk_helper, FEWER, compared=False),
        Contestant(f"{http.__name__} lines + json.loads", readers.http_lines, CHUNKS, compared=False),
    ]
    take_turns(contestants, PIECE)
    for each in (readers, less):
        runner.run(each.close())
    way = "in HTTP chunks of their own" if framing == "framed" else "in one go"
    compare(f"{api}, a burst of {CHUNKS:,} chunks, {way}", contestants, 1 / 8)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_chunk_that_comes_alone_costs_at_most_a_third_of_the_sdk_loop(
    api: Any, streams: str, runner: asyncio.Runner
) -> None:
    readers, less = (Readers(api, f"{streams}/paced/{chunks}/{A_SECOND}/v1") for chunks in (PACED_CHUNKS, FEWER_PACED))
    contestants = [
        Contestant("nbs.stream", readers.nbstream, PACED_CHUNKS),
        Contestant("await nbs.astream", lambda: runner.run(readers.nbstream_async()), PACED_CHUNKS),
        Contestant("openai create(stream=True)", readers.sdk_loop, PACED_CHUNKS),
        Contestant("openai .stream() helper", less.sdk_helper, FEWER_PACED, compared=False),
        Contestant(f"{http.__name__} lines + json.loads", less.http_lines, FEWER_PACED, compared=False),
    ]
    take_turns(contestants, PIECE)
    for each in (readers, less):
        runner.run(each.close())
    compare(f"{api}, {PACED_CHUNKS:,} chunks one by one, {A_SECOND} a second", contestants, 1 / 3)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_is_there_already_is_not_held_up(api: Any, streams: str, runner: asyncio.Runner) -> None:
    readers = Readers(api, f"{streams}/framed/{CHUNKS}/v1")

    def elapsed(read: Callable[[], str]) -> float:
        started = time.perf_counter()
        assert read() == PIECE * CHUNKS
        return time.perf_counter() - started

    rounds = [(elapsed(readers.nbstream), elapsed(readers.sdk_loop)) for _ in range(3)]
    runner.run(readers.close())
    ours, theirs = (min(each) for each in zip(*rounds, strict=True))
    print(f"\n{api}, {CHUNKS:,} chunks in HTTP chunks of their own, all at once: {ours:.2f} s, the SDK {theirs:.2f} s")
    hold(f"{api}, {CHUNKS:,} chunks all at once: time / the SDK's", ours / theirs, 1.0)
