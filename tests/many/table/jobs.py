"""A job of a map as its table sees it, with nothing behind it: rows are set by the test."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nbstream.result import StreamState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.result import Usage

__all__ = ["DONE", "FAILED", "RUNNING", "STOPPED", "Job", "Progress", "Row"]

DONE, FAILED, RUNNING, STOPPED = (
    StreamState.COMPLETED,
    StreamState.FAILED,
    StreamState.STREAMING,
    StreamState.CANCELLED,
)


@dataclass(frozen=True)
class Row:
    number: int
    index: Any = None
    input: str = ""
    state: StreamState = StreamState.PENDING
    text: str = ""
    value: Any = None
    error: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Progress:
    total: int | None = None
    done: int = 0
    failed: int = 0
    hits: int = 0
    duplicates: int = 0
    usage: Usage | None = None
    cost: float | None = None
    rate_limited_until: float | None = None
    concurrency: int = 20
    note: str | None = None
    tokens_per_second: float | None = None


@dataclass
class Job:
    """So many rows that nobody has asked yet.

    Attributes:
        read: The numbers of the rows that were looked at.
        done: What was asked of the job.
    """

    total: int = 0
    model: str = "m"
    columns: tuple[str, ...] = ()
    state: StreamState = RUNNING
    facts: Progress = field(default_factory=Progress)
    known: bool = True
    read: list[int] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.set_rows: dict[int, Row] = {}

    @property
    def progress(self) -> Progress:
        states = [row.state for row in self.set_rows.values()]
        return replace(
            self.facts,
            total=self.total if self.known else None,
            done=states.count(DONE),
            failed=states.count(FAILED),
            hits=sum(row.source == "checkpoint" for row in self.set_rows.values()),
        )

    @property
    def rows(self) -> Any:
        return _Rows(self)

    @property
    def failed(self) -> list[int]:
        return sorted(number for number, row in self.set_rows.items() if row.state is FAILED)

    def set(self, number: int, state: StreamState = DONE, text: str = "", **more: Any) -> frozenset[int]:
        """Set a row; return its number as an observer is told."""
        value = more.pop("value", text if state is DONE else None)
        row = Row(number, number, f"input {number}", state, text, value, **more)
        self.set_rows[number] = row
        return frozenset({number})

    def stop(self) -> None:
        self.done.append("stop")

    def retry_failed(self, numbers: Sequence[int] | None = None) -> None:
        self.done.append(("retry", numbers))
        if self.error is not None:
            raise self.error


class _Rows:
    def __init__(self, job: Job) -> None:
        self._job = job

    def __len__(self) -> int:
        return self._job.total

    def __getitem__(self, place: Any) -> Any:
        numbers = range(self._job.total)[place]
        if isinstance(numbers, int):
            return self._row(numbers)
        return [self._row(number) for number in numbers]

    def _row(self, number: int) -> Row:
        self._job.read.append(number)
        return self._job.set_rows.get(number) or Row(number, number, f"input {number}")
