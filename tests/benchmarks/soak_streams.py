"""The soak's streams: what the server answers to each, what the notebook does with it, and what must come of it.

The answering half runs in the fault server's process, the asking half (`soak`) in a kernel; the prompt tells the server
which stream it is. Every answer's text says which stream it belongs to, over and over.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import math
import random
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import nbstream as nbs
from nbstream.streaming.engine import engine
from nbstream.testing import Answer, chat_body, error_body, error_frame, responses_body
from tests.benchmarks.resources import descriptors, memory_held, threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.result import StreamResult
    from nbstream.streaming.handle import StreamHandle
    from nbstream.testing import Received

__all__ = ["HELD", "KINDS", "Holdings", "Responder", "kind_of", "soak", "stream_of"]

PIECES = 40
DRIP, SLOW_DRIP = (300, 0.001), (200, 0.01)  # bytes, seconds

# The SDK's pool closes a connection that was idle for 5 s, when it next has something to do.
POOL_SECONDS, PATIENCE = 6.0, 15.0


class Expected(NamedTuple):
    """How a stream of one kind ends."""

    state: str
    error: str | None = None
    whole: bool = False  # whether all of its text arrives


LOST, CANCELLED, COMPLETED = (
    Expected("failed", "connection_lost"),
    Expected("cancelled"),
    Expected("completed", None, True),
)
KINDS = {
    "complete": COMPLETED,
    "cut": LOST,
    "reset": LOST,
    "error frame": Expected("failed", "server"),
    "429, then complete": COMPLETED,
    "HTML": Expected("failed", "not_a_stream"),
    "stall, time limit": Expected("failed", "stalled"),
    "stall, cancel": CANCELLED,
    "cancel at once": CANCELLED,
    "cancel connecting": CANCELLED,
    "cancel waiting": CANCELLED,
    "cancel streaming": CANCELLED,
    "cancel backing off": CANCELLED,
}
HELD = {"stall, time limit", "stall, cancel", "cancel waiting"}


def pieces_of(stream: int) -> list[str]:
    """The answer to one stream. No beginning of it, of any length, is that of another's."""
    return [f"{stream}.{number} " for number in range(PIECES)]


def kind_of(stream: int) -> str:
    """Which kind a stream is of."""
    return list(KINDS)[stream % len(KINDS)]


def stream_of(received: Received) -> int:
    """Which stream a request is about."""
    asked = received.json
    messages = asked["messages"] if "messages" in asked else asked["input"]
    return int(messages[-1]["content"])


# --- the server's half ------------------------------------------------------------------------------------------------


class Responder:
    """Answers each stream according to its kind."""

    def __init__(self) -> None:
        self._refused: set[int] = set()

    def __call__(self, received: Received) -> Answer:
        stream, chat = stream_of(received), received.path.endswith("/chat/completions")
        pieces = pieces_of(stream)
        half = pieces[: PIECES // 2]
        begun = chat_body(*half, finish_reason=None, done=False) if chat else responses_body(*half, status=None)
        whole = chat_body(*pieces) if chat else responses_body(*pieces)
        match kind_of(stream):
            case "cut":
                return Answer(begun, then="close")
            case "reset":
                return Answer(begun, drip=DRIP, then="reset")
            case "error frame":
                return Answer(begun, error_frame("The model fell over.", "server_error"))
            case "HTML":
                return Answer("<!DOCTYPE html><p>Please log in", headers={"content-type": "text/html"})
            case "stall, time limit" | "stall, cancel":
                return Answer(begun, then="hold")
            case "cancel waiting":
                return Answer(before_head=math.inf)
            case "cancel backing off":
                return Answer(error_body("Slow down"), status=429, headers={"retry-after": "30"})
            case "429, then complete" if stream not in self._refused:
                self._refused.add(stream)
                return Answer(error_body("Slow down"), status=429, headers={"retry-after-ms": "20"})
            case "cancel streaming":
                return Answer(whole, drip=SLOW_DRIP)
            case _:
                return Answer(whole, drip=DRIP if stream % 3 else None)


# --- the notebook's half ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holdings:
    """What the kernel holds."""

    threads: int
    descriptors: int
    tasks: int
    memory: int

    @classmethod
    async def now(cls) -> Holdings:
        gc.collect()

        async def other_tasks() -> int:
            return len(asyncio.all_tasks()) - 1

        return cls(threads(), descriptors(), await asyncio.wrap_future(engine().submit(other_tasks())), memory_held())


async def soak(url: str, dead_end: str, streams: int, at_once: int) -> str:
    """Run the streams, some at a time; return as JSON what came of them and what the kernel held before and after.

    Args:
        url: The fault server.
        dead_end: An address that takes no connections and refuses none.
        streams: How many to run.
        at_once: How many at a time.
    """
    numbers = itertools.count()
    around, real = _Soak(url, dead_end), _Soak(url, dead_end)
    await around.run(itertools.islice(numbers, 4 * len(KINDS)), at_once)
    before = await _settled(around, numbers, lambda _: False, POOL_SECONDS)
    started = time.perf_counter()
    await real.run(itertools.islice(numbers, streams), at_once)
    took = time.perf_counter() - started

    def as_before(now: Holdings) -> bool:
        return all(getattr(now, name) <= getattr(before, name) for name in ("threads", "descriptors", "tasks"))

    after = await _settled(around, numbers, as_before, PATIENCE)
    ended = Counter({f"{kind}: {how}": count for (kind, how), count in sorted(real.ended.items())})
    return json.dumps(
        {
            "seconds": took,
            "ended": ended,
            "wrong": around.wrong + real.wrong,
            "before": asdict(before),
            "after": asdict(after),
        }
    )


async def _settled(
    soak: _Soak, numbers: Iterator[int], enough: Callable[[Holdings], bool], patience: float
) -> Holdings:
    """What is held once idle connections are given up: a stream now and then makes the pool look after them."""
    deadline = time.monotonic() + patience
    while True:
        await soak.one(next(number for number in numbers if kind_of(number) == "cut"))  # leaves no connection behind
        now = await Holdings.now()
        if enough(now) or time.monotonic() > deadline:
            return now
        await asyncio.sleep(0.5)


class _Soak:
    def __init__(self, url: str, dead_end: str) -> None:
        self._urls = {True: dead_end, False: url}
        self._chance = random.Random(7)
        self.ended: Counter[tuple[str, str]] = Counter()
        self.wrong: list[str] = []

    async def run(self, streams: Iterator[int], at_once: int) -> None:
        async def worker() -> None:
            for stream in streams:
                await self.one(stream)

        await asyncio.gather(*(worker() for _ in range(at_once)))

    async def one(self, stream: int) -> None:
        """Run one stream and judge how it ended."""
        kind = kind_of(stream)
        handle = nbs.start(
            str(stream),
            model="m",
            api="responses" if stream % 2 else "chat",
            base_url=self._urls[kind == "cancel connecting"],
            timeout=1.0 if kind == "stall, time limit" else None,
            display=False,
        )
        if KINDS[kind] == CANCELLED:
            await self._moment_to_cancel(kind, handle)
            handle.cancel()
        try:
            result = await handle
        except nbs.StreamError as error:
            result = error.result
        how = result.error.kind if result.error is not None else str(result.state)
        self.ended[kind, how] += 1
        if complaint := _wrong(stream, result):
            self.wrong.append(f"{kind}, stream {stream}: {complaint}")

    async def _moment_to_cancel(self, kind: str, handle: StreamHandle) -> None:
        if kind in {"cancel connecting", "cancel waiting"}:
            await asyncio.sleep(0.05 * self._chance.random())
        while not handle.done() and (  # noqa: ASYNC110  as a notebook looks, which has no event for it
            (kind in {"stall, cancel", "cancel streaming"} and not handle.text)
            or (kind == "cancel backing off" and handle.snapshot.retry is None)
        ):
            await asyncio.sleep(0.005)


def _wrong(stream: int, result: StreamResult) -> str:
    """What is wrong with the end of a stream; empty if nothing is."""
    expected, text = KINDS[kind_of(stream)], "".join(pieces_of(stream))
    kind: Any = result.error.kind if result.error is not None else None
    if not text.startswith(result.text) or result.reasoning or result.tool_calls:
        return f"holds what it was not sent: {result.text[-80:]!r}"
    may_be_quicker = kind_of(stream) in {"cancel at once", "cancel streaming"}
    if may_be_quicker and result.state == "completed" and result.text == text:
        return ""  # it was quicker
    if (str(result.state), kind) != (expected.state, expected.error):
        return f"ended {result.state}, {kind}: {result.error}"
    return "is not whole" if expected.whole and result.text != text else ""
