"""What happens to calls between two rounds, as events. Pure: two states of an answer in, events out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.events import ToolCallAttempted, ToolCallCompleted
from nbstream.parts import ToolCallPart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbstream.events import Event
    from nbstream.parts import Part

__all__ = ["tool_events"]


def tool_events(before: Sequence[Part], now: Sequence[Part]) -> Iterator[Event]:
    """What has happened to calls.

    Args:
        before: The parts of an answer.
        now: The same parts later.

    Example:
        >>> from nbstream.parts import ToolRun
        >>> waits = ToolCallPart("c1", "now", "{}", run=ToolRun("waiting"))
        >>> runs = ToolCallPart("c1", "now", "{}", run=ToolRun("running"))
        >>> list(tool_events([waits], [runs]))
        [ToolCallAttempted(id='c1', name='now', arguments='{}')]
    """
    for old, new in zip(before, now, strict=False):
        if new is old or not isinstance(new, ToolCallPart) or new.run is None or new.run == getattr(old, "run", None):
            continue
        if new.run.state == "running":
            yield ToolCallAttempted(new.id, new.name, new.run.arguments or new.arguments)
        elif new.run.state != "waiting":
            yield ToolCallCompleted(new.id, new.name, new.run)
