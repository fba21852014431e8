"""What a Responses stream says in pieces and then once more as a whole: text parts and function calls.

The pieces go out as they come. When the whole comes, the server's final wording counts; what it leaves out of a longer
beginning is kept all the same. Slots are made on demand, because servers forget to announce them. Must not know the
stream's other events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from nbstream.events import Event, TextDelta, TextRevised, ToolCallDelta, ToolCallEnded, ToolCallRevised, Warned
from nbstream.pieces import Pieces
from nbstream.plain import encodable
from nbstream.transport.fields import name_or_none, text_or_none

if TYPE_CHECKING:
    from nbstream.transport.part_order import PartOrder

__all__ = ["CALL_ARGUMENTS", "CallSlots", "TextParts"]

CALL_ARGUMENTS = {"function_call": "arguments", "custom_tool_call": "input"}
"""The items that are calls for the caller to answer, and the field that holds what they call with."""

_Key: TypeAlias = tuple[str, int]

_ITEM_BREAK = "\n\n"
_SHORTER = Warned("revised_text", "The server's final text is shorter than what it had sent; the longer one is kept.")
_OTHER = Warned("revised_text", "The server's final text is not the text that it had sent, which is kept.")


class TextParts:
    """The text of one answer: parts of items, in the order in which they began.

    Args:
        order: Numbers the parts, together with those of other kinds.
    """

    def __init__(self, order: PartOrder) -> None:
        self._order = order
        self._parts: dict[_Key, Pieces] = {}
        self._by_id: dict[str, str] = {}
        self._by_output: dict[int, str] = {}
        self._settled: set[str] = set()
        self._last_item: str | None = None  # that has begun a part
        self._place: tuple[Any, Any, Any] | None = None  # of the last piece, as it stood on the wire
        self._key: _Key = ("", 0)
        self._part = Pieces()

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

    def announce(self, place: dict[str, Any]) -> list[Event]:
        """Take the announcement of a part, whose place among the others counts even if its text comes later."""
        return self._turn_to(place) if text_or_none(place.get("item_id")) else []

    def add(self, place: dict[str, Any], piece: str) -> list[Event]:
        """Take a piece of the part at `place`, an object with `item_id`, `output_index` and `content_index`."""
        named = (place.get("item_id"), place.get("output_index"), place.get("content_index"))
        events: list[Event] = []
        if named != self._place or self._order.current != self._key:
            events = self._turn_to(place)
            self._place = named
        self._part.append(piece)
        events.append(TextDelta(piece))
        return events

    def settle(self, place: dict[str, Any], text: Any) -> list[Event]:
        """Take the whole text of the part at `place`."""
        if not isinstance(text, str):
            return []
        key = self._key_of(place)
        item, _ = key
        self._settled.add(item)
        part = self._parts.get(key)
        if part is None or not part:  # the pieces never came, or came under another number
            known = any(text == other.value() for (name, _), other in self._parts.items() if name == item)
            events = self.add(place, text) if text and not known else []
        elif encodable(so_far := part.value()) == encodable(text):
            events = []
        elif so_far.startswith(text):
            events = [_SHORTER]
        elif text.startswith(so_far):
            events = self.add(place, text[len(so_far) :])
        else:
            part.replace(text)
            events = [TextRevised(text, self._order.number(key))]
        return [*events, *self._order.end(key)]

    def settle_all(self, texts: list[tuple[str | None, str]]) -> list[Event]:
        """Take the final texts of all items, each with the item's id."""
        final, so_far = _ITEM_BREAK.join(text for _, text in texts), self._whole()
        if not final or final == so_far:
            return []
        if not final.startswith(so_far):
            return [] if encodable(final) in encodable(so_far) else [_OTHER]
        known = _known(texts, so_far)
        if known is None:  # there is more of the last item
            piece = final[len(so_far) :]
            self._part.append(piece)
            return [*self._order.turn_to(self._key, "text"), TextDelta(piece)]
        events: list[Event] = []
        for item_id, text in texts[known:]:
            events += self._turn_to_part((f"#{len(self._parts)} at the end", 0), item_id)
            self._part.append(text)
            events += [TextDelta(text), *self._order.end(self._key)]
        return events

    def number(self, place: dict[str, Any]) -> int | None:
        """The number of the part at `place`, if it has begun."""
        return self._order.number(self._key_of(place))

    def forget_place(self) -> None:
        """Say again to which part the next piece belongs."""
        self._place = None

    def _turn_to(self, place: dict[str, Any]) -> list[Event]:
        index = place.get("content_index")
        index = index if isinstance(index, int) else None
        return self._turn_to_part(self._key_of(place), text_or_none(place.get("item_id")), index)

    def _turn_to_part(self, key: _Key, item_id: str | None, content_index: int | None = None) -> list[Event]:
        self._key, (item, _) = key, key
        self._part = self._parts.setdefault(key, Pieces())
        begins = key not in self._order
        new_paragraph = begins and self._last_item not in {None, item}
        if begins:
            self._last_item = item
        return self._order.turn_to(key, "text", item_id, content_index, new_paragraph=new_paragraph)

    def _key_of(self, place: dict[str, Any]) -> _Key:
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
        return _ITEM_BREAK.join(text for parts in items.values() if (text := "".join(parts)))


def _known(texts: list[tuple[str | None, str]], so_far: str) -> int | None:
    """How many of the texts make up what there is; `None` if it ends in the middle of one."""
    for count in range(len(texts)):
        if _ITEM_BREAK.join(text for _, text in texts[:count]) == so_far:
            return count
    return None


class CallSlots:
    """The tool calls of one answer, by item.

    Args:
        order: The order of the parts, in which a call comes between words.
    """

    def __init__(self, order: PartOrder) -> None:
        self._order = order
        self._ended: set[int] = set()
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
        kind = str(item.get("type")) if isinstance(item, dict) else ""
        if kind not in CALL_ARGUMENTS:
            return []
        slot, call_id = self._slot(place, item), name_or_none(item.get("call_id"))
        if call_id is not None and self._call_ids.setdefault(slot, call_id) != call_id:
            slot = self._new_slot(place)
            self._call_ids[slot] = call_id
        if arguments := text_or_none(item.get(CALL_ARGUMENTS[kind])):
            self._announced[slot] = arguments
        self._order.leave()
        return [
            ToolCallDelta(
                slot,
                call_id,
                name_or_none(item.get("name")),
                item_id=text_or_none(item.get("id")),
                custom=kind == "custom_tool_call",
            )
        ]

    def add(self, place: dict[str, Any], piece: Any) -> list[Event]:
        """Take a piece of the arguments."""
        if text_or_none(piece) is None:
            return []
        slot = self._slot(place)
        self._order.leave()
        self._arguments[slot].append(piece)
        return [ToolCallDelta(slot, arguments=piece)]

    def settle(self, place: dict[str, Any], arguments: Any, item: dict[str, Any] | None = None) -> list[Event]:
        """Take the whole arguments."""
        if text_or_none(arguments) is None:
            return []
        slot = self._slot(place, item)
        so_far = self._arguments[slot]
        events: list[Event] = []
        if not so_far:
            self._order.leave()
            so_far.append(arguments)
            events.append(ToolCallDelta(slot, arguments=arguments))
        elif so_far.value() != arguments:
            so_far.replace(arguments)
            events.append(ToolCallRevised(slot, arguments))
        if slot not in self._ended:
            self._ended.add(slot)
            events.append(ToolCallEnded(slot))
        return events

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
