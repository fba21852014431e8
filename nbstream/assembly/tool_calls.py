"""Tool calls that arrive in pieces, put together by slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.assembly.builders import Call, valid_arguments

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
        self._calls: list[Call] = []
        self._last: Call | None = None
        self._by_slot: dict[int, Call] = {}  # the last one in each
        self._by_id: dict[tuple[int | None, str | None], Call] = {}  # the last one with each, in any slot or in one
        self._next_slot = 0
        for call in beginning:
            self._calls.append(call)
            self._register(call)

    def add(self, delta: ToolCallDelta) -> Call | None:
        """Take the next piece.

        Returns:
            The call that begins with it, if one does.
        """
        call = self._call_for(delta)
        made = None
        if call is None:
            if not (delta.id or delta.name or delta.arguments):
                return None  # empty fields on every chunk are no call
            if self._last is not None:
                _ = self._last.is_valid  # which is known from now on; to judge all of them at the end would take long
            index = self._next_slot if delta.index is None else delta.index
            call = made = Call(index, delta.item_id, custom=delta.custom)
            call.id = delta.id
            self._calls.append(call)
            self._register(call)
        elif call.id is None and delta.id is not None:
            call.id = delta.id
            self._register(call)
        call.item_id = call.item_id or delta.item_id
        call.custom = call.custom or delta.custom
        # A name that is repeated is not a piece of a name, and once there are arguments a name is complete.
        if delta.name and delta.name != call.name and not (call.name and call.has_arguments):
            call.name += delta.name
        piece = delta.arguments
        whole = piece.startswith("{") and piece.endswith("}")
        if piece and not (whole and piece == call.arguments and valid_arguments(piece)):
            call.append(piece)  # unless a last message repeats the call
        call.changed()
        return made

    def revise(self, index: int, arguments: str) -> None:
        """Set the whole arguments of the call in slot `index`."""
        if (call := self._by_slot.get(index)) is not None:
            call.replace(arguments)

    def end(self, index: int) -> None:
        """Note that the call in slot `index` is whole."""
        if (call := self._by_slot.get(index)) is not None:
            call.end()

    @property
    def all_valid(self) -> bool:
        """Whether the arguments of every call are JSON, where they should be."""
        return all(call.custom or call.is_valid for call in self._calls)

    @property
    def were_cumulative(self) -> bool:
        """Whether each piece of some call's arguments was all of them so far."""
        return any(call.was_cumulative for call in self._calls)

    def __bool__(self) -> bool:
        return bool(self._calls)

    def _register(self, call: Call) -> None:
        self._last = self._calls[-1]
        self._by_slot[call.index] = call
        self._by_id[None, call.id] = self._by_id[call.index, call.id] = call
        self._next_slot = max(self._next_slot, call.index + 1)

    def _call_for(self, delta: ToolCallDelta) -> Call | None:
        """The call that a piece belongs to; `None` if another one begins."""
        if delta.index is None:
            known = self._last if delta.id is None else self._by_id.get((None, delta.id))
        else:
            known = self._by_slot.get(delta.index)
            if known is not None and delta.id and known.id not in {None, delta.id}:
                # One slot for all calls. An earlier call may continue, by its id.
                known = self._by_id.get((delta.index, delta.id))
        if known is None or (delta.name and not delta.id and _is_complete(known, delta.name)):
            return None
        return known


def _is_complete(call: Call, next_name: str) -> bool:
    """Whether a piece with another name begins another call: without an id, that is all there is to go by."""
    if not call.name or next_name == call.name or not call.has_arguments:
        return False
    return call.custom or call.is_valid
