"""The idle timeout, in virtual time: when it fires, when not, and what it costs."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from nbstream.streaming.idle_timeout import IdleTimeout


@pytest.fixture
def run(run_virtually):
    """Sit through silences one after the other, restarting the timeout after each; return when the block ended."""

    def run(first: float, *steps: tuple[float, float]) -> tuple[float, bool]:
        async def main() -> tuple[float, bool]:
            limit = IdleTimeout(first)
            try:
                async with limit:
                    for pause, silence in steps:
                        await asyncio.sleep(pause)
                        limit.restart(silence)
            except TimeoutError:
                pass
            return asyncio.get_running_loop().time(), limit.expired

        ended: tuple[float, bool] = run_virtually(main())
        return ended

    return run


@pytest.mark.parametrize(
    ("first", "steps", "ended"),
    [
        pytest.param(5, [(4, 5), (4, 5)], (8, False), id="restarted in time"),
        pytest.param(5, [(6, 5)], (5, True), id="never restarted"),
        pytest.param(5, [(4, 10), (9, 1)], (13, False), id="longer from then on"),
        pytest.param(100, [(10, 5), (6, 5)], (15, True), id="shorter from then on"),
        pytest.param(100, [(1, 5)] * 50 + [(6, 1)], (55, True), id="after many restarts"),
        pytest.param(100, [(1, 90), (1, 5), (1, 90), (89, 1)], (92, False), id="shorter, then longer again"),
    ],
)
def test_it_goes_off_after_so_much_silence(run, first, steps, ended):
    assert run(first, *steps) == ended


def test_a_cancelled_block_is_cancelled(run_virtually):
    async def main():
        async def bear():
            async with IdleTimeout(5):
                await asyncio.sleep(10)

        task = asyncio.create_task(bear())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert run_virtually(main())


def test_an_error_of_the_block_is_its_own(run_virtually):
    async def main():
        async with IdleTimeout(5):
            raise TimeoutError("another")

    with pytest.raises(TimeoutError, match="another"):
        run_virtually(main())


def test_a_restart_sets_no_timer(run_virtually, monkeypatch):
    async def main():
        loop = asyncio.get_running_loop()
        timers, call_at = [], loop.call_at

        def counted(*given):
            timers.append(given)
            return call_at(*given)

        monkeypatch.setattr(loop, "call_at", counted)
        async with IdleTimeout(5) as limit:
            for _ in range(1000):
                limit.restart(5)
        return len(timers)

    assert run_virtually(main()) == 1


class BusyLoop(asyncio.SelectorEventLoop):
    """A loop that can stand for hours in an instant."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    def stand(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.mark.parametrize("comes", [True, False])
def test_what_came_while_the_loop_stood_counts(comes: bool) -> None:  # noqa: FBT001  a parameter
    """A computation may hold everything up; what has come meanwhile is read only after the timer has gone off."""
    loop = BusyLoop()

    async def main() -> bool:
        limit = IdleTimeout(5)
        with contextlib.suppress(TimeoutError):
            async with limit:
                loop.stand(3600)
                for _ in range(8):  # steps between the socket and whoever restarts
                    await asyncio.sleep(0)
                if comes:
                    limit.restart(5)
                loop.stand(4 if comes else 3601)
                for _ in range(8):
                    await asyncio.sleep(0)
        return limit.expired

    try:
        assert loop.run_until_complete(main()) is not comes
    finally:
        loop.close()
