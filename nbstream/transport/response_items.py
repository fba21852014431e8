"""What a Responses stream says in pieces and then once more as a whole: text parts and function calls.

The pieces go out as they come. When the whole comes, the server's final wording counts; what it leaves out of a longer
beginning is kept all the same. Slots are made on demand, for servers forget to announce them. Must not know the
stream's other events.
"""

from __future__ import annotations

from typing import Any

from nbstream.events import Event, TextDelta, TextRevised, ToolCallDelta, ToolCallRevised, Warned
from nbstream.pieces import Pieces
from nbstream.plain import encodable
from nbstream.transport.fields import name_or_none, text_or_none

__all__ = ["CallSlots", "TextParts"]

_ITEM_BREAK = "\n\n"
_SHORTER = Warned("revised_text", "The server's final text is shorter than what it had sent; the longer one is kept.")
_OTHER = Warned("revised_text", "The server's final text is not the text that it had sent, which is kept.")


class TextParts:
    """The text of one answer: parts of items, in the order in which they began."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, int], Pieces] = {}
        self._by_id: dict[str, str] = {}
        self._by_output: dict[int, str] = {}
        self._settled: set[str] = set()
        self._items: set[str] = set()  # those that have text
        self._place: tuple[Any, Any, Any] | None = None  # of the last piece, as it stood on the wire
        self._key = ("", 0)
        self._part = Pieces()
        self._out_of_order = False

    @property
    def pending_half(self) -> str:
        """The surrogate half that the text ends with, if it does."""
        last = self._part.value()[-1:]
        return last if "\ud800" <= last <= "\udbff" else ""

    def begin(self, place: dict[str, Any], item: Any) -> None:
        """Take the announcement of an item."""
        if isinstance(item, dict) and (name := text_or_none(item.get("id"))):
            key = self._by_id.get(name, name)
            if key in self._settled:  # an id that is used once more, for another item
                key = f"{name}+{len(self._parts)}"
            self._by_id[name] = self._by_output[_number(place.get("output_index"))] = key
            self._place = None

    def add(self, place: dict[str, Any], piece: str) -> list[Event]:
        """Take a piece of the part at `place`, an object with `item_id`, `output_index` and `content_index`."""
        events: list[Event] = []
        named = (place.get("item_id"), place.get("output_index"), place.get("content_index"))
        if named != self._place:
            self._turn_to(place, events)
            self._place = named
        self._part.append(piece)
        events.append(TextDelta(piece))
        return events

    def settle(self, place: dict[str, Any], text: Any) -> list[Event]:
        """Take the whole text of the part at `place`."""
        if not isinstance(text, str):
            return []
        item, number = self._key_of(place)
        self._settled.add(item)
        part = self._parts.get((item, number))
        if part is None:  # the pieces never came, or came under another number
            known = any(text == other.value() for (name, _), other in self._parts.items() if name == item)
            return self.add(place, text) if text and not known else []
        so_far = part.value()
        if encodable(so_far) == encodable(text):
            return []
        if so_far.startswith(text):
            return [_SHORTER]
        if text.startswith(so_far) and part is self._part:
            return self.add(place, text[len(so_far) :])
        part.replace(text)
        self._out_of_order = False
        return [TextRevised(self._whole())]

    def settle_all(self, texts: list[str]) -> list[Event]:
        """Take the final texts of all items."""
        final, so_far = _ITEM_BREAK.join(texts), self._whole()
        events: list[Event] = [TextRevised(so_far)] if self._out_of_order else []
        if final and final != so_far and final.startswith(so_far):
            events.append(TextDelta(final[len(so_far) :]))
        elif encodable(final) not in encodable(so_far):
            events.append(_OTHER)
        return events

    def _turn_to(self, place: dict[str, Any], events: list[Event]) -> None:
        key = self._key_of(place)
        if key == self._key and self._parts:
            return
        if key in self._parts:
            self._out_of_order = True
        else:
            if self._parts and key[0] not in self._items:
                events.append(TextDelta(_ITEM_BREAK))
            self._items.add(key[0])
            self._parts[key] = Pieces()
        self._key, self._part = key, self._parts[key]

    def _key_of(self, place: dict[str, Any]) -> tuple[str, int]:
        """The item and its part. Some servers change the id with each piece, some the index, some give neither."""
        name, output = text_or_none(place.get("item_id")) or "", _number(place.get("output_index"))
        item = self._by_id.get(name) or self._by_output.get(output) or name or f"#{output}"
        self._by_output.setdefault(output, item)
        if name:
            self._by_id.setdefault(name, item)
        return item, _number(place.get("content_index"))

    def _whole(self) -> str:
        items: dict[str, list[str]] = {}
        for (item, _), part in self._parts.items():
            items.setdefault(item, []).append(part.value())
        return _ITEM_BREAK.join("".join(parts) for parts in items.values())


class CallSlots:
    """The function calls of one answer, by item."""

    def __init__(self) -> None:
        self._by_id: dict[str, int] = {}
        self._identified: set[int] = set()  # slots that belong to an id
        self._by_place: dict[int, int] = {}
        self._arguments: list[Pieces] = []
        self._call_ids: dict[int, str] = {}
        self._announced: dict[int, str] = {}  # arguments that came whole with the announcement

    def __bool__(self) -> bool:
        return bool(self._arguments)

    def begin(self, place: dict[str, Any], item: Any) -> list[Event]:
        """Take the announcement of an item, or its repetition."""
        if not isinstance(item, dict) or item.get("type") != "function_call":
            return []
        slot, call_id = self._slot(place, item), name_or_none(item.get("call_id"))
        if call_id is not None and self._call_ids.setdefault(slot, call_id) != call_id:
            slot = self._new_slot(place)
            self._call_ids[slot] = call_id
        if arguments := text_or_none(item.get("arguments")):
            self._announced[slot] = arguments
        return [ToolCallDelta(slot, call_id, name_or_none(item.get("name")))]

    def add(self, place: dict[str, Any], piece: Any) -> list[Event]:
        """Take a piece of the arguments."""
        if text_or_none(piece) is None:
            return []
        slot = self._slot(place)
        self._arguments[slot].append(piece)
        return [ToolCallDelta(slot, arguments=piece)]

    def settle(self, place: dict[str, Any], arguments: Any, item: dict[str, Any] | None = None) -> list[Event]:
        """Take the whole arguments."""
        if text_or_none(arguments) is None:
            return []
        slot = self._slot(place, item)
        so_far = self._arguments[slot]
        if not so_far:
            so_far.append(arguments)
            return [ToolCallDelta(slot, arguments=arguments)]
        if so_far.value() == arguments:
            return []
        so_far.replace(arguments)
        return [ToolCallRevised(slot, arguments)]

    def close(self) -> list[Event]:
        """Nothing follows: arguments that were announced and never sent in pieces count."""
        return [
            ToolCallDelta(slot, arguments=arguments)
            for slot, arguments in self._announced.items()
            if not self._arguments[slot]
        ]

    def _slot(self, place: dict[str, Any], item: dict[str, Any] | None = None) -> int:
        """The slot of an item: by its id, or by its place where the id is missing on one side."""
        own = text_or_none(item.get("id") if item is not None else place.get("item_id"))
        output = _number(place.get("output_index"))
        slot = self._by_id.get(own) if own else self._by_place.get(output)
        if slot is None and own and (there := self._by_place.get(output)) not in self._identified:
            slot = there
        if slot is None:
            slot = self._new_slot(place)
        if own:
            self._by_id[own] = slot
            self._identified.add(slot)
        self._by_place[output] = slot
        return slot

    def _new_slot(self, place: dict[str, Any]) -> int:
        slot = self._by_place[_number(place.get("output_index"))] = len(self._arguments)
        self._arguments.append(Pieces())
        return slot


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
