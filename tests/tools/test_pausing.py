"""A time limit that stands still while somebody is asked."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from nbstream.testing import run_virtually
from nbstream.tools.pausing import Pausing


async def answered(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


def test_the_time_of_questions_does_not_count() -> None:
    async def main() -> tuple[list[float], float]:
        begun, said = asyncio.get_running_loop().time(), [0.0]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10) as limit:
                ask = Pausing(limit).during(answered)
                await asyncio.sleep(6)
                said = list(await asyncio.gather(ask(100), ask(300)))
                await asyncio.sleep(60)
        return said, asyncio.get_running_loop().time() - begun

    said, seconds = run_virtually(main())
    assert said == [100, 300]
    assert seconds == pytest.approx(310)


def test_a_question_may_outlive_what_was_limited() -> None:
    async def main() -> float:
        async with asyncio.timeout(10) as limit:
            asked = asyncio.ensure_future(Pausing(limit).during(answered)(5))
            await asyncio.sleep(0)
        return await asked

    assert run_virtually(main()) == 5
