"""The work of a map, from one beginning to the next end: rows are read, asked, written and counted.

A thread reads rows, the engine's loop asks them, and another thread writes the answers; each waits for the next one
where it is ahead of it, so however many rows there are, few are in memory.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING

from nbstream.many.asking.giving_up import GivingUp
from nbstream.many.job.row_feed import RowFeed
from nbstream.many.job.row_writer import RowWriter
from nbstream.outcome import StreamState, Usage, add_up
from nbstream.text.plain import exception_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nbstream.many.asking.giving_up import OnError
    from nbstream.many.asking.runner import RowAnswer, RowRunner
    from nbstream.many.checkpoint.kept_answers import KeptAnswers
    from nbstream.many.job.row_reader import RowReader
    from nbstream.many.rows.row_states import RowStates
    from nbstream.streaming.engine import Engine

__all__ = ["MapWork"]

_log = logging.getLogger("nbstream")

_MOST_BEHIND = 500  # answers that are not written yet


class MapWork:
    """One stretch of a map's work.

    Args:
        reader: Reads the rows.
        runner: Asks them.
        kept: Keeps the answers.
        states: Knows where each row is.
        on_error: What a failure means.
        changed: Is told of rows in which something is new.
        ended: Is called when it has ended, on any thread.
        limit: How many rows to read at most.
    """

    def __init__(
        self,
        reader: RowReader,
        runner: RowRunner,
        kept: KeptAnswers,
        states: RowStates,
        *,
        on_error: OnError,
        changed: Callable[[Iterable[int]], object],
        ended: Callable[[], object],
        limit: int | None = None,
    ) -> None:
        self.runner = runner
        self.state = StreamState.STREAMING
        self.reason: str | None = None
        """Why it has stopped by itself."""
        self.usage: Usage | None = None
        self.cost: float | None = None
        self.rate_limited_until: float | None = None
        self._reader = reader
        self._kept = kept
        self._states = states
        self._on_error = on_error
        self._giving_up = GivingUp(on_error)
        self._changed = changed
        self._ended = ended
        self._limit = limit
        self.is_sample = limit is not None
        self.is_wanted = False
        """Whether it stopped because the caller has asked for that."""
        self._feed = RowFeed()
        self._stopped = False
        self._begun_at = time.monotonic()
        self._ended_at: float | None = None
        self._unsent: list[RowAnswer] = []
        self._engine: Engine | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning, or how long it took."""
        return (self._ended_at or time.monotonic()) - self._begun_at

    def begin(self, engine: Engine) -> None:
        """Begin, on an engine; returns at once."""
        self._engine = engine
        self._writer = RowWriter(self._write)
        threading.Thread(target=self._read, name="nbstream-map-reader", daemon=True).start()
        engine.submit(self._run())

    def stop(self) -> None:
        """End it: rows in flight are ended, what is done is kept. Returns at once; from any thread."""
        self._stopped = True
        self._halt()

    def leave(self, detach: Callable[[], object]) -> None:
        """End it, but leave the rows in flight to whoever answers them.

        Args:
            detach: Lets go of them, on the loop.
        """
        self._stopped = True
        self._feed.stop()
        if self._engine is not None:
            self._engine.call_soon(detach)

    # --- on the reader's thread ---------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            self._reader.read_into(self._feed, self._answered, limit=self._limit)
        except BaseException as error:  # noqa: BLE001  the caller's own rows
            read = len(self._states)  # which are asked all the same
            self.reason = f"the rows could not be read after row {read}: {exception_line(error)}"
        finally:
            self._feed.end()

    # --- on the engine's loop -----------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            async for answer in self.runner.run(self._feed):
                self._take(answer)
                while self._writer.behind > _MOST_BEHIND:  # noqa: ASYNC110  it gets shorter on another thread
                    await asyncio.sleep(0.01)
        except asyncio.CancelledError:  # the engine is closed
            self._stopped = True
            raise
        except Exception as error:  # noqa: BLE001  a bug, which must not lose what is done
            _log.exception("nbstream could not go on with a map")
            self._give_up(exception_line(error))
        finally:
            self._feed.stop()
            await self.runner.close()
            ending = threading.Thread(target=self._end, name="nbstream-map-end", daemon=True)
            ending.start()

    def _take(self, answer: RowAnswer) -> None:
        if answer.state is StreamState.CANCELLED and not answer.attempts:
            self._unsent.append(answer)
        self._answered(answer)

    # --- on any thread ------------------------------------------------------------------------------------------------

    def _answered(self, answer: RowAnswer) -> None:
        reason = self._giving_up.because_of(answer)
        if reason is not None and self.reason is None:
            self.is_wanted = self._on_error == "stop"
            self._give_up(reason, gently=self.is_wanted)
        self._writer.put(answer)

    def _give_up(self, reason: str, *, gently: bool = False) -> None:
        """Ask no more rows; gently, those that are in flight go on."""
        self.reason = self.reason or reason
        if gently:
            self._feed.stop()
        else:
            self._halt()

    def _halt(self) -> None:
        self._feed.stop()
        if self._engine is not None:
            self._engine.call_soon(self.runner.stop)

    # --- on the writer's thread ---------------------------------------------------------------------------------------

    def _write(self, answers: Sequence[RowAnswer]) -> None:
        trouble = self._kept.write(answers)
        if trouble is not None:
            told = f"{trouble}; {self._kept.unwritten:,} answers are in this kernel's memory, and are written later"
            self._give_up(told, gently=True)
        changed: list[int] = []
        paid = [each for each in answers if each.attempts]
        self.usage = add_up([self.usage, *(each.usage for each in paid)])
        costs = [each.cost for each in paid if each.cost is not None]
        self.cost = sum(costs, self.cost or 0.0) if costs else self.cost
        for each in answers:
            equal = self._reader.equal_to(each.row.key)
            self._states.settle([each.row.number], each.state, each.source)
            self._states.settle(equal, each.state, "duplicate")
            changed += [each.row.number, *equal]
        self._changed(changed)

    def _end(self) -> None:
        rest = self._feed.rest()
        self._reader.put_back(rest)
        self._writer.end()
        if self._kept.unwritten and self.reason is None:  # of an earlier stretch, after which nothing more came
            self.reason = self._kept.write([])
        self._ended_at = time.monotonic()
        if self.reason is not None:
            self.state = StreamState.FAILED
        else:
            self.state = StreamState.CANCELLED if self._stopped else StreamState.COMPLETED
        self._ended()
