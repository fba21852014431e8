"""What a wire format offers the server, and the bytes of JSON and of server-sent events. Knows no HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from nbstream.demo.pace import Pace
    from nbstream.demo.request import Order
    from nbstream.demo.script import Piece, Script


class Answer(Protocol):
    """One answer in one API's shapes. The stream is opening, deltas, then closing or failure, each as frames."""

    lead: int
    """Frames before the first token."""

    def __init__(self, order: Order, script: Script) -> None: ...

    @staticmethod
    def read(body: dict[str, Any], pace: Pace) -> Order:
        """Check a request's body; `pace` is the server's own.

        Raises:
            ApiError: The body is not a request that this server answers.
        """
        ...

    def opening(self) -> list[bytes]:
        """What is sent before the first token."""
        ...

    def delta(self, piece: Piece) -> list[bytes]:
        """One token."""
        ...

    def closing(self) -> list[bytes]:
        """The end of a good stream."""
        ...

    def failure(self) -> list[bytes]:
        """The end of a stream that fails in the middle."""
        ...

    def whole(self) -> dict[str, Any]:
        """The answer to a request that did not ask for a stream."""
        ...


def dump(value: object) -> bytes:
    """JSON as OpenAI writes it: compact UTF-8. A lone surrogate, which a request may hold, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def frame(data: object, event: str | None = None) -> bytes:
    """One server-sent event."""
    name = b"" if event is None else b"event: " + event.encode() + b"\n"
    return name + b"data: " + dump(data) + b"\n\n"
