"""Batches that go on while nobody asks, at the server's pace. Knows no HTTP; the only clock is the running loop's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from nbstream.demo.batch_service import BatchService

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.demo.batch import Batch
    from nbstream.demo.pace import Pace

__all__ = ["RunningBatches"]

# How long the lines of a batch take together, however many there are; and how often it moves.
LONGEST_SECONDS = 5.0
STEP_SECONDS = 0.1

# Lines answered in one go, so that other requests get their turn.
LARGEST_STEP = 16


class RunningBatches:
    """Starts batches.

    Args:
        pace: The server's.

    Attributes:
        service: Where they are kept.
    """

    def __init__(self, pace: Pace) -> None:
        self.service = BatchService(pace)
        self._pace = pace
        self._tasks: set[asyncio.Future[None]] = set()

    def start(self, body: Mapping[str, Any]) -> Batch:
        """Make a batch, and let it go on to its end.

        Raises:
            ApiError: It cannot be made.
        """
        batch = self.service.create(body)
        self._tasks.add(task := asyncio.ensure_future(self._run(batch)))
        task.add_done_callback(self._tasks.discard)
        return batch

    def close(self) -> None:
        """Stop all of them, and forget them."""
        for task in self._tasks:
            task.cancel()
        self.service.close()

    async def _run(self, batch: Batch) -> None:
        await asyncio.sleep(self._pace.first_token)
        batch.advance(0)
        now = asyncio.get_running_loop().time
        usual = min(LONGEST_SECONDS, batch.total / self._pace.tokens_per_second)
        seconds, start = usual if batch.fault.seconds is None else batch.fault.seconds, now()
        while batch.status == "in_progress":
            await asyncio.sleep(min(STEP_SECONDS, seconds))
            passed = now() - start
            due = batch.total if passed >= seconds else int(batch.total * passed / seconds)
            while batch.status == "in_progress" and (lines := due - batch.completed - batch.failed) > 0:
                batch.advance(min(lines, LARGEST_STEP))
                await asyncio.sleep(0)
        while not batch.ended:
            await asyncio.sleep(min(STEP_SECONDS, self._pace.first_token))
            batch.advance(0)
