"""Many streams at once, as slow as a model writes: what matters is how often they wake the kernel.

In turn with `asyncio.gather` over the SDK's own loop, in the same run.
"""

from __future__ import annotations

import ast
import asyncio
import itertools
import json
import pathlib
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import openai
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import run_kernel

import nbstream as nbs
from tests.benchmarks.bounds import hold
from tests.benchmarks.contestants import Readers
from tests.benchmarks.server import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

ROOT = str(pathlib.Path(__file__).parents[2])
STREAMS, CHUNKS, A_SECOND = 64, 500, 50
ROUNDS = 2
OF_THE_SDK = 0.3
LIVE, OF_A_CORE, LONGEST_GAP = 8, 0.6, 0.4
# Until every stream has begun, and as long again, frames are late because all begin at once.
BEGINNING = 1.0
KERNEL_SECONDS = 120

CELL = """
import json, time
import nbstream as nbs

def begin(url, **how):
    return nbs.start("hi", model="m", base_url=url, api="chat", **how)

begin({warm!r}, display=False).result()
nbs.configure(surface="live")
began, spent = time.perf_counter(), time.process_time()
handles = [begin({url!r}, display=number < {live}) for number in range({streams})]
texts = [handle.result().text for handle in handles]
report = json.dumps([time.process_time() - spent, time.perf_counter() - began, min(map(len, texts))])
"""


def measured(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU, of all threads, and seconds."""
    spent, began = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - spent, time.perf_counter() - began


def test_many_silent_streams_cost_a_fraction_of_the_sdk_loop(streams: str) -> None:
    url = f"{streams}/timed/{CHUNKS}/{A_SECOND}/v1"
    readers = Readers("chat", url)

    async def all_of(read: Callable[[], Coroutine[Any, Any, str]]) -> None:
        for text in await asyncio.gather(*(read() for _ in range(STREAMS))):
            assert text == PIECE * CHUNKS

    nbs.stream("hi", model="m", base_url=f"{streams}/timed/5/{A_SECOND}/v1", api="chat", display=False)
    with asyncio.Runner() as runner:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(measured(lambda: runner.run(all_of(readers.nbstream_async))))
            theirs.append(measured(lambda: runner.run(all_of(readers.sdk_loop_async))))
        runner.run(readers.close())
    print(f"\n{STREAMS} silent streams of {CHUNKS} chunks, {A_SECOND} a second; openai {openai.__version__}")
    for name, rounds in (("nbstream", ours), ("asyncio.gather over the SDK", theirs)):
        shown = ", ".join(f"{cpu:.2f} s of CPU in {wall:.1f} s ({cpu / wall:.2f} of a core)" for cpu, wall in rounds)
        print(f"  {name:30}{shown}")
    ratio = min(cpu for cpu, _ in ours) / min(cpu for cpu, _ in theirs)
    hold(f"{STREAMS} silent streams: CPU / asyncio.gather over the SDK", ratio, OF_THE_SDK)


def test_many_streams_with_some_live_views_leave_the_kernel_time(streams: str) -> None:
    warm, url = (f"{streams}/timed/{chunks}/{A_SECOND}/v1" for chunks in (5, CHUNKS))
    frames: dict[str, list[float]] = defaultdict(list)

    def note(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["data"].get("method") == "custom":
            frames[content["comm_id"]].append(time.perf_counter())

    with run_kernel(kernel_name="python3", cwd=ROOT) as client:
        assert isinstance(client, BlockingKernelClient)
        cell = CELL.format(warm=warm, url=url, live=LIVE, streams=STREAMS)
        reply = client.execute_interactive(
            cell, user_expressions={"report": "report"}, timeout=KERNEL_SECONDS, allow_stdin=False, output_hook=note
        )["content"]
    assert reply["status"] == "ok", reply
    cpu, wall, shortest = json.loads(ast.literal_eval(reply["user_expressions"]["report"]["data"]["text/plain"]))
    assert shortest == len(PIECE * CHUNKS)
    assert len(frames) == LIVE
    gaps = [gap for times in frames.values() for gap in _gaps(times)]
    rate = len(gaps) / sum(gaps)
    print(f"\n{STREAMS} streams, {LIVE} of them live: {cpu:.2f} s of CPU in {wall:.1f} s ({cpu / wall:.2f} of a core)")
    print(f"  {rate:.1f} messages a second to each view, the longest gap {1000 * max(gaps):.0f} ms")
    hold(f"{STREAMS} streams, {LIVE} live: share of a core", cpu / wall, OF_A_CORE)
    hold(f"{STREAMS} streams, {LIVE} live: longest gap between frames", max(gaps), LONGEST_GAP, "s")


def _gaps(times: list[float]) -> list[float]:
    steady = [each for each in times if each >= times[0] + BEGINNING]
    return [later - earlier for earlier, later in itertools.pairwise(steady)]
