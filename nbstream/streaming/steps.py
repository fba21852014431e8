"""What happens in one stream, as frozen values: requests, attempts that failed, events, calls, the end.

Each is told with its moment, in seconds since 1970 on a clock that never jumps within a stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from nbstream.events import Event
    from nbstream.outcome import Retry
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Asked", "AttemptFailed", "Called", "Ended", "Follower", "Opened", "Received", "Step"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request is sent.

    Attributes:
        request: It.
        attempt: How often it has been sent, with this time. What has 1 begins a round of the answer.
    """

    request: StreamRequest
    attempt: int


@dataclass(frozen=True, slots=True)
class Opened:
    """The server has begun to answer.

    Attributes:
        request_id: The `x-request-id` of the response.
    """

    request_id: str | None


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt has failed, and the request will be sent again.

    Attributes:
        kind: That of the `StreamError`.
        happened: What happened, in a sentence without a key.
        status: The HTTP status, if there is one.
        request_id: The `x-request-id` of the response, if there is one.
        retry: The pause.
    """

    kind: str
    happened: str
    status: int | None
    request_id: str | None
    retry: Retry


@dataclass(frozen=True, slots=True)
class Received:
    """Parts of the answer have come; they have passed the stages.

    Attributes:
        events: What came.
    """

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Called:
    """Something has happened to calls that nbstream answers.

    Attributes:
        events: What: `ToolCallAttempted`, `ToolCallCompleted`.
    """

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer has ended, in whatever way.

    Attributes:
        result: How.
    """

    result: StreamResult


Step: TypeAlias = Asked | Opened | AttemptFailed | Received | Called | Ended


class Follower(Protocol):
    """Follows one stream. What it raises is logged and has no other effect.

    It is told on the observers' thread, within the context variables of the code that has started the stream.
    """

    wants_events: bool
    """Whether it is told `Received`."""

    def on_step(self, stream: int, at: float, step: Step) -> None:
        """Something has happened.

        Args:
            stream: Its number, which nothing else has that streams in this process.
            at: When, in seconds since 1970.
            step: What.
        """
        ...
