"""Tool calls that arrive in pieces, by slot. Must not know which API they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbstream.plain import encodable
from nbstream.result import ToolCall

if TYPE_CHECKING:
    from nbstream.events import ToolCallDelta

__all__ = ["ToolCallCollector"]


@dataclass(slots=True)
class _Slot:
    id: str | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class ToolCallCollector:
    """Puts the pieces of each call together."""

    def __init__(self) -> None:
        self._slots: dict[int, _Slot] = {}

    def add(self, delta: ToolCallDelta) -> None:
        """Take the next piece. Ids and names are set, not appended: some servers repeat them on every piece."""
        slot = self._slots.setdefault(delta.index, _Slot())
        slot.id = delta.id or slot.id
        slot.name = delta.name or slot.name
        if delta.arguments:
            slot.arguments.append(delta.arguments)

    def value(self) -> tuple[ToolCall, ...]:
        """The calls so far, in slot order."""
        return tuple(
            ToolCall(slot.id, slot.name, encodable("".join(slot.arguments))) for _, slot in sorted(self._slots.items())
        )
