"""Parts of an answer while they grow: each takes what comes and tells its value at any time. Must not know events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

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
from nbstream.pieces import Pieces
from nbstream.plain import encodable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.parts import MediaKind

__all__ = ["Activity", "Builder", "Call", "Media", "Words", "WordsKind", "builder_of"]

WordsKind: TypeAlias = Literal["text", "reasoning", "refusal"]


class Builder(Protocol):
    """A part that grows."""

    open: bool

    def value(self) -> Part | None:
        """The part so far; `None` while there is nothing in it. Any thread may ask."""
        ...


class Words:
    """Text, reasoning or a refusal.

    Args:
        kind: Which of them.
        item_id: The output item's id.
        content_index: The place among the item's contents.
        new_paragraph: Whether a blank line sets it off from what was said before.
        in_text: Whether it came within the text: it is text, or stood there between tags.
        after: The words of the same kind that it goes on from.
    """

    __slots__ = ("buffer", "citations", "content_index", "in_text", "item_id", "kind", "new_paragraph", "open")

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
        self.kind = kind
        self.item_id = item_id
        self.content_index = content_index
        self.new_paragraph = new_paragraph
        self.in_text = in_text or kind == "text"
        self.open = True
        self.buffer: TextBuffer = TextBuffer(after=None if after is None or new_paragraph else after.buffer)
        self.citations: list[Citation] = []

    def value(self) -> TextPart | ReasoningPart | RefusalPart | None:
        """The part so far."""
        text = self.buffer.value()
        if self.kind == "text":
            if not text and not self.citations:
                return None
            place = self.item_id, self.content_index
            return TextPart(text, *place, tuple(self.citations), self.new_paragraph, self.open)
        if not text:
            return None
        made = ReasoningPart if self.kind == "reasoning" else RefusalPart
        return made(text, self.item_id, self.content_index, self.new_paragraph, self.open)

    def close(self) -> None:
        """Nothing follows."""
        self.buffer.close()
        self.open = False


class Call:
    """A tool call.

    Args:
        index: Its slot.
        item_id: The output item's id.
        custom: Whether its arguments are free text.
    """

    __slots__ = ("arguments", "custom", "id", "index", "item_id", "name", "open")

    def __init__(self, index: int, item_id: str | None = None, *, custom: bool = False) -> None:
        self.index = index
        self.item_id = item_id
        self.custom = custom
        self.id: str | None = None
        self.name = ""
        self.arguments = Pieces()
        self.open = True

    def value(self) -> ToolCallPart:
        """The part so far."""
        arguments = encodable(self.arguments.value())
        return ToolCallPart(self.id, self.name, arguments, self.index, self.item_id, self.custom, self.open)

    def close(self) -> None:
        """Nothing follows."""
        self.open = False


class Media:
    """An image, sound, video or file.

    Args:
        kind: Which of them.
    """

    __slots__ = ("_pieces", "item_id", "kind", "media_type", "open", "url")

    def __init__(self, kind: MediaKind) -> None:
        self.kind = kind
        self.media_type: str | None = None
        self.url: str | None = None
        self.item_id: str | None = None
        self.open = True
        self._pieces: list[bytes] = []

    def add(self, data: bytes, *, replaces: bool) -> None:
        """Take the next bytes, or the whole so far."""
        if data and replaces:
            self._pieces = [data]
        elif data:
            self._pieces.append(data)

    def value(self) -> MediaPart:
        """The part so far."""
        pieces = self._pieces
        if len(pieces) > 1:  # joined once, because a snapshot is taken several times a second
            joined = b"".join(pieces)
            self._pieces = [joined, *self._pieces[len(pieces) :]]
            pieces = [joined]
        data = pieces[0] if pieces else b""
        return MediaPart(self.kind, data, self.media_type, self.url, self.item_id, self.open)

    def close(self) -> None:
        """Nothing follows."""
        self.open = False


class Activity:
    """A call of a built-in tool.

    Args:
        kind: The server's word for it.
    """

    __slots__ = ("input", "item", "item_id", "kind", "open", "status")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.status: str | None = None
        self.item: Mapping[str, Any] = {}
        self.item_id: str | None = None
        self.input = Pieces()
        self.open = True

    def value(self) -> ActivityPart:
        """The part so far."""
        said = encodable(self.input.value())
        return ActivityPart(self.kind, self.status, said, self.item, self.item_id, self.open)

    def close(self) -> None:
        """Nothing follows."""
        self.open = False


def builder_of(part: Part) -> Words | Call | Media | Activity:
    """A builder that goes on with a part."""
    made: Words | Call | Media | Activity
    match part:
        case TextPart() | ReasoningPart() | RefusalPart():
            kind: WordsKind = (
                "text" if isinstance(part, TextPart) else "reasoning" if isinstance(part, ReasoningPart) else "refusal"
            )
            made = Words(kind, part.item_id, part.content_index, new_paragraph=part.new_paragraph)
            made.buffer.append(part.text)
            made.citations.extend(part.citations if isinstance(part, TextPart) else ())
        case ToolCallPart():
            made = Call(part.index, part.item_id, custom=part.custom)
            made.id, made.name = part.id, part.name
            made.arguments.append(part.arguments)
        case MediaPart():
            made = Media(part.kind)
            made.media_type, made.url, made.item_id = part.media_type, part.url, part.item_id
            made.add(part.data, replaces=False)
        case ActivityPart():
            made = Activity(part.kind)
            made.status, made.item, made.item_id = part.status, part.item, part.item_id
            made.input.append(part.input)
    made.open = part.open
    return made
