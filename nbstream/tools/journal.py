"""What is written down of calls, so that none runs twice: neither in this process nor, with a file, after it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from nbstream.parts import ToolCallPart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.parts import Part, ToolRun

__all__ = ["Journal", "asked_of", "attempted", "unsettled"]

_NOT_MADE = {"invalid_arguments", "not_recorded", "unknown_tool"}


class Journal(Protocol):
    """Keeps the calls of one answer; see `nbstream.conversation.journal` for the one that has a file."""

    def earlier(self, call: ToolCallPart) -> ToolRun | None:
        """What became of a call, if it was attempted before the chat was loaded."""
        ...

    def is_unsettled(self, call: ToolCallPart) -> bool:
        """Whether a call for the same was begun in an earlier answer, and nobody knows how it ended."""
        ...

    async def write(self, parts: tuple[Part, ...]) -> None:
        """Write the answer down as it is now; once this returns, it survives the end of the process.

        Raises:
            OSError: It cannot be written.
        """
        ...


def asked_of(call: ToolCallPart) -> tuple[str, str]:
    """What a call asks for, whatever its id and however its JSON is written: the tool, and the arguments.

    Example:
        >>> asked_of(ToolCallPart("c1", "add", '{"b":2,"a":1}'))
        ('add', '{"a": 1, "b": 2}')
    """
    try:
        return call.name, json.dumps(json.loads(call.arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return call.name, call.arguments


def attempted(parts: Iterable[Part]) -> dict[tuple[str, str, str], ToolRun]:
    """What became of the calls that were attempted, by their ids and what they ask for."""
    return {
        (part.id or "", *asked_of(part)): part.run
        for part in parts
        if isinstance(part, ToolCallPart) and part.run is not None and _was_attempted(part.run)
    }


def unsettled(parts: Iterable[Part]) -> set[tuple[str, str]]:
    """What calls ask for that were begun, and of which nobody knows how they ended; later ones count."""
    found: set[tuple[str, str]] = set()
    for part in parts:
        if isinstance(part, ToolCallPart) and part.run is not None and _was_attempted(part.run):
            (found.add if part.run.state == "unknown" else found.discard)(asked_of(part))
    return found


def _was_attempted(run: ToolRun) -> bool:
    """Whether the function was called, as far as is known."""
    return run.state in {"running", "completed", "unknown"} or (run.state == "failed" and run.error not in _NOT_MADE)
