"""Long answers: memory stays near the size of the text, and time grows as the number of chunks does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.contestants import Readers
from tests.benchmarks.figures import Contestant, take_turns
from tests.benchmarks.server import PIECE

CHUNKS = 100_000
MEGABYTE = 1_000_000
FEWER = CHUNKS // 2  # where the memory is only there to be looked at
WAYS = [
    ("nbs.stream", "nbstream", CHUNKS),
    ("openai create(stream=True)", "sdk_loop", FEWER),
    ("openai create(stream=True), chunks kept", "sdk_loop_keeping_chunks", FEWER),
]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's memory from /proc")
def test_memory_stays_within_20_mb_of_the_text(streams: str) -> None:
    script = Path(__file__).with_name("memory.py")
    processes = [
        subprocess.Popen([sys.executable, script, way, streams, str(chunks)], stdout=subprocess.PIPE)
        for _, way, chunks in WAYS
    ]
    said = [json.loads(process.communicate()[0]) for process in processes]
    print("\nmemory at its highest, above the text")
    for (name, _, chunks), each in zip(WAYS, said, strict=True):
        assert each["text"] == len(PIECE) * chunks
        print(f"  {name:42}{chunks:8,} chunks{(each['rise'] - each['text']) / MEGABYTE:8.1f} MB")
    assert said[0]["rise"] - said[0]["text"] < 20 * MEGABYTE


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_twice_the_chunks_take_at_most_2_2_times_as_long(api: str, streams: str) -> None:
    once, twice = (Readers(api, f"{streams}/burst/{chunks}/v1").nbstream for chunks in (CHUNKS, 2 * CHUNKS))
    # Two short streams against a long one: of what the machine adds, each round gets its share alike.
    short = Contestant(f"two streams of {CHUNKS:,} chunks", lambda: once() + once(), 2 * CHUNKS)
    long = Contestant(f"one of {2 * CHUNKS:,}", twice, 2 * CHUNKS)
    take_turns([short, long], PIECE, warm_up=0)
    ratio = 2 * long.least / short.least
    print(f"\n{api}: {short.name} {min(short.seconds):.2f} s of CPU, {long.name} {min(long.seconds):.2f} s")
    print(f"  {ratio:.2f} times as long for twice the chunks (at most 2.2)")
    assert ratio <= 2.2
