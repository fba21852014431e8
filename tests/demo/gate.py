"""A generation that waits until the test lets it on."""

from __future__ import annotations

import asyncio
import math
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from nbstream.demo import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

T = TypeVar("T")
TOKENS_BEFORE_GATE = 10
PATIENCE = 60.0


class Gate:
    """Where a generation waits until the test lets it on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.passed = threading.Event()

    async def wait(self) -> None:
        self._loop, self._opened = asyncio.get_running_loop(), asyncio.Event()
        self.reached.set()
        await self._opened.wait()

    def open(self) -> None:
        assert self.reached.wait(PATIENCE)
        self._loop.call_soon_threadsafe(self._opened.set)


@dataclass(frozen=True)
class GatedPace(Pace):
    """Some tokens, then a wait at the gate, then the others; whole answers come at once."""

    first_token: float = 0
    tokens_per_second: float = math.inf

    gate: Gate = field(default_factory=Gate)

    async def batches(self, tokens: Sequence[T]) -> AsyncGenerator[Sequence[T]]:
        yield tokens[:TOKENS_BEFORE_GATE]
        await self.gate.wait()
        yield tokens[TOKENS_BEFORE_GATE:]
        self.gate.passed.set()
