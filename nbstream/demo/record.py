"""What the demo server remembers of the requests it had, for tests and tutorials. No header and no text is kept."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Literal

End = Literal["finished", "client_closed"]


@dataclass(eq=False, slots=True)
class RequestRecord:
    """One request, from its arrival to its end.

    Attributes:
        path: The path of the request, without its query.
        model: The model asked for; None until the body is read and for requests without one.
        stream: Whether a stream was asked for.
        state: "open" while the server works on it, "finished" when the server ended it (also by a fault that was
            asked for), "client_closed" when the client went away first.
        closed_at: `time.monotonic()` at which the server saw the end; None while open.
        ended: Set at the end, whichever it was. Wait on it instead of sleeping.
    """

    path: str
    model: str | None = None
    stream: bool = False
    state: Literal["open"] | End = "open"
    closed_at: float | None = None
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def end(self, state: End) -> None:
        """Note the end; the first one counts."""
        if self.state == "open":
            self.closed_at = time.monotonic()
            self.state = state
            self.ended.set()
