"""A batch that has rows of a map in it, and what becomes of those for which no answer comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbstream.outcome import StreamState

if TYPE_CHECKING:
    from nbstream.many.batch.batch_journal import NotedBatch
    from nbstream.transport.batch_wire import BatchState

__all__ = ["OpenBatch"]

_MOST_ERRORS = 3


@dataclass(slots=True)
class OpenBatch:
    """One batch.

    Attributes:
        noted: What the file knows of it.
        numbers: The rows that have no answer yet, by their keys.
        state: How it was when it was last looked at.
        damaged: The keys of the answers that could not be read.
        cancelled: Whether it was asked to end early.
    """

    noted: NotedBatch
    numbers: dict[bytes, int] = field(default_factory=dict)
    state: BatchState | None = None
    damaged: set[bytes] = field(default_factory=set)
    cancelled: bool = False

    def left_out(self, key: bytes) -> tuple[StreamState, str | None, str]:
        """What has become of a row that has no answer although the batch has ended: its state, its error, its kind."""
        status = "" if self.state is None else self.state.status
        if key in self.damaged:
            return StreamState.FAILED, "the answer came, but its line in the output file is damaged", "damaged"
        if status == "cancelled":
            return StreamState.CANCELLED, None, "cancelled"
        if status == "expired":
            return StreamState.FAILED, "the batch expired before this row was answered", "batch_expired"
        if status == "failed":
            errors = () if self.state is None else self.state.errors
            why = "; ".join(errors[:_MOST_ERRORS]) or "no reason given"
            return StreamState.FAILED, f"the batch was not accepted: {why}", "rejected"
        return StreamState.FAILED, "the batch has ended without an answer to this row", "empty_answer"

    def told(self) -> str:
        """How it is, in a few words."""
        state = self.state
        if state is None:
            return "batch asked for" if self.noted.batch_id is None else "batch not looked at yet"
        counted = f", {state.completed + state.failed:,} of {state.total:,} answered" if state.total else ""
        failures = f", {state.failed:,} failed" if state.failed else ""
        by_error_file = ", with an error file" if state.ended and state.error_file_id else ""
        return f"batch {state.id} {state.status.replace('_', ' ')}{counted}{failures}{by_error_file}"
