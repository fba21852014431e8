"""An answer that is read and checked at the same time: whichever has something next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from typing import Any

    from nbstream.events import Event
    from nbstream.moderation.holding import Passage
    from nbstream.outcome import Verdict

__all__ = ["Checked", "Running"]


class Checked(NamedTuple):
    """A passage, and what was said of it."""

    passage: Passage
    verdict: Verdict


class Running:
    """Reads batches of events, one after the other, while at most one check is under way.

    Args:
        batches: What is read.

    Attributes:
        over: Whether there is nothing more to read.
        error: What ended it, if it did not end by itself.
    """

    def __init__(self, batches: AsyncIterator[list[Event]]) -> None:
        self.over = False
        self.error: Exception | None = None
        self._batches = batches
        self._reading: asyncio.Task[list[Event] | None] | None = None
        self._checking: asyncio.Task[Checked] | None = None

    @property
    def checks(self) -> bool:
        """Whether a check is under way."""
        return self._checking is not None

    def check(self, passage: Passage, check: Coroutine[Any, Any, Verdict]) -> None:
        """Begin a check of a passage."""

        async def checked() -> Checked:
            return Checked(passage, await check)

        self._checking = asyncio.create_task(checked())

    async def wait(self, seconds: float) -> tuple[list[Event] | None, Checked | None]:
        """The next batch, the outcome of the check, or both; neither if nothing comes in time.

        Args:
            seconds: How long to wait.
        """
        if self._reading is None and not self.over:
            self._reading = asyncio.create_task(self._next())
        under_way = [each for each in (self._reading, self._checking) if each is not None]
        await asyncio.wait(under_way, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        batch = checked = None
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            try:
                batch = reading.result()
            except Exception as error:  # noqa: BLE001  whatever the source raises; it is raised again
                self.error = error
            self.over = batch is None
        if self._checking is not None and self._checking.done():
            checking, self._checking = self._checking, None
            checked = checking.result()
        return batch, checked

    async def close(self) -> None:
        """End what is under way."""
        under_way = [each for each in (self._reading, self._checking) if each is not None]
        for each in under_way:
            each.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _next(self) -> list[Event] | None:
        return await anext(self._batches, None)
