"""What a Responses stream says besides its answer: reasoning and refusals, in pieces, as whole parts, in whole items.

What has come in pieces is not said again when it comes whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from nbstream.events import Event, ReasoningDelta, RefusalDelta
from nbstream.transport.fields import objects, text_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.transport.part_order import PartOrder

__all__ = ["ASIDES", "Asides"]

_Kind: TypeAlias = Literal["reasoning", "refusal"]

_THOUGHTS, _SUMMARY, _REFUSAL = "response.reasoning_text", "response.reasoning_summary_text", "response.refusal"

ASIDES: Mapping[str, _Kind] = {_THOUGHTS: "reasoning", _SUMMARY: "reasoning", _REFUSAL: "refusal"}
"""The sources of events that bring them."""

_SOURCES = {"reasoning_text": _THOUGHTS, "summary_text": _SUMMARY, "refusal": _REFUSAL}


class _Place(NamedTuple):
    """Where a part stands in the output, as far as the server gives it in values that make sense."""

    item_id: str | None
    output_index: int | None
    content_index: int | None

    @classmethod
    def of(cls, place: dict[str, Any], index: Any) -> _Place:
        output = place.get("output_index")
        item_id = text_or_none(place.get("item_id"))
        return cls(item_id, output if type(output) is int else None, index if type(index) is int else None)


class Asides:
    """The reasoning and the refusals of one answer.

    Args:
        order: Numbers the parts, together with those of other kinds.
    """

    def __init__(self, order: PartOrder) -> None:
        self._order = order
        self._in_pieces: set[str] = set()  # what has come in deltas
        self._came: set[tuple[_Kind, str | int | None]] = set()  # of which items there is something: by id, by place
        self._seen: set[_Kind] = set()
        self._paragraphs: set[_Place] = set()  # of reasoning

    def decode(self, source: str, verb: str, payload: dict[str, Any]) -> list[Event]:
        """Take an event of one of the `ASIDES`; the whole of a part counts only if no piece of it has come."""
        kind, index = ASIDES[source], payload.get("summary_index" if source == _SUMMARY else "content_index")
        text = text_or_none(payload.get("delta") or payload.get("refusal") or payload.get("text"))
        place = _Place.of(payload, index)
        if verb == "done" and (kind in self._in_pieces or _key(source, place) in self._order):
            return self._order.end(_key(source, place))
        if verb != "done":
            self._in_pieces.add(kind)
        # Thoughts are one paragraph, however many pieces their server numbers.
        paragraph = place if source == _SUMMARY else place._replace(content_index=None)
        return [] if text is None else self._said(source, text, place, paragraph)

    def part_done(self, payload: dict[str, Any]) -> list[Event]:
        """Take a whole part of an item, if it is an aside."""
        part = payload.get("part")
        source = _SOURCES.get(str(part.get("type"))) if isinstance(part, dict) else None
        return [] if source is None or not isinstance(part, dict) else self.decode(source, "done", {**payload, **part})

    def knows(self, kind: Literal["reasoning", "refusal"], place: dict[str, Any]) -> bool:
        """Whether something of an item has come already; of which item, a server may not say."""
        output = place.get("output_index")
        if type(output) is not int:
            return kind in self._seen
        came = {(kind, None), (kind, text_or_none(place.get("item_id"))), (kind, output)}
        return not came.isdisjoint(self._came)

    def thoughts(self, place: dict[str, Any], item: dict[str, Any]) -> list[Event]:
        """The reasoning of a whole item, unless it has come before."""
        if self.knows("reasoning", place):
            return []
        events: list[Event] = []
        for source, parts in ((_SUMMARY, item.get("summary")), (_THOUGHTS, item.get("content"))):
            for index, part in enumerate(objects(parts)):
                if text := text_or_none(part.get("text")):
                    at = _Place.of(place, index)
                    events += self._said(source, text, at, at)
        return events

    def refusal(self, place: dict[str, Any], part: dict[str, Any]) -> list[Event]:
        """The refusal that a part of a whole message is, if it is one."""
        at = _Place.of(place, place.get("content_index"))
        refusal = text_or_none(part.get("refusal"))
        return [] if refusal is None else self._said(_REFUSAL, refusal, at, at)

    def _said(self, source: str, text: str, place: _Place, paragraph: _Place) -> list[Event]:
        """The parts of a summary are paragraphs."""
        kind = ASIDES[source]
        new_paragraph = kind == "reasoning" and kind in self._seen and paragraph not in self._paragraphs
        self._seen.add(kind)
        self._paragraphs.add(paragraph)
        self._came.add((kind, place.output_index))
        if place.item_id:
            self._came.add((kind, place.item_id))
        begun = self._order.turn_to(
            _key(source, place), kind, place.item_id, place.content_index, new_paragraph=new_paragraph
        )
        said = RefusalDelta(text) if kind == "refusal" else ReasoningDelta(text, summary=source == _SUMMARY)
        return [*begun, said]


def _key(source: str, place: _Place) -> tuple[str, _Place]:
    """What a part is known by: thoughts and their summary are parts of their own where the server numbers parts."""
    return (ASIDES[source] if place.content_index is None else source), place
