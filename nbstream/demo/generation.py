"""An answer as it is generated: its frames as they fall due, and kept if it can be generated without a reader.

Knows an answer by `wire.Answer` alone; the only clock is that of the answer's pace.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from nbstream.demo.request import Order
    from nbstream.demo.script import Script
    from nbstream.demo.wire import Answer

# Where the faults that need a begun answer strike, unless the answer is too short for it.
TOKENS_BEFORE_FAULT = 40

# The maximum number of frames that a late reader gets at once.
LARGEST_BATCH = 64


def fault_position(script: Script) -> int:
    """Tokens before a fault in the middle of the answer."""
    return min(TOKENS_BEFORE_FAULT, len(script.pieces) // 2)


async def generate(order: Order, script: Script, answer: Answer, *, fails: bool) -> AsyncGenerator[list[bytes]]:
    """The frames of an answer at the order's pace, to its end or to a failure in its middle."""
    yield answer.opening()
    pieces = script.pieces[: fault_position(script)] if fails else script.pieces
    async with aclosing(order.pace.batches(pieces)) as batches:
        async for batch in batches:
            yield [frame for piece in batch for frame in answer.delta(piece)]
    yield answer.failure() if fails else answer.closing()


class Generation:
    """An answer that is generated whether or not anybody reads it.

    Its frames are kept, so readers may come, leave and come back: frame `n` is what has the sequence number `n`.
    """

    def __init__(self, frames: AsyncGenerator[Sequence[bytes]]) -> None:
        self._frames: list[bytes] = []
        self._changed = asyncio.Event()
        self._task = asyncio.ensure_future(self._collect(frames))
        self._task.add_done_callback(lambda _: self._announce())

    @property
    def ended(self) -> bool:
        """Whether no frame will follow."""
        return self._task.done()

    def cancel(self) -> None:
        """Stop generating; readers finish after the existing frames."""
        self._task.cancel()

    async def follow(self, after: int = -1) -> AsyncGenerator[Sequence[bytes]]:
        """The frames after number `after`: the existing ones at once, the others as they come."""
        at = after + 1
        while True:
            changed = self._changed
            if batch := self._frames[at : at + LARGEST_BATCH]:
                at += len(batch)
                yield batch
            elif self.ended:
                return
            else:
                await changed.wait()

    async def _collect(self, frames: AsyncGenerator[Sequence[bytes]]) -> None:
        async with aclosing(frames):
            async for batch in frames:
                self._frames += batch
                self._announce()

    def _announce(self) -> None:
        """Wake every reader that waits."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
