"""Tool calls that arrive in pieces, put together by slot. Must not know which API they came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbstream.pieces import Pieces
from nbstream.plain import encodable
from nbstream.result import ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.events import ToolCallDelta

__all__ = ["ToolCallCollector", "valid_arguments"]


@dataclass(slots=True)
class _Call:
    index: int
    id: str | None = None
    name: str = ""
    arguments: Pieces = field(default_factory=Pieces)


class ToolCallCollector:
    """Puts the pieces of each call together.

    Servers name the slot of a piece (`index`), or none, or the same one for every call; an id that is not the one of
    the call in the slot then begins a new call. Ids and names come once, on every piece, or in pieces.

    Args:
        beginning: Calls that are there already.
    """

    def __init__(self, beginning: Iterable[ToolCall] = ()) -> None:
        self._calls: list[_Call] = []
        for index, call in enumerate(beginning):
            self._calls.append(_Call(index, call.id, call.name))
            self._calls[-1].arguments.append(call.arguments)

    def add(self, delta: ToolCallDelta) -> None:
        """Take the next piece."""
        call = self._call_for(delta)
        call.id = call.id or delta.id
        # A name that is repeated is not a piece of a name, and once there are arguments a name is complete.
        if delta.name and delta.name != call.name and not (call.name and call.arguments):
            call.name += delta.name
        piece = delta.arguments
        whole = piece.startswith("{") and piece.endswith("}")
        if piece and not (whole and piece == call.arguments.value() and valid_arguments(piece)):
            call.arguments.append(piece)  # unless a last message repeats the call

    def revise(self, index: int, arguments: str) -> None:
        """Set the whole arguments of the call in slot `index`."""
        for call in self._calls:
            if call.index == index:
                call.arguments.replace(arguments)

    def value(self) -> tuple[ToolCall, ...]:
        """The calls so far, in slot order."""
        calls = sorted(self._calls, key=lambda call: call.index)
        return tuple(ToolCall(call.id, call.name, encodable(call.arguments.value())) for call in calls)

    def _call_for(self, delta: ToolCallDelta) -> _Call:
        index = delta.index
        if index is None:
            known = [call for call in self._calls if delta.id in {None, call.id}]
        else:
            known = [call for call in self._calls if call.index == index]
            if known and delta.id and known[-1].id not in {None, delta.id}:
                # One slot for all calls. A call that came before may go on, by its id.
                known = [call for call in known if call.id == delta.id]
        if known and not (delta.name and not delta.id and _is_complete(known[-1], delta.name)):
            return known[-1]
        made = _Call(index if index is not None else 1 + max((call.index for call in self._calls), default=-1))
        self._calls.append(made)
        return made


def _is_complete(call: _Call, next_name: str) -> bool:
    """Whether a piece with another name begins another call: without an id, that is all there is to go by."""
    if not call.name or next_name == call.name or not call.arguments:
        return False
    return valid_arguments(call.arguments.value())


def valid_arguments(arguments: str) -> bool:
    """Whether the arguments of a call are JSON, or none at all."""
    try:
        json.loads(arguments, strict=False)
    except (ValueError, RecursionError):
        return not arguments.strip()
    return True
