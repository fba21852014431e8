"""Which part of the answer the words of a Responses stream belong to: the numbers by which our events name parts.

A part is known by a key of the wire's own; deltas belong to the most recent part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.events import Event, PartEnded, PartResumed, PartStarted
from nbstream.transport.fields import name_or_none

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Literal

__all__ = ["PartOrder"]


class PartOrder:
    """The parts of words of one answer, in the order in which they began.

    Attributes:
        current: The key of the part that deltas belong to; `None` after something that is not a part of words.
    """

    def __init__(self) -> None:
        self._parts: dict[Hashable, PartStarted] = {}
        self._announced: set[int] = set()
        self._ended: set[int] = set()
        self.current: Hashable = None

    def __contains__(self, key: Hashable) -> bool:
        return key in self._parts

    def number(self, key: Hashable) -> int | None:
        """The number of a part."""
        part = self._parts.get(key)
        return None if part is None else part.part

    def turn_to(
        self,
        key: Hashable,
        kind: Literal["text", "reasoning", "refusal"],
        item_id: str | None = None,
        content_index: int | None = None,
        *,
        new_paragraph: bool = False,
    ) -> list[Event]:
        """What to say before a delta of the part with this key; the rest only counts when the part begins."""
        if key == self.current:
            return []
        self.current = key
        part = self._parts.get(key)
        if part is None:
            part = PartStarted(len(self._parts), kind, name_or_none(item_id), content_index, new_paragraph)
            self._parts[key] = part
        if part.part in self._announced:
            return [PartResumed(part.part)]
        self._announced.add(part.part)
        return [part]

    def named(self, key: Hashable) -> list[Event]:
        """What to say before news of a part other than a delta, because the reader may not know the part."""
        part = self._parts.get(key)
        return [] if part is None or part.part in self._announced else self.turn_to(key, part.kind)

    def end(self, key: Hashable) -> list[Event]:
        """What to say when a part is whole."""
        number = self.number(key)
        if number is None or number not in self._announced or number in self._ended:
            return []
        self._ended.add(number)
        return [PartEnded(number)]

    def leave(self) -> None:
        """Note that something else has begun, so that a delta has to say to which part it belongs."""
        self.current = None

    def announce_again(self) -> None:
        """Forget what has been announced, for a reader who has not heard it."""
        self._announced.clear()
        self.current = None
