"""What the table needs of a job that maps over rows: it reads and asks, and knows nothing of how rows are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.result import StreamState, Usage

__all__ = ["ShownJob", "ShownProgress", "ShownRow"]


class ShownRow(Protocol):
    """One row as it is now."""

    @property
    def number(self) -> int:
        """Where the row stands, from 0."""
        ...

    @property
    def index(self) -> Any:
        """The label of the row in the input; its number if the input has no labels."""
        ...

    @property
    def input(self) -> str:
        """What the row asks, in short."""
        ...

    @property
    def state(self) -> StreamState:
        """Where its answer is."""
        ...

    @property
    def text(self) -> str:
        """The answer so far."""
        ...

    @property
    def value(self) -> Any:
        """The text, or what the schema made of it."""
        ...

    @property
    def error(self) -> str | None:
        """What went wrong, in a line."""
        ...

    @property
    def source(self) -> str | None:
        """Who has answered it: "asked", "checkpoint", "duplicate" or "batch"."""
        ...


class ShownProgress(Protocol):
    """How far a job is."""

    @property
    def total(self) -> int | None:
        """How many rows there are, if that is known."""
        ...

    @property
    def done(self) -> int:
        """How many have an answer."""
        ...

    @property
    def failed(self) -> int:
        """How many have none for good."""
        ...

    @property
    def hits(self) -> int:
        """How many of the answers were in the checkpoint."""
        ...

    @property
    def duplicates(self) -> int:
        """How many rows have the answer of an equal one."""
        ...

    @property
    def usage(self) -> Usage | None:
        """The tokens of all answers."""
        ...

    @property
    def cost(self) -> float | None:
        """The price in US dollars so far, where it is known."""
        ...

    @property
    def rate_limited_until(self) -> float | None:
        """Until when nothing is sent because the server limits requests, in seconds since 1970."""
        ...

    @property
    def note(self) -> str | None:
        """What else is going on, in a line."""
        ...

    @property
    def concurrency(self) -> int:
        """How many rows may be asked at once."""
        ...

    @property
    def tokens_per_second(self) -> float | None:
        """How fast tokens arrive."""
        ...


class ShownJob(Protocol):
    """A job, from any thread; reading it never waits for an answer."""

    @property
    def model(self) -> str:
        """The model that is asked."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields of the values, if a schema gives them any."""
        ...

    @property
    def state(self) -> StreamState:
        """Where the job is."""
        ...

    @property
    def progress(self) -> ShownProgress:
        """How far it is."""
        ...

    @property
    def rows(self) -> Sequence[ShownRow]:
        """The rows that are known so far, in order."""
        ...

    @property
    def failed(self) -> Sequence[int]:
        """The numbers of the rows that have failed, in order."""
        ...

    def stop(self) -> None:
        """Ask no more; what is done is kept."""
        ...

    def retry_failed(self, numbers: Sequence[int] | None = None) -> object:
        """Ask failed rows again; all of them unless told which."""
        ...
