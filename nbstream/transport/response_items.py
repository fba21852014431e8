"""What a Responses stream says in pieces and then once more as a whole: text parts and function calls.

The pieces go out as they come. When the whole comes, the server's final wording counts; what it leaves out of a longer
beginning is kept all the same. Slots are made on demand, because servers forget to announce them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from nbstream.events import Event, TextDelta, TextRevised, ToolCallDelta, ToolCallEnded, ToolCallRevised, Warned
from nbstream.text.cumulative import CUMULATIVE, CumulativePieces
from nbstream.text.pieces import Pieces
from nbstream.text.plain import encodable
from nbstream.transport.fields import name_or_none, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.transport.part_order import PartOrder

__all__ = ["CALL_ARGUMENTS", "CallSlots", "FinalText", "TextParts"]

CALL_ARGUMENTS = {"function_call": "arguments", "custom_tool_call": "input"}
"""The items that are calls for the caller to answer, and the field that holds what they call with."""

_Key: TypeAlias = tuple[str, int]

# Among how many of an item's last parts a whole text is looked for that came in pieces under another number.
_MISNUMBERED = 16

_ITEM_BREAK = "\n\n"
_CUMULATIVE = Warned("cumulative_text", CUMULATIVE)
_SHORTER = Warned("revised_text", "The server's final text is shorter than what it had sent; the longer one is kept.")
_OTHER = Warned("revised_text", "The server's final text differs from what it had sent; what it had sent is kept.")


@dataclass(frozen=True, slots=True)
class FinalText:
    """A text of the final object, which is not empty: of which item, and where in it."""

    output: int
    item_id: str | None
    index: int
    text: str


class TextParts:
    """The text of one answer: parts of items, in the order in which they began.

    Args:
        order: Numbers the parts, together with those of other kinds.
    """

    def __init__(self, order: PartOrder) -> None:
        self._order = order
        self._parts: dict[_Key, Pieces] = {}
        self._compared: dict[_Key, CumulativePieces] = {}  # while each piece may be the whole so far
        self._by_item: dict[str, list[Pieces]] = {}
        self._by_id: dict[str, str] = {}
        self._by_output: dict[int, str] = {}
        self._settled: set[str] = set()
        self._last_item: str | None = None  # that has begun a part
        self._set_off: set[str] = set()  # items after others that have no text yet
        self._place: tuple[Any, Any, Any] | None = None  # of the last piece, as it stood on the wire
        self._key: _Key = ("", 0)
        self._part = Pieces()

    @property
    def empty(self) -> bool:
        """Whether there is no text yet."""
        return not any(self._parts.values())

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
            self._set_off.discard(self._key[0])
        if (pieces := self._compared.get(self._key)) is not None:
            new = pieces.new_in(piece)
            if new is None:
                self._part.replace(piece)
                return [*events, TextRevised(piece, self._order.number(self._key)), _CUMULATIVE]
            if pieces.are_plain:
                del self._compared[self._key]
            piece = new
        if piece:
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
            others = self._by_item.get(item, [])[-_MISNUMBERED:]
            events = self.add(place, text) if text and all(text != other.value() for other in others) else []
        elif encodable(so_far := part.value()) == encodable(text):
            events = []
        elif so_far.startswith(text):
            events = [_SHORTER]
        elif text.startswith(so_far):
            self._compared.pop(key, None)
            events = self.add(place, text[len(so_far) :])
        else:
            part.replace(text)
            events = [*self._order.named(key), TextRevised(text, self._order.number(key))]
        self._compared.pop(key, None)
        return [*events, *self._order.end(key)]

    def settle_all(self, texts: list[FinalText]) -> tuple[list[Event], dict[FinalText, list[Event]]]:
        """Take the final texts of all items.

        Returns:
            What to say at once, and what to say of each text that is new.
        """
        final, so_far = "".join(break_ + each.text for break_, each in _with_breaks(texts)), self._whole()
        if not final or final == so_far:
            return [], {}
        if not final.startswith(so_far):
            return [] if encodable(final) in encodable(so_far) else [_OTHER], {}
        events: list[Event] = []
        new: dict[FinalText, list[Event]] = {}
        end, item = 0, ""
        for break_, each in _with_breaks(texts):
            begin = end + len(break_)
            end = begin + len(each.text)
            if end <= len(so_far):
                item = self._key[0]
            elif begin - len(break_) >= len(so_far):
                item = item if item and not break_ else f"#{each.output} at the end"
                new[each] = self._turn_to_part((item, each.index), each.item_id, each.index)
                new[each] += [*self._continued(each.text), *self._order.end(self._key)]
            else:  # there is more of the last one
                item = self._key[0]
                events += [*self._order.turn_to(self._key, "text"), *self._continued(final[len(so_far) : end])]
        return events, new

    def _continued(self, piece: str) -> list[Event]:
        self._part.append(piece)
        self._set_off.discard(self._key[0])
        return [TextDelta(piece)]

    def named(self, place: dict[str, Any]) -> tuple[list[Event], int | None]:
        """What to say before something about the part at `place`, and the part's number, if it has one."""
        key = self._key_of(place)
        begun = self._order.named(key) if key in self._parts else self.announce(place)
        return begun, self._order.number(key)

    def leave(self) -> None:
        """Note that something else has begun, so that a piece has to say to which part it belongs."""
        self._order.leave()

    def forget_place(self) -> None:
        """Say again to which part the next piece belongs."""
        self._place = None

    def _turn_to(self, place: dict[str, Any]) -> list[Event]:
        index = place.get("content_index")
        index = index if type(index) is int else None
        self._place = None  # a piece of the part before would be taken for one of this
        return self._turn_to_part(self._key_of(place), text_or_none(place.get("item_id")), index)

    def _turn_to_part(self, key: _Key, item_id: str | None, content_index: int | None = None) -> list[Event]:
        self._key, (item, _) = key, key
        if key not in self._parts:
            self._parts[key] = Pieces()
            self._compared[key] = CumulativePieces()
            self._by_item.setdefault(item, []).append(self._parts[key])
            if self._last_item not in {None, item}:
                self._set_off.add(item)
            self._last_item = item
        self._part = self._parts[key]
        new_paragraph = item in self._set_off
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
        items = ("".join(part.value() for part in parts) for parts in self._by_item.values())
        return _ITEM_BREAK.join(text for text in items if text)


def _with_breaks(texts: list[FinalText]) -> Iterator[tuple[str, FinalText]]:
    """Each text, with what stands before it in the whole."""
    before: FinalText | None = None
    for text in texts:
        yield _ITEM_BREAK if before is not None and before.output != text.output else "", text
        before = text


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
        self._by_call: dict[str, int] = {}
        self._announced: dict[int, str] = {}  # arguments that came whole with the announcement

    def __bool__(self) -> bool:
        return bool(self._arguments)

    def begin(self, place: dict[str, Any], item: Any) -> list[Event]:
        """Take the announcement of an item, or its repetition."""
        kind = str(item.get("type")) if isinstance(item, dict) else ""
        if kind not in CALL_ARGUMENTS:
            return []
        call_id = name_or_none(item.get("call_id"))
        slot = self._slot_of_call(place, item, call_id)
        if arguments := text_or_none(item.get(CALL_ARGUMENTS[kind])):
            self._announced[slot] = arguments
        self._order.leave()
        return [
            ToolCallDelta(
                slot,
                call_id,
                name_or_none(item.get("name")),
                item_id=name_or_none(item.get("id")),
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

    def _slot_of_call(self, place: dict[str, Any], item: dict[str, Any], call_id: str | None) -> int:
        """The slot of an announced item, whose own id may be missing, or that of an earlier item."""
        own = text_or_none(item.get("id"))
        known = None if call_id is None else self._by_call.get(call_id)
        slot = known if known is not None and own is None else self._slot(place, item)
        if call_id is not None and self._call_ids.setdefault(slot, call_id) != call_id:
            slot = self._new_slot(place) if known is None else known
            self._call_ids[slot] = call_id
        if call_id is not None:
            self._by_call.setdefault(call_id, slot)
        self._bind(slot, place, own)
        return slot

    def _bind(self, slot: int, place: dict[str, Any], own: str | None) -> None:
        """Note whose the slot is."""
        if own:
            self._by_id[own] = slot
            self._identified.add(slot)
        self._by_place[_number(place.get("output_index"))] = slot

    def _slot(self, place: dict[str, Any], item: dict[str, Any] | None = None) -> int:
        """The slot of an item: by its id, or by its place where the id is missing on one side."""
        own = text_or_none(item.get("id") if item is not None else place.get("item_id"))
        output = _number(place.get("output_index"))
        slot = self._by_id.get(own) if own else self._by_place.get(output)
        if slot is None and own and (there := self._by_place.get(output)) not in self._identified:
            slot = there
        if slot is None:
            slot = self._new_slot(place)
        self._bind(slot, place, own)
        return slot

    def _new_slot(self, place: dict[str, Any]) -> int:
        slot = self._by_place[_number(place.get("output_index"))] = len(self._arguments)
        self._arguments.append(Pieces())
        return slot


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
