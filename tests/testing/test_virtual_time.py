"""Time that is not waited for."""

import asyncio

import pytest

from nbstream.testing import LoopClock, ManualClock, VirtualLoop, run_virtually


@pytest.fixture
def advanced():
    """Run sleepers, each a list of naps, on a clock that is advanced step by step; who woke at which time."""

    def advanced(sleepers, steps):
        async def main():
            clock, woken = ManualClock(), []

            async def sleeper(name, naps):
                for nap in naps:
                    await clock.sleep(nap)
                    woken.append((name, clock.now()))

            tasks = [asyncio.create_task(sleeper(name, naps)) for name, naps in sleepers.items()]
            for step in steps:
                await clock.advance(step)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return woken, clock.now()

        return asyncio.run(main())

    return advanced


# --- a clock that is turned by hand -----------------------------------------------------------------------------------


def test_a_clock_stands_still(advanced):
    assert advanced({"a": [0.1]}, []) == ([], 0.0)
    assert advanced({"a": [0.1]}, [0, 0.0999]) == ([], 0.0999)


@pytest.mark.parametrize("steps", [[6], [1, 2, 3], [0.5] * 12])
def test_sleepers_wake_at_their_own_time_however_the_clock_is_advanced(advanced, steps):
    woken, now = advanced({"a": [2, 2, 9], "b": [3], "c": [1, 4]}, steps)
    assert woken == [("c", 1), ("a", 2), ("b", 3), ("a", 4), ("c", 5)]
    assert now == 6


def test_equal_times_wake_in_the_order_of_going_to_sleep(advanced):
    assert [name for name, _ in advanced({"b": [1], "a": [1], "c": [0.5, 0.5]}, [1])[0]] == ["c", "b", "a", "c"]


def test_a_nap_of_no_time_needs_no_advance(advanced):
    assert advanced({"a": [0, -1, 0]}, [0])[0] == [("a", 0.0)] * 3


def test_a_wake_up_goes_through_tasks():
    async def main():
        clock = ManualClock()
        task = asyncio.create_task(clock.sleep(1))
        for _ in range(5):
            task = asyncio.create_task(asyncio.wait_for(task, None))
        await clock.advance(1)
        return task.done()

    assert asyncio.run(main())


def test_a_cancelled_sleeper_wakes_nobody():
    async def main():
        clock = ManualClock()
        lost, kept = asyncio.create_task(clock.sleep(1)), asyncio.create_task(clock.sleep(2))
        await clock.advance(0)
        assert clock.sleepers == 2
        lost.cancel()
        await clock.advance(0)
        assert clock.sleepers == 1
        await clock.advance(2)
        return lost.cancelled(), kept.done(), clock.sleepers

    assert asyncio.run(main()) == (True, True, 0)


def test_time_does_not_go_back():
    with pytest.raises(ValueError, match="time does not go back: -1 s"):
        asyncio.run(ManualClock().advance(-1))


# --- a loop whose time jumps ------------------------------------------------------------------------------------------


def test_timeouts_are_virtual_and_exact():
    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.sleep(7200)
        return loop.time(), LoopClock().now()

    assert run_virtually(main()) == (3600.0, 3600.0)


def test_work_on_threads_is_done_in_line(elapse):
    async def main():
        await asyncio.to_thread(elapse, 2.5)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) == 2.5


def test_waiting_for_ever_is_an_error_and_leaves_the_loop_usable():
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        with pytest.raises(RuntimeError, match="everything waits forever"):
            runner.run(asyncio.Event().wait())
        runner.run(asyncio.sleep(1))
