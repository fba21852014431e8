"""Requests pass as many at once as the level allows, in virtual time."""

import asyncio

from nbstream.many.asking.concurrency import Concurrency
from nbstream.many.asking.slots import Slots


def test_so_many_pass_and_all_wait_once(run_virtually):
    async def main():
        loop, level = asyncio.get_running_loop(), Concurrency(first=2, most=2)
        slots, entered = Slots(level), []

        async def pass_through(name, seconds):
            await slots.enter()
            entered.append((name, round(loop.time(), 3)))
            await asyncio.sleep(seconds)
            slots.leave()

        begun = loop.time()
        tasks = [asyncio.create_task(pass_through(name, 1.0)) for name in "abcd"]
        await asyncio.sleep(0.5)
        level.refused(sent_at=begun, now=loop.time(), retry_after=10.0)
        await asyncio.gather(*tasks)
        return [(name, at - begun) for name, at in entered]

    assert run_virtually(main()) == [("a", 0.0), ("b", 0.0), ("c", 10.5), ("d", 11.5)]


def test_one_that_gives_up_leaves_its_place_to_others(run_virtually):
    async def main():
        slots = Slots(Concurrency(first=1, most=1))
        await slots.enter()
        first, second = (asyncio.create_task(slots.enter()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        slots.leave()
        await second
        return slots.taken

    assert run_virtually(main()) == 1


def test_when_all_is_over_nobody_waits(run_virtually):
    async def main():
        level = Concurrency(first=1)
        level.refused(sent_at=0.0, now=asyncio.get_running_loop().time(), retry_after=3600.0)
        slots = Slots(level)
        waiting = [asyncio.create_task(slots.enter()) for _ in range(5)]
        await asyncio.sleep(0)
        slots.open()
        await asyncio.gather(*waiting)

    run_virtually(main())
