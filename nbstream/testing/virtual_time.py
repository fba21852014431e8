"""Time without waiting: an event loop whose clock jumps, and a clock that the test advances."""

from __future__ import annotations

import asyncio
import heapq
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["LoopClock", "ManualClock", "VirtualLoop", "run_virtually"]

T = TypeVar("T")

# How many turns of the loop `ManualClock` gives those it wakes: a wake-up may pass through that many tasks.
_TURNS = 20


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: when nothing is ready, the clock jumps to the next timer."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everything waits forever: nothing is due, and time would not change that")
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which an hour passes at once; worker threads' work is done in line, so all is repeatable.

    Its time begins at 0. It cannot wait for other threads or for the network.

    Raises:
        RuntimeError: While running: everything waits forever.

    Example:
        >>> with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        ...     runner.run(asyncio.sleep(3600))
        ...     runner.get_loop().time()
        3600.0
    """

    def __init__(self) -> None:
        self._hands = _JumpingSelector()
        super().__init__(self._hands)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._hands.now

    def elapse(self, seconds: float) -> None:
        """Let time pass without giving other tasks a turn, as slow work does.

        Args:
            seconds: How much.

        Example:
            >>> async def work():
            ...     asyncio.get_running_loop().elapse(2.5)
            ...     return asyncio.get_running_loop().time()
            >>> run_virtually(work())
            2.5
        """
        self._hands.now += seconds

    def run_in_executor(self, _: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Do the work at once, on this thread."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except (Exception, SystemExit) as error:  # noqa: BLE001  what the work raises belongs to its awaiter
            future.set_exception(error)
        return future


def run_virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time: `asyncio.run` on a `VirtualLoop`.

    Args:
        coroutine: What to run; its sleeps and time limits take no time.

    Returns:
        What it returns.

    Raises:
        RuntimeError: Everything waits forever.

    Example:
        >>> run_virtually(asyncio.sleep(86400, "done"))
        'done'
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


class LoopClock:
    """The running loop's time, as a `Clock`: with a `VirtualLoop`, pacing and timing are virtual too.

    Example:
        >>> async def nap(clock):
        ...     await clock.sleep(8)
        ...     return clock.now()
        >>> run_virtually(nap(LoopClock()))
        8.0
    """

    def now(self) -> float:
        """Seconds since the loop's time began."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A `Clock` that stands still until it is advanced. It begins at 0, and belongs to one event loop.

    Example:
        >>> async def main():
        ...     clock, woken = ManualClock(), []
        ...     async def tick():
        ...         while True:
        ...             await clock.sleep(2)
        ...             woken.append(clock.now())
        ...     task = asyncio.create_task(tick())
        ...     await clock.advance(5)
        ...     task.cancel()
        ...     return woken, clock.now()
        >>> asyncio.run(main())
        ([2.0, 4.0], 5.0)
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._order = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    @property
    def sleepers(self) -> int:
        """How many are asleep."""
        return sum(not waking.done() for _, _, waking in self._sleepers)

    def now(self) -> float:
        """Seconds that the clock was advanced by so far."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced by `seconds`; after one turn of the loop if that is 0 or less."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waking = asyncio.get_running_loop().create_future()
        self._order += 1  # equal times wake in the order of going to sleep
        heapq.heappush(self._sleepers, (self._now + seconds, self._order, waking))
        await waking

    async def advance(self, seconds: float) -> None:
        """Let time pass. Each sleeper that becomes due is woken at its own moment and has its turn.

        Args:
            seconds: How much, 0 or more.

        Raises:
            ValueError: `seconds` is negative.

        Example:
            ```python
            await clock.advance(0.1)
            ```
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds:g} s")
        until = self._now + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._now, _, waking = heapq.heappop(self._sleepers)
            if not waking.done():  # its sleeper may have been cancelled
                waking.set_result(None)
                await _settle()
        self._now = until


async def _settle() -> None:
    """Give every task that can continue its turns."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
