"""The streams that no caller waits for: those that are running, and the latest that have ended."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nbstream.result import StreamState
from nbstream.streaming.event_log import WAKE_UP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from nbstream.parts import ToolRun
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Job", "JobFacts", "Running"]

_ENDED_KEPT = 20
_END_OF_TEXT = 200


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a list says of an answer.

    Attributes:
        state: The state of the stream.
        tokens: The tokens of the answer, once the server has reported them; never a guess.
        characters: How many characters of text have arrived.
        end_of_text: The last of them, up to 200.
        asks: Whether a call waits for the reader to allow it.
        error: Why the stream failed, in a line; empty if it did not.
    """

    state: StreamState
    tokens: int | None = None
    characters: int = 0
    end_of_text: str = ""
    asks: bool = False
    error: str = ""

    @classmethod
    def of(cls, result: StreamResult) -> Self:
        """What a result comes to."""
        return cls(
            state=result.state,
            tokens=None if result.usage is None else result.usage.output_tokens,
            characters=len(result.text),
            end_of_text=result.text[-_END_OF_TEXT:],
            asks=any(_waits(getattr(part, "run", None)) for part in result.parts),
            error="" if result.error is None else result.error.happened.partition("\n")[0],
        )


def _waits(run: ToolRun | None) -> bool:
    return run is not None and run.state == "waiting"


class _Handle(Protocol):
    """What is asked of a `StreamHandle`."""

    @property
    def request(self) -> StreamRequest: ...
    @property
    def snapshot(self) -> StreamResult: ...
    @property
    def lost(self) -> bool: ...
    def cancel(self) -> None: ...
    def when_committed(self, tell: Callable[[StreamResult], object]) -> None: ...
    def when_drawn(self, tell: Callable[[], object]) -> None: ...


class Job:
    """One stream that no caller waits for.

    What it holds of an answer that has ended is small, so that a list of them keeps no answers alive.

    Args:
        number: Which stream of this kernel it is, from 1.
        handle: The stream.
        what: What was asked, in a few words.
        now: Monotonic time, in seconds.

    Attributes:
        number: As given.
        name: What it is called: the name of the variable that holds its handle, else its number.
        what: As given.
        model: The model that is asked.

    Example:
        ```python
        job = nbs.jobs["answer"]
        job.state, job.seconds, job.facts.characters
        job.stop()
        ```
    """

    def __init__(self, number: int, handle: _Handle, what: str, now: Callable[[], float] = time.monotonic) -> None:
        self.number = number
        self.name = str(number)
        self.what = what
        self.model = handle.request.model
        self._handle: _Handle | None = handle
        self._now = now
        self._began = now()
        self._seconds: float | None = None
        self._facts = JobFacts.of(handle.snapshot)
        self._drawn = threading.Event()
        handle.when_committed(self._commit)
        handle.when_drawn(self._end)

    @property
    def state(self) -> StreamState:
        """The state of the stream."""
        handle = self._handle
        if self._seconds is None and handle is not None and handle.lost:
            return StreamState.FAILED
        return self.facts.state

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self.state.terminal

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran."""
        return self._now() - self._began if self._seconds is None else self._seconds

    @property
    def facts(self) -> JobFacts:
        """What there is of the answer now."""
        handle = self._handle
        if self._seconds is None and handle is not None:
            return JobFacts.of(handle.snapshot)
        return self._facts

    def stop(self) -> None:
        """End the stream and keep what has arrived. Does nothing once it has ended."""
        handle = self._handle
        if handle is not None:
            handle.cancel()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the stream has ended, however it ends, and its last frame is drawn.

        An interrupt ends the waiting and not the stream.

        Args:
            timeout: Maximum seconds to wait; `None` waits for as long as it takes.

        Raises:
            TimeoutError: The stream has not ended in time.
        """
        until = None if timeout is None else self._now() + timeout
        while not self._drawn.wait(WAKE_UP_SECONDS if until is None else min(WAKE_UP_SECONDS, until - self._now())):
            handle = self._handle
            if handle is not None and handle.lost:
                return
            if until is not None and self._now() >= until:
                raise TimeoutError(f"{self.name} has not ended in {timeout:g} s")

    def called(self, name: str | None, what: str | None) -> None:
        """Let it be known by a name, and by what was asked in better words, if there are such."""
        self.name = name or self.name
        self.what = what or self.what

    def _commit(self, result: StreamResult) -> None:
        self._facts, self._seconds = JobFacts.of(result), self._now() - self._began

    def _end(self) -> None:
        self._handle = None
        self._drawn.set()

    def __repr__(self) -> str:
        return f"<Job {self.name}: {self.state}, {self.seconds:.0f} s>"


class Running:
    """The jobs of one engine, from any thread."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._count = 0
        self._lock = threading.Lock()

    def add(self, handle: _Handle, what: str) -> Job:
        """Note a stream that has begun.

        Args:
            handle: The stream.
            what: What was asked, in a few words.
        """
        with self._lock:
            self._count += 1
            job = Job(self._count, handle, what)
            ended = [each for each in self._jobs if not each.running]
            forgotten = {id(each) for each in ended[: max(0, len(ended) - _ENDED_KEPT)]}
            self._jobs = [*(each for each in self._jobs if id(each) not in forgotten), job]
        return job

    def of(self, handle: object) -> Job | None:
        """The job of a stream that is running."""
        return next((job for job in self if job._handle is handle), None)  # noqa: SLF001  of its own file

    def __iter__(self) -> Iterator[Job]:
        with self._lock:
            return iter(tuple(self._jobs))
