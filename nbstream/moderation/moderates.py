"""What a request needs to know of what moderates it. It leads to no engine, so that requests may name it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nbstream.events import Event
    from nbstream.moderation.policy import Moderation
    from nbstream.outcome import Verdict

__all__ = ["Moderates"]


class Moderates(Protocol):
    """Moderates the requests of an answer, see `nbstream.moderation.stage`."""

    policy: Moderation
    cleared: bool
    """Whether all that came of the answer may be shown, and so may be written to a file."""

    @property
    def holds(self) -> bool:
        """Whether an answer is held back until it was checked."""
        ...

    def after(self, begun: str) -> Moderates:
        """The same for one answer, of which there is this text already."""
        ...

    async def check_prompt(self, text: str) -> Verdict:
        """What is said of the prompt."""
        ...

    def refuses(self, verdict: Verdict) -> bool:
        """Whether a verdict ends the answer."""
        ...

    def __call__(self, batches: AsyncIterator[list[Event]], /) -> AsyncIterator[list[Event]]:
        """What may be shown of an answer."""
        ...
