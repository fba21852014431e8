"""Parts of an answer while they grow: each takes what comes and tells its value at any time."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbstream.assembly.text import TextBuffer
from nbstream.parts import (
    ActivityPart,
    Citation,
    MediaPart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)
from nbstream.text.cumulative import CumulativePieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbstream.parts import MediaKind

__all__ = ["Activity", "Builder", "Call", "Media", "Words", "WordsKind", "builder_of", "valid_arguments"]

WordsKind: TypeAlias = Literal["text", "reasoning", "refusal"]


class Builder(ABC):
    """A part that grows.

    One thread changes it, any thread may ask for its value. A part that does not change is made once and kept, because
    a snapshot is taken several times a second and an answer may have thousands of parts.
    """

    __slots__ = ("_changes", "_made", "is_last", "open")

    def __init__(self) -> None:
        self.open = True
        self.is_last = True  # of the answer, so it is likely to change, and keeping its value would be a waste
        self._changes = 0
        self._made: tuple[int, Part | None] = (-1, None)

    def value(self) -> Part | None:
        """The part so far; `None` while there is nothing in it."""
        if self.open and self.is_last:
            return self._part()
        changes = self._changes  # read first: what changes meanwhile makes another value the next time
        at, made = self._made
        if at != changes:
            made = self._part()
            self._made = changes, made
        return made

    def end(self) -> None:
        """The part seems complete."""
        self.open = False
        self.changed()

    def close(self) -> None:
        """Nothing follows in the whole answer."""
        if self.open:
            self.end()

    def changed(self) -> None:
        """Note that the part has changed; call this after the change."""
        self._changes += 1

    @abstractmethod
    def _part(self) -> Part | None:
        """Make the value. Any thread may ask, so this changes nothing."""


class Words(Builder):
    """Text, reasoning or a refusal.

    Args:
        kind: Which of them.
        item_id: The output item's id.
        content_index: The place among the item's contents.
        new_paragraph: Whether a blank line sets it off from what was said before.
        in_text: Whether it came within the text: it is text, or stood there between tags.
        after: The words of the same kind that it continues.
    """

    __slots__ = ("_citations", "buffer", "content_index", "in_text", "item_id", "kind", "new_paragraph")

    def __init__(
        self,
        kind: WordsKind,
        item_id: str | None = None,
        content_index: int | None = None,
        *,
        new_paragraph: bool = False,
        in_text: bool = False,
        after: Words | None = None,
    ) -> None:
        super().__init__()
        self.kind: WordsKind = kind
        self.item_id = item_id
        self.content_index = content_index
        self.new_paragraph = new_paragraph
        self.in_text = in_text or kind == "text"
        self.buffer: TextBuffer = TextBuffer(after=None if after is None or new_paragraph else after.buffer)
        self._citations: list[Citation] | None = None  # most have none, and there may be very many

    @property
    def size(self) -> int:
        """How many characters there are."""
        return self.buffer.size

    def append(self, piece: str) -> None:
        """Take the next piece."""
        self.buffer.append(piece)
        self._changes += 1

    def replace(self, text: str) -> None:
        """Replace the text; citations stay."""
        self.buffer.replace(text)
        self.kind = "text"
        self.changed()

    @property
    def text(self) -> str:
        """What they say so far."""
        return self.buffer.value()

    @property
    def rewrites(self) -> int:
        """How often they have been replaced."""
        return self.buffer.rewrites

    def text_from(self, start: int) -> str:
        """What they say behind so many characters."""
        return self.buffer.value_from(start)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What is cited so far."""
        return tuple(self._citations or ())

    def drop(self, gone: set[int]) -> None:
        """Take citations away, by their identities."""
        if self._citations:
            self._citations = [each for each in self._citations if id(each) not in gone]
            self.changed()

    def take_back(self) -> None:
        """Have said nothing."""
        self.buffer.replace("")
        self.changed()

    def turn_into_reasoning(self) -> list[Citation]:
        """Become reasoning, which cites nothing; return the citations."""
        cited, self._citations = self._citations or [], None
        self.kind = "reasoning"
        self.changed()
        return cited

    def cite(self, citations: Iterable[Citation]) -> None:
        """Add citations."""
        if self._citations is None:
            self._citations = []
        self._citations.extend(citations)
        self.changed()

    def end(self) -> None:
        """The words are whole; half a character at their end may still continue in other words."""
        self.buffer.join()
        super().end()

    def close(self) -> None:
        """Nothing follows in the whole answer."""
        if self.buffer.close():
            self.changed()
        super().close()

    def _part(self) -> TextPart | ReasoningPart | RefusalPart | None:
        text, kind, place = self.buffer.value(), self.kind, (self.item_id, self.content_index)
        if kind == "text":
            cited = self.citations
            return TextPart(text, *place, cited, self.new_paragraph, self.open) if text or cited else None
        made = ReasoningPart if kind == "reasoning" else RefusalPart
        return made(text, *place, self.new_paragraph, self.open) if text else None


class Call(Builder):
    """A tool call.

    Args:
        index: Its slot.
        item_id: The output item's id.
        custom: Whether its arguments are free text.
    """

    __slots__ = ("_arguments", "_cumulative", "_valid", "custom", "id", "index", "item_id", "name", "was_cumulative")

    def __init__(self, index: int, item_id: str | None = None, *, custom: bool = False) -> None:
        super().__init__()
        self.index = index
        self.item_id = item_id
        self.custom = custom
        self.id: str | None = None
        self.name = ""
        self._arguments = TextBuffer()
        self._valid: bool | None = None
        self._cumulative: CumulativePieces | None = CumulativePieces()
        self.was_cumulative = False
        """Whether each piece of its arguments was all of them so far."""

    @property
    def is_valid(self) -> bool:
        """Whether its arguments are JSON."""
        if self._valid is None:
            self._valid = valid_arguments(self.arguments)
        return self._valid

    @property
    def has_arguments(self) -> bool:
        """Whether any of its arguments have come."""
        return bool(self._arguments.size)

    @property
    def arguments(self) -> str:
        """Its arguments so far."""
        return self._arguments.value()

    def append(self, piece: str) -> None:
        """Take the next piece of its arguments."""
        if (pieces := self._cumulative) is not None:
            new = pieces.new_in(piece)
            if pieces.are_plain:
                self._cumulative = None
            if new is None:
                self.was_cumulative = True
                self._arguments.replace("")
            piece = piece if new is None else new
        self._arguments.append(piece)
        self._valid = None
        self.open = True  # also one that had been broken off
        self.changed()

    def goes_on(self) -> None:
        """Have a beginning, so that pieces are not compared with each other."""
        self._cumulative = None

    def replace(self, arguments: str) -> None:
        """Have other arguments."""
        self._arguments.replace(arguments)
        self._valid = None
        self.changed()

    def end(self) -> None:
        """The arguments are whole."""
        self._arguments.join()
        super().end()

    def close(self) -> None:
        """Nothing follows in the whole answer."""
        if self._arguments.close():
            self._valid = None
            self.changed()
        pieces, self._cumulative = self._cumulative, None
        if pieces is not None and pieces.may_be and not pieces.found:
            self._settle(pieces.whole)
        super().close()

    def _settle(self, last: str) -> None:
        """Two pieces may extend each other by chance, but not if only the last one makes sense."""
        if not self.custom and not self.is_valid and valid_arguments(last):
            self.replace(last)
            self.was_cumulative = True

    def _part(self) -> ToolCallPart:
        return ToolCallPart(self.id, self.name, self.arguments, self.index, self.item_id, self.custom, self.open)


class Media(Builder):
    """An image, sound, video or file.

    Args:
        kind: Which of them.
    """

    __slots__ = ("_data", "item_id", "kind", "media_type", "name", "partial", "url")

    def __init__(self, kind: MediaKind) -> None:
        super().__init__()
        self.kind = kind
        self.media_type: str | None = None
        self.url: str | None = None
        self.item_id: str | None = None
        self.name: str | None = None
        self.partial = False
        self._data: bytes | bytearray = b""

    def add(self, data: bytes, *, replaces: bool = False, partial: bool = False) -> None:
        """Take the next bytes, or others in the place of all before them, which may be a preview."""
        if not data:
            return
        self.partial = partial
        if replaces or not self._data:
            self._data = data
        elif isinstance(self._data, bytearray):
            self._data += data
        else:
            self._data = bytearray(self._data + data)
        self.changed()

    def end(self) -> None:
        """All bytes are there."""
        self._data = bytes(self._data)  # which the part has too
        super().end()

    def _part(self) -> MediaPart:
        about = self.media_type, self.url, self.item_id, self.open, self.partial, self.name
        return MediaPart(self.kind, bytes(self._data), *about)


class Activity(Builder):
    """A call of a built-in tool.

    Args:
        kind: The server's word for it.
    """

    __slots__ = ("_input", "item", "item_id", "kind", "status")

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.status: str | None = None
        self.item: Mapping[str, Any] = {}
        self.item_id: str | None = None
        self._input = TextBuffer()

    def append(self, piece: str) -> None:
        """Take the next piece of its input."""
        self._input.append(piece)
        self.changed()

    def end(self) -> None:
        """The call is over."""
        self._input.join()
        super().end()

    def close(self) -> None:
        """Nothing follows in the whole answer."""
        if self._input.close():
            self.changed()
        super().close()

    def _part(self) -> ActivityPart:
        return ActivityPart(self.kind, self.status, self._input.value(), self.item, self.item_id, self.open)


def builder_of(part: Part) -> Builder:
    """A builder that continues a part."""
    made: Builder
    match part:
        case TextPart() | ReasoningPart() | RefusalPart():
            kind: WordsKind = (
                "text" if isinstance(part, TextPart) else "reasoning" if isinstance(part, ReasoningPart) else "refusal"
            )
            made = Words(kind, part.item_id, part.content_index, new_paragraph=part.new_paragraph)
            made.append(part.text)
            made.cite(part.citations if isinstance(part, TextPart) else ())
        case ToolCallPart():
            made = Call(part.index, part.item_id, custom=part.custom)
            made.goes_on()
            made.id, made.name = part.id, part.name
            made.append(part.arguments)
        case MediaPart():
            made = Media(part.kind)
            made.media_type, made.url, made.item_id, made.name = part.media_type, part.url, part.item_id, part.name
            made.add(part.data, partial=part.partial)
        case ActivityPart():
            made = Activity(part.kind)
            made.status, made.item, made.item_id = part.status, part.item, part.item_id
            made.append(part.input)
    made.open = part.open
    return made


def valid_arguments(arguments: str) -> bool:
    """Whether the arguments of a call are JSON, or none at all."""
    try:
        json.loads(arguments, strict=False)
    except (ValueError, RecursionError):
        return not arguments.strip()
    return True
