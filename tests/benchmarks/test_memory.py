"""Long answers: memory stays near the size of the text, and time grows as the number of chunks does."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.streaming.engine import engine
from tests.benchmarks.bounds import hold
from tests.benchmarks.contestants import Readers
from tests.benchmarks.server import PIECE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from nbstream.events import Event
    from nbstream.request import StreamRequest
    from nbstream.transport.event_stream import EventStream

CHUNKS = 100_000
SLICE, ROUNDS = 5_000, 8
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
    hold("memory above the text, 100,000 chunks", (said[0]["rise"] - said[0]["text"]) / MEGABYTE, 20, "MB")


class Slices:
    """Measures the CPU time of each slice of a stream, each in its best round.

    A machine is slow for a second now and then, and hardly ever in the same slice of all rounds.
    """

    def __init__(self, read: Callable[[], str], chunks: int) -> None:
        self._read = read
        self._chunks = chunks
        self._marks: list[float] = []
        self._best: list[float] = []

    @property
    def seconds(self) -> float:
        return sum(self._best)

    def measure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Read the stream once."""
        gc.collect()
        with monkeypatch.context() as patch:
            patch.setattr(engine(), "source", self)
            self._marks = [time.process_time()]
            assert self._read() == PIECE * self._chunks
        self._marks.append(time.process_time())
        took = [end - start for start, end in itertools.pairwise(self._marks)]
        self._best = [min(pair) for pair in zip(self._best or took, took, strict=True)]

    @contextlib.asynccontextmanager
    async def open(self, request: StreamRequest) -> AsyncIterator[_Marked]:
        """Open a stream as the engine does, to note what comes of it."""
        async with engine().clients.open(request) as stream:
            yield _Marked(stream, self._note)

    def _note(self, events: int) -> None:
        """Begin the next slice if that many events fill this one; what is more than the chunks belongs to the last."""
        while len(self._marks) <= min(events, self._chunks - SLICE) // SLICE:
            self._marks.append(time.process_time())


class _Marked:
    """A stream that tells how many events have come."""

    def __init__(self, stream: EventStream, note: Callable[[int], None]) -> None:
        self._stream = stream
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        events = 0
        async for batch in self._stream:
            yield batch
            events += len(batch)
            self._note(events)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_twice_the_chunks_take_at_most_2_2_times_as_long(
    api: str, streams: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, twice = (
        Slices(Readers(api, f"{streams}/burst/{chunks}/v1").nbstream, chunks) for chunks in (CHUNKS, 2 * CHUNKS)
    )
    for _ in range(ROUNDS):
        for each in (once, twice):
            each.measure(monkeypatch)
    ratio = twice.seconds / once.seconds
    print(f"\n{api}: {CHUNKS:,} chunks {once.seconds:.2f} s of CPU, {2 * CHUNKS:,} {twice.seconds:.2f} s")
    print(f"  {ratio:.2f} times (at most 2.2)")
    hold(f"{api}: time for twice the chunks", ratio, 2.2)
