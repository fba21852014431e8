"""Tool calls that arrive in pieces, put together by slot. Must not know which API they came from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbstream.assembly.builders import Call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.events import ToolCallDelta

__all__ = ["ToolCallCollector", "valid_arguments"]


class ToolCallCollector:
    """Puts the pieces of each call together.

    Servers name the slot of a piece (`index`), or none, or the same one for every call; an id that is not the one of
    the call in the slot then begins a new call. Ids and names come once, on every piece, or in pieces.

    Args:
        beginning: Calls that are there already.
    """

    def __init__(self, beginning: Iterable[Call] = ()) -> None:
        self._calls: list[Call] = list(beginning)

    def add(self, delta: ToolCallDelta) -> Call | None:
        """Take the next piece.

        Returns:
            The call that begins with it, if one does.
        """
        call = self._call_for(delta)
        made = None
        if call is None:
            index = delta.index
            if index is None:
                index = 1 + max((each.index for each in self._calls), default=-1)
            call = made = Call(index, delta.item_id, custom=delta.custom)
            self._calls.append(call)
        call.id = call.id or delta.id
        call.item_id = call.item_id or delta.item_id
        # A name that is repeated is not a piece of a name, and once there are arguments a name is complete.
        if delta.name and delta.name != call.name and not (call.name and call.arguments):
            call.name += delta.name
        piece = delta.arguments
        whole = piece.startswith("{") and piece.endswith("}")
        if piece and not (whole and piece == call.arguments.value() and valid_arguments(piece)):
            call.arguments.append(piece)  # unless a last message repeats the call
        return made

    def revise(self, index: int, arguments: str) -> None:
        """Set the whole arguments of the call in slot `index`."""
        for call in self._in_slot(index):
            call.arguments.replace(arguments)

    def end(self, index: int) -> None:
        """Note that the call in slot `index` is whole."""
        for call in self._in_slot(index):
            call.open = False

    @property
    def all_valid(self) -> bool:
        """Whether the arguments of every call are JSON, where they should be."""
        return all(call.custom or valid_arguments(call.arguments.value()) for call in self._calls)

    def __bool__(self) -> bool:
        return bool(self._calls)

    def _in_slot(self, index: int) -> list[Call]:
        return [call for call in self._calls if call.index == index]

    def _call_for(self, delta: ToolCallDelta) -> Call | None:
        """The call that a piece belongs to; `None` if another one begins."""
        if delta.index is None:
            known = [call for call in self._calls if delta.id in {None, call.id}]
        else:
            known = self._in_slot(delta.index)
            if known and delta.id and known[-1].id not in {None, delta.id}:
                # One slot for all calls. A call that came before may go on, by its id.
                known = [call for call in known if call.id == delta.id]
        if known and not (delta.name and not delta.id and _is_complete(known[-1], delta.name)):
            return known[-1]
        return None


def _is_complete(call: Call, next_name: str) -> bool:
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
