"""Streams made of events instead of bytes, and the running of a real session over one: no network, no waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from nbstream.display.surface import NullSurface
from nbstream.events import EndOfStream, Event, Finished, TextDelta
from nbstream.request import Endpoint, Position, StreamRequest, TimeLimits
from nbstream.testing.virtual_time import LoopClock, run_virtually

if TYPE_CHECKING:
    from nbstream.display.surface import Surface
    from nbstream.request import Api
    from nbstream.result import StreamResult
    from nbstream.streaming.stages import Stage
    from nbstream.transport.event_stream import StreamSource

__all__ = ["ScriptedAttempts", "ScriptedStream", "Step", "play"]

Step: TypeAlias = Sequence[Event] | float | Exception
"""A batch of events to deliver, seconds to wait, or an exception to raise."""


class ScriptedStream:
    """A stream of steps: a batch of events, seconds to wait, or an exception to raise. It can be opened again.

    Args:
        steps: What happens once the stream is open, in order. A stream that goes well ends with `EndOfStream`.
        connecting: Seconds that opening takes.
        refusal: What opening it raises after that, in place of a stream.
        request_id: The `x-request-id` of the response.
        numbered_from: The sequence number of the first event, for a background response, which can be resumed
            after any event; each further event has the next number. With `None` the events have no numbers.

    Attributes:
        requests: What was asked, one `StreamRequest` for each opening.
        opened: How often it was opened successfully.
        closed: How often it was closed again.
        request_id: As given.
        sequence_number: The number of the last event delivered; `None` before, and for events without numbers.

    Example:
        >>> stream = ScriptedStream([TextDelta("Hi")], 0.5, [Finished("stop"), EndOfStream(marked=True)])
        >>> result = play(stream)
        >>> result.text, result.timing.total, stream.closed
        ('Hi', 0.5, 1)
    """

    def __init__(
        self,
        *steps: Step,
        connecting: float = 0.0,
        refusal: Exception | None = None,
        request_id: str | None = "req_1",
        numbered_from: int | None = None,
    ) -> None:
        self.requests: list[StreamRequest] = []
        self.opened = 0
        self.closed = 0
        self.request_id = request_id
        self.sequence_number: int | None = None
        self._steps = steps
        self._connecting = connecting
        self._refusal = refusal
        self._numbered_from = numbered_from

    @classmethod
    def answering(cls, *pieces: str, every: float = 0.0) -> ScriptedStream:
        """A stream that goes well.

        Args:
            pieces: The answer's text.
            every: Seconds between two pieces.

        Example:
            >>> play(ScriptedStream.answering("Hel", "lo")).text
            'Hello'
        """
        paced: list[Step] = []
        for piece in pieces:
            paced += [every, [TextDelta(piece)]] if paced and every else [[TextDelta(piece)]]
        return cls(*paced, [Finished("stop"), EndOfStream(marked=True)])

    @contextlib.asynccontextmanager
    async def open(self, request: StreamRequest) -> AsyncIterator[ScriptedStream]:
        """Open it.

        Args:
            request: What is asked; kept in `requests`.

        Raises:
            Exception: The `refusal`, if one was given.
        """
        self.requests.append(request)
        await asyncio.sleep(self._connecting)
        if self._refusal is not None:
            raise self._refusal
        self.opened += 1
        self.sequence_number = None
        try:
            yield self
        finally:
            self.closed += 1

    def position(self) -> Position | None:
        """The resume point; `None` if its events have no numbers."""
        return None if self.sequence_number is None else Position("scripted", self.sequence_number, None)

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        number = self._numbered_from
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, int | float):
                await asyncio.sleep(step)
                continue
            if number is not None and step:
                number += len(step)
                self.sequence_number = number - 1
            yield list(step)


class ScriptedAttempts:
    """Several streams for one session, one for each time that it sends its request; the last serves all further ones.

    Args:
        attempts: Streams; an exception stands for a stream whose opening raises it.

    Attributes:
        attempts: The streams.
        requests: What was asked, one `StreamRequest` for each attempt.

    Raises:
        ValueError: No attempt is given.

    Example:
        >>> from nbstream.errors import ServerError
        >>> busy = ServerError("busy", status=503, retryable=True)
        >>> result = play(ScriptedAttempts(busy, ScriptedStream.answering("Hi")))
        >>> result.text, result.attempts
        ('Hi', 2)
    """

    def __init__(self, *attempts: ScriptedStream | Exception) -> None:
        if not attempts:
            raise ValueError("at least one attempt is needed")
        self.attempts = [
            ScriptedStream(refusal=attempt) if isinstance(attempt, Exception) else attempt for attempt in attempts
        ]
        self.requests: list[StreamRequest] = []

    @contextlib.asynccontextmanager
    async def open(self, request: StreamRequest) -> AsyncIterator[ScriptedStream]:
        """Open the next stream.

        Args:
            request: What is asked; kept in `requests`.

        Raises:
            Exception: What the attempt is to fail with.
        """
        attempt = self.attempts[min(len(self.requests), len(self.attempts) - 1)]
        self.requests.append(request)
        async with attempt.open(request) as stream:
            yield stream


def play(
    stream: StreamSource,
    *,
    api: Api = "chat",
    surface: Surface | None = None,
    limits: TimeLimits | None = None,
    max_retries: int = 2,
    max_rate: float = 15.0,
    cancel_after: float | None = None,
    stages: Sequence[Stage] = (),
) -> StreamResult:
    """Run a real session over a scripted stream, in virtual time: limits, pacing and retries are the real ones.

    Args:
        stream: What is streamed: a `ScriptedStream`, `ScriptedAttempts`, `ScriptedBytes`, or a source of your own.
        api: Which API is asked, and so which format bytes are in.
        surface: Where it is drawn, by default nowhere.
        limits: The time limits, in seconds.
        max_retries: How often the request may be retried. The pauses in between leave nothing to chance: 0.5 s,
            1 s, 2 s, …, or what the error asks for.
        max_rate: Maximum frames a second.
        cancel_after: Seconds after which the stream is cancelled, if it is still running.
        stages: What sees the events before the answer does.

    Returns:
        How it ended. A failed stream is returned, not raised; its `timing` is in virtual seconds.

    Raises:
        RuntimeError: The stream waits for something other than time.

    Example:
        >>> stalled = play(ScriptedStream([TextDelta("Hel")], 3600.0), limits=TimeLimits(stall=20))
        >>> stalled.text, stalled.error.kind, stalled.timing.total
        ('Hel', 'stalled', 20.0)
    """
    from nbstream.display.throttle import Throttle
    from nbstream.streaming.retry import RetryPolicy
    from nbstream.streaming.rounds import Rounds

    drawn_on = surface or NullSurface()
    request = StreamRequest(
        messages=({"role": "user", "content": "Hi"},),
        model="scripted",
        api=api,
        endpoint=Endpoint("http://localhost:8000/v1"),
        limits=limits or TimeLimits(),
        max_retries=max_retries,
        stages=tuple(stages),
    )

    async def main() -> StreamResult:
        session = Rounds(
            request,
            drawn_on,
            stream,
            throttle=lambda: Throttle(max_rate),
            clock=LoopClock(),
            retries=RetryPolicy(max_retries, chance=lambda: 1.0),
        )
        drawn_on.open(request, session.cancel)
        if cancel_after is not None:
            asyncio.get_running_loop().call_later(cancel_after, session.cancel)
        return await session.run()

    return run_virtually(main())
