"""One request from open to end: reading, retries, time limits, cancelling. The story on one screen.

Runs on the engine's loop. A stream comes from its source, where it is drawn is not its concern, and the assembler
decides how it ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.assembly import Assembler
from nbstream.errors import (
    AnswerTooLongError,
    FirstTokenTimeoutError,
    InternalError,
    NotFoundError,
    StalledError,
    StopWhenError,
    StreamError,
    TimeLimitError,
    TotalTimeoutError,
    program_ending,
)
from nbstream.events import EndOfStream, Failed, Finished, TextDelta, Warned
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import Retry, StreamResult, Timing
from nbstream.streaming.clock import SystemClock
from nbstream.streaming.continuation import Continuation
from nbstream.streaming.cost import price_later
from nbstream.streaming.idle_timeout import IdleTimeout
from nbstream.streaming.merging import after
from nbstream.streaming.observers import StreamWatch
from nbstream.streaming.relayed import with_quota
from nbstream.streaming.retry import RetryPolicy
from nbstream.streaming.stages import staged
from nbstream.streaming.stopping import STOP_REASON, StopCondition
from nbstream.structured.shown import ShownAnswers, ShownCode, with_shown
from nbstream.text.plain import exception_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.events import Event
    from nbstream.request import StreamRequest
    from nbstream.streaming.clock import Clock
    from nbstream.streaming.event_log import EventLog
    from nbstream.streaming.text_so_far import GrowingText
    from nbstream.structured.shown import Shown
    from nbstream.transport.event_stream import EventStream, StreamSource

__all__ = ["Session"]

_log = logging.getLogger("nbstream")

# Once a server has said why the answer ends, only usage and the end of the bytes are waited for.
_AFTER_FINISH_SECONDS = 15.0

# An answer that begins late and is then written faster than any model writes was held back on its way.
_BUFFERED_AFTER_SECONDS, _BUFFERED_CHARACTERS, _BUFFERED_RATE = 2.0, 200, 20_000.0
_BUFFERED = Warned("buffered", "The whole answer arrived at once; a proxy in between seems to hold streams back.")

# An answer of so many pieces may have so many parts that other streams would wait while they are made.
_MANY_EVENTS = 2000


class Session:
    """One request. `run` it once; `cancel` and `snapshot` it at any time.

    Args:
        request: What to ask.
        source: Sends the request and hands over the stream.
        clock: Time, for timing.
        retries: Decides on sending the request again; by default as often as the request allows.
        beginning: What exists already of an answer that is continued.
        resume: Starts the stream that continues this one, given a request, the answer so far, and whether to draw.
        changed: Called when there is something new in the snapshot.
        log: Is given all events.
        watch: Tells observers.
    """

    def __init__(
        self,
        request: StreamRequest,
        source: StreamSource,
        *,
        clock: Clock | None = None,
        retries: RetryPolicy | None = None,
        beginning: StreamResult | None = None,
        resume: Callable[[StreamRequest, StreamResult, bool], object] | None = None,
        changed: Callable[[], object] = bool,
        log: EventLog | None = None,
        watch: StreamWatch | None = None,
    ) -> None:
        self._request = request
        self._source = source
        self._clock: Clock = clock or SystemClock()
        self._changed = changed
        self._log = log
        self._watch = watch or StreamWatch()
        self._stop = None if request.stop_when is None else StopCondition(request.stop_when)
        self._shown = _shown(request)
        self._retries = retries or RetryPolicy(request.max_retries)
        self._beginning = beginning
        known = [each for each in (request.earlier, beginning) if each is not None]
        self._earlier_rounds = tuple(each for result in known for each in result.all_rounds)
        self._resume = resume
        self._assembler = self._new_assembler()
        self._stream: EventStream | None = None
        self._request_id: str | None = None
        self._attempt = 1
        self._retry: Retry | None = None
        self._started_at = self._asked_at = self._clock.now()
        self._sent_at: float | None = None
        self._first_token_at: float | None = None
        self._last_token_at = 0.0
        self._reader: asyncio.Task[None] | None = None
        self._cancelled = False
        self._final: StreamResult | None = None

    async def run(self) -> StreamResult:
        """Read the stream to its end; return how it ended. Never raises for a failed stream."""
        self._reader = asyncio.create_task(self._read())
        if self._cancelled:
            self._reader.cancel()
        await asyncio.wait({self._reader})
        self._judge(self._reader)
        self._reader = None
        if self._assembler.content_events > _MANY_EVENTS:
            with contextlib.suppress(RuntimeError):  # the program is ending
                await asyncio.to_thread(self._assembler.snapshot)  # it keeps the parts that it makes
        ended = self._snapshot(continuation=self._continuation())
        cost = await price_later(ended.usage, ended.model, self._request)
        ended = with_quota(replace(ended, cost=cost, rounds=()), self._stream)
        *before, last = ended.all_rounds
        rounds = (*self._earlier_rounds, *before, replace(last, output=self._assembler.output))
        self._final = final = replace(ended, rounds=rounds)
        self._stream = None  # the result outlives the stream and refers back here
        if (error := self._assembler.error) is not None:
            error.result, error.place = final, self._request.place
        return final

    def cancel(self) -> None:
        """End the stream: the connection is closed, what had arrived is kept. Without effect once it has ended."""
        if self._cancelled:
            return  # a second cancel would break off the closing of the connection
        self._cancelled = True
        if self._reader is not None:
            self._reader.cancel()

    def snapshot(self, *, drawn: bool = True) -> StreamResult:
        """The result so far, or the final one.

        Args:
            drawn: Whether it is to be drawn, so that its parts must say how they are shown.
        """
        return self._final or self._snapshot(drawn=drawn)

    def _snapshot(self, continuation: Continuation | None = None, *, drawn: bool = True) -> StreamResult:
        now = self._assembler.snapshot(
            timing=self._timing(),
            request_id=self._request_id,
            recorded_at=getattr(self._stream, "recorded_at", None),
            retry=self._retry,
            attempts=self._attempt,
            continuation=continuation,
            rounds=self._earlier_rounds,
        )
        if self._request.warnings:
            known = {warning.kind: warning for warning in (*self._request.warnings, *now.warnings)}
            now = replace(now, warnings=tuple(known.values()))
        now = after(self._request.earlier, now)
        if self._shown is not None and drawn:
            whole = now.state.terminal and now.finish_reason != "tool_calls"
            now = replace(now, parts=with_shown(now.parts, self._shown, whole=whole))
        return now

    @property
    def texts(self) -> tuple[GrowingText, ...]:
        """The texts of this round, while they grow. Any thread may ask."""
        return self._assembler.texts

    async def _read(self) -> None:
        """Attempt until the answer has begun; what has begun is never asked for again."""
        limit = self._request.limits.total
        try:
            async with asyncio.timeout(limit) as total:
                for self._attempt in itertools.count(1):
                    try:
                        return await self._read_once()
                    except StreamError as error:
                        self._request_id = self._request_id or error.request_id
                        self._retry = self._retries.next(error, self._attempt) if self._may_ask_again() else None
                        if self._retry is None or _ends_within(total, self._retry.delay):
                            raise
                        self._watch.failed(error, self._retry)
                    self._assembler = self._new_assembler()
                    self._changed()
                    await self._clock.sleep(self._retry.delay)
                    self._retry = None
                    self._changed()
        except TimeoutError:
            if not total.expired():
                raise
            name = self._request.endpoint.name
            raise TotalTimeoutError(
                f"The answer from {name} was not complete within {limit:g} s.",
                remedies=[Remedy(RemedyKind.MORE_TIME_IN_TOTAL)],
            ) from None

    async def _read_once(self) -> None:
        opening = self._source.open(self._request)  # may import the SDK, which is not the server being silent
        self._asked_at, self._stream, self._request_id = self._clock.now(), None, None
        if self._sent_at is None:
            self._sent_at = self._asked_at
        self._watch.request(self._request, self._attempt)
        try:
            async with (
                IdleTimeout(self._request.limits.first_token) as idle,
                opening as stream,
                staged(stream, self._request.stages, idle, self._request.limits.stall) as batches,
            ):
                self._stream, self._request_id = stream, stream.request_id
                self._watch.opened(stream, self._request)
                async for batch in batches:
                    if batch and (silence := self._take(batch)) is not None:
                        idle.restart(silence)
                    if self._assembler.state.terminal:
                        return
                    if self._assembler.characters > (limit := self._request.sizes.characters):
                        raise self._too_long("characters", limit, RemedyKind.LONGER_ANSWER)
                self._take([EndOfStream(marked=False)])  # a source or a stage that ends without saying so
        except TimeoutError:
            if not idle.expired:
                raise
            raise self._timed_out() from None

    def _take(self, batch: list[Event]) -> float | None:
        """Give the events to the assembler; return how long to wait for the next, if that has changed."""
        assembler = self._assembler
        content_before = assembler.content_events
        announced_before = assembler.reason_given and assembler.announced
        heard: list[Event] = []
        try:
            for event in batch:
                heard.append(event)
                if type(event) is Failed and not assembler.has_content and not assembler.is_known(event):
                    raise assembler.error_of(event)  # which may be retried
                if type(event) is EndOfStream and self._was_held_back():
                    heard.insert(-1, _BUFFERED)
                    assembler.feed(_BUFFERED)
                self._feed(event)
                if self._stop is not None and type(event) is TextDelta and self._has_said_enough(self._stop):
                    for each in (Finished(STOP_REASON), EndOfStream(marked=True)):
                        heard.append(each)
                        assembler.feed(each)
                if assembler.state.terminal:
                    break
        finally:
            self._note(heard)
        has_more = assembler.content_events > content_before
        if has_more:
            self._last_token_at = self._clock.now()
            if not content_before:
                self._first_token_at = self._last_token_at
        if assembler.reason_given and assembler.announced:
            return None if announced_before else min(self._request.limits.stall, _AFTER_FINISH_SECONDS)
        return self._request.limits.stall if has_more else None

    def _note(self, batch: list[Event]) -> None:
        """Tell the log, the observers and the surfaces what has arrived."""
        if self._log is not None:
            self._log.append(batch)
        self._watch.events(batch)
        self._changed()

    def _has_said_enough(self, stop: StopCondition) -> bool:
        try:
            return stop.met(self._assembler.snapshot().text)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise StopWhenError(f"stop_when raised {exception_line(error)}.") from error

    def _judge(self, reader: asyncio.Task[None]) -> None:
        """Tell the assembler what ended the reading, if the stream itself did not."""
        self._retry = None
        error = self._taken_from(reader)
        if self._assembler.state.terminal:
            return
        if isinstance(error, asyncio.CancelledError):
            self._assembler.cancel()
        elif isinstance(error, StreamError):
            # A source that decodes bytes knows what it could not make an event of.
            quoted = getattr(self._stream, "unrecognized", None) if isinstance(error, TimeLimitError) else None
            if quoted and not self._request.stages:  # which have not seen it
                self._assembler.feed(quoted)
            self._assembler.break_off(error)
        else:
            failed = f"nbstream itself failed ({type(error).__name__})."
            self._assembler.fail(InternalError(failed, remedies=[Remedy(RemedyKind.REPORT_BUG)]))

    def _taken_from(self, task: asyncio.Task[None]) -> BaseException | None:
        """What ended a task, without the frames and the errors behind it: they would keep the connection in memory."""
        try:
            task.result()
        except (asyncio.CancelledError, StreamError) as error:
            error.__context__ = None
            return error.with_traceback(None)
        except BaseException as error:  # noqa: BLE001  a bug, which must not lose what had arrived
            if isinstance(error, RuntimeError) and (ending := program_ending(self._request.endpoint.name)) is not None:
                return ending
            _log.exception("nbstream failed while reading a stream")
            error.__context__ = None
            return error.with_traceback(None)
        return None

    def _timed_out(self) -> StreamError:
        limits, name = self._request.limits, self._request.endpoint.name
        if not self._assembler.has_content:
            return FirstTokenTimeoutError(
                f"{name} sent no part of an answer for {limits.first_token:g} s.",
                remedies=[Remedy(RemedyKind.MORE_TIME_TO_BEGIN)],
            )
        return StalledError(f"{name} went silent for {limits.stall:g} s in the middle of the answer.")

    def _feed(self, event: Event) -> None:
        self._assembler.feed(event)
        limit = self._request.sizes.parts
        if type(event) is not TextDelta and self._assembler.part_count > limit:
            raise self._too_long("parts", limit, RemedyKind.MORE_PARTS)

    def _too_long(self, what: str, limit: int, remedy: RemedyKind) -> StreamError:
        return AnswerTooLongError(
            f"The answer from {self._request.endpoint.name} has more than {limit:,} {what} and has not ended.",
            remedies=[Remedy(remedy)],
        )

    def _may_ask_again(self) -> bool:
        """Whether nothing of the answer has arrived or is being generated: it is never paid for twice."""
        if self._assembler.has_content or self._assembler.announced:
            return False
        in_background = self._stream is not None and self._stream.position() is not None
        return self._request.position is not None or not in_background

    def _was_held_back(self) -> bool:
        first = self._first_token_at
        unheld = self._request.stream and not self._request.stages
        if not unheld or first is None or first - self._asked_at < _BUFFERED_AFTER_SECONDS:
            return False
        characters = sum(each.size for each in self.texts) - len(self._beginning.text if self._beginning else "")
        return characters >= _BUFFERED_CHARACTERS + _BUFFERED_RATE * (self._last_token_at - first)

    def _continuation(self) -> Continuation | None:
        if self._resume is None:
            return None
        position = self._stream.position() if self._stream is not None else None
        if self._stream is None and not isinstance(self._assembler.error, NotFoundError):
            position = self._request.position  # it could not even be reached
        return Continuation(self._request, position, self._resume)

    def _new_assembler(self) -> Assembler:
        request, asked_for = self._request, self._request.params.get("n")
        return Assembler(
            model=request.model,
            endpoint=request.endpoint.name,
            beginning=self._beginning,
            resumed=request.position is not None,
            choices=asked_for if isinstance(asked_for, int) else 1,
        )

    def _timing(self) -> Timing:
        now = self._clock.now()
        usage = self._assembler.usage
        first = None if self._request.batch else self._first_token_at  # what comes from a file says nothing
        writing = 0.0 if first is None else now - first
        sent = self._started_at if self._sent_at is None else self._sent_at
        return Timing(
            ttft=None if first is None else first - sent,
            total=now - self._started_at,
            tokens_per_second=usage.output_tokens / writing if usage and writing > 0 else None,
            startup=sent - self._started_at,
        )


def _shown(request: StreamRequest) -> Shown | None:
    """How the answer is shown, if not as it is."""
    if request.schema is not None:
        return ShownAnswers(request.schema)
    return ShownCode() if request.as_ == "code" else None


def _ends_within(limit: asyncio.Timeout, seconds: float) -> bool:
    """Whether a limit will have passed by then, so that waiting is pointless."""
    end = limit.when()
    return end is not None and end <= asyncio.get_running_loop().time() + seconds
