"""CPU time and elapsed time of a map of 500 rows, against `asyncio.gather` over the SDK, in turn; memory of very many.

An answer has 100 chunks. What is left of a shorter one is the way of a request through the SDK, which both take.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import openai
import pytest

import nbstream as nbs
from tests.benchmarks.bounds import hold
from tests.benchmarks.resources import memory_held
from tests.benchmarks.server import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, CHUNKS, ROUNDS = 500, 100, 3
VERY_MANY = 100_000

_numbers = itertools.count()


def mapped(url: str, concurrency: int) -> list[str]:
    prompts = [f"{next(_numbers)}" for _ in range(ROWS)]
    values: list[str] = nbs.map(prompts, model="m", base_url=url, concurrency=concurrency, display=False).result()
    return values


async def gathered(url: str, concurrency: int) -> list[str]:
    gate = asyncio.Semaphore(concurrency)
    options: dict[str, Any] = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}

    async with openai.AsyncOpenAI(base_url=url, api_key="x") as client:

        async def one(prompt: str) -> str:
            async with gate:
                text = ""
                asked: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}], **options}
                chunks: Any = await client.chat.completions.create(**asked)
                async for chunk in chunks:
                    if chunk.choices and chunk.choices[0].delta.content:
                        text += chunk.choices[0].delta.content
                return text

        return await asyncio.gather(*(one(f"{next(_numbers)}") for _ in range(ROWS)))


def measured(run: Callable[[], list[str]]) -> tuple[float, float]:
    cpu, elapsed = time.process_time(), time.perf_counter()
    assert run() == [PIECE * CHUNKS] * ROWS
    return time.process_time() - cpu, time.perf_counter() - elapsed


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_a_map_costs_at_most_half_of_gathering(streams: str, concurrency: int) -> None:
    url = f"{streams}/burst/{CHUNKS}/v1"
    rounds = [
        (measured(lambda: mapped(url, concurrency)), measured(lambda: asyncio.run(gathered(url, concurrency))))
        for _ in range(ROUNDS)
    ]
    ours, theirs = (tuple(min(each[place] for each in side) for place in (0, 1)) for side in zip(*rounds, strict=True))
    print(f"\n{ROWS} rows, {concurrency} at once: CPU {ours[0]:.2f} s of {theirs[0]:.2f} s, elapsed {ours[1]:.2f} s")
    hold(f"a map of {ROWS} rows, {concurrency} at once: CPU / that of gathering", ours[0] / theirs[0], 0.5)
    hold(f"a map of {ROWS} rows, {concurrency} at once: time / that of gathering", ours[1] / theirs[1], 1.05)


def test_very_many_rows_take_little_memory(streams: str) -> None:
    url = f"{streams}/burst/1/v1"
    list(nbs.map([f"warm {number}" for number in range(1000)], model="m", base_url=url, display=False))
    before = memory_held()
    job = nbs.map("{{ n }}", ({"n": number} for number in range(VERY_MANY)), model="m", base_url=url, display=False)
    assert job.wait().progress.done == VERY_MANY
    hold(f"a map of {VERY_MANY:,} rows: memory", (memory_held() - before) / 1e6, 60.0, "MB")
