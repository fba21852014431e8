"""What has become of one row of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbstream.outcome import StreamState

if TYPE_CHECKING:
    from nbstream.outcome import Usage

__all__ = ["RowResult", "RowSource"]

RowSource: TypeAlias = Literal["asked", "checkpoint", "duplicate", "batch"]


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row of a map, as it is now.

    Attributes:
        number: Its place among the rows, from 0.
        index: The label that the input has for it; its number where the input has none.
        state: Where it is: `pending` until it is asked, `streaming` while it is answered, then how it ended.
        text: The text of the answer; partial unless `state` is `completed`.
        value: What the map gives for it: the text, its code, or what the schema made of it; `None` unless `completed`.
        error: Why it failed, in one line.
        usage: The tokens that its answer took, if the server reported them.
        cost: The price of its answer in US dollars, where it is known.
        attempts: How many times it was sent.
        input: What it asks, in a short line: its values, or the last message; empty where rows can be read only once.
        source: Who answered: it was `"asked"`, found in the `"checkpoint"`, answered with an equal row (`"duplicate"`),
            or came in a `"batch"`; `None` before it has ended.
    """

    number: int
    index: Any = None
    state: StreamState = StreamState.PENDING
    text: str = ""
    value: Any = None
    error: str | None = None
    usage: Usage | None = None
    cost: float | None = None
    attempts: int = 0
    source: RowSource | None = None
    input: str = ""

    def __repr__(self) -> str:
        told = self.error or (f"{len(self.text):,} characters" if self.text else "")
        return f"<RowResult {self.number}: {self.state}{', ' if told else ''}{told}>"
