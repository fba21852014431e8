"""The seam between a map and what answers its rows: this engine, other processes, a batch.

Above it stands the checkpoint, so whatever answers need not know of it: it is given rows that have to be asked, each
once, and gives an answer for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from nbstream.outcome import StreamState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from nbstream.many.rows.row_result import RowSource
    from nbstream.outcome import StreamWarning, Usage

__all__ = ["PreparedRow", "RowAnswer", "RowRunner"]


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """A row that is to be asked.

    Attributes:
        number: Its place among the rows, from 0.
        key: What its answer is kept under.
        messages: What is asked: OpenAI messages.
        warnings: What the reader should know about what was attached.
    """

    number: int
    key: bytes
    messages: tuple[Mapping[str, Any], ...] = field(repr=False)
    warnings: tuple[StreamWarning, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What has become of a row that was asked: what is kept of it.

    Attributes:
        row: The row.
        state: How it ended. A row that was stopped before it was sent is `cancelled` with no attempts.
        text: The text that has arrived.
        value: The text that its value is made of, if that is another one: the last of several that were asked for.
        error: Why it failed, in one line.
        kind: Which failure, as a stable word.
        usage: The tokens that the server reported.
        cost: US dollars, where the price is known.
        model: Who answered.
        finish_reason: Why the answer ends.
        attempts: How many times it was sent.
        source: Who answered.
    """

    row: PreparedRow
    state: StreamState
    text: str = ""
    value: str | None = None
    error: str | None = None
    kind: str | None = None
    usage: Usage | None = None
    cost: float | None = None
    model: str | None = None
    finish_reason: str | None = None
    attempts: int = 1
    source: RowSource = "asked"

    @property
    def is_whole(self) -> bool:
        """Whether the answer is complete, so that it need never be asked for again."""
        return self.state is StreamState.COMPLETED


class RowRunner(Protocol):
    """Answers rows. All its methods are called on the engine's loop, except `text_of`."""

    @property
    def concurrency(self) -> int:
        """How many rows may be in flight now."""
        ...

    @property
    def running(self) -> Mapping[int, object]:
        """The rows that are in flight, by number. Any thread may look."""
        ...

    @property
    def rate_limited_until(self) -> float | None:
        """When rows may be sent again, in seconds of the monotonic clock; `None` if they may be now."""
        ...

    @property
    def rate_limits(self) -> int:
        """How often servers have asked to wait."""
        ...

    def limit(self, concurrency: int | None) -> None:
        """Have at most so many rows in flight; `None` lets it find out."""
        ...

    def text_of(self, number: int) -> str:
        """The text so far of a row in flight; empty if it is not known. Any thread may ask."""
        ...

    def run(self, rows: AsyncIterator[PreparedRow]) -> AsyncIterator[RowAnswer]:
        """Answer rows, in any order. Rows are taken only when they can be sent.

        Args:
            rows: What is to be asked. When it ends, the iteration ends with the last answer.
        """
        ...

    def stop(self) -> None:
        """End the rows in flight: each is given out as `cancelled`, with what had arrived."""
        ...

    async def close(self) -> None:
        """Let go of what it holds; nothing runs any more."""
        ...
