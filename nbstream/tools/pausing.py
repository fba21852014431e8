"""A time limit that stands still while a reader is asked: people take longer than functions."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Pausing"]

Q = TypeVar("Q")
A = TypeVar("A")


class Pausing:
    """Lets a limit go on from where it stood once nobody is asked any more; on the loop of the limit only.

    Args:
        limit: The limit, which has begun.
    """

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self._asked = 0
        self._left = 0.0

    def during(self, ask: Callable[[Q], Awaitable[A]]) -> Callable[[Q], Awaitable[A]]:
        """The same question, during which the limit stands still."""

        async def paused(question: Q) -> A:
            now = asyncio.get_running_loop().time
            self._asked += 1
            if self._asked == 1:
                self._left = (self._limit.when() or now()) - now()
                self._limit.reschedule(None)
            try:
                return await ask(question)
            finally:
                self._asked -= 1
                if not self._asked:
                    with contextlib.suppress(RuntimeError):  # what was limited has ended meanwhile
                        self._limit.reschedule(now() + self._left)

        return paused
