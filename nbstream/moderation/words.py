"""The words in an event: what a reader may come to see of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.events import (
    ActivityReported,
    Annotated,
    Event,
    Failed,
    Garbled,
    LogprobsReported,
    MediaDelta,
    ReasoningDelta,
    ReasoningRevised,
    RefusalDelta,
    TextDelta,
    TextRevised,
    ToolCallDelta,
    ToolCallRevised,
    Unrecognized,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

__all__ = ["Said", "texts_in", "words_in"]

_DEEPEST = 50


class Said(NamedTuple):
    """The words in an event.

    Attributes:
        kind: What belongs together: words of the same kind are read one after the other.
        text: They.
        whole: Whether they are no part of something longer.
    """

    kind: Hashable
    text: str
    whole: bool = False


def words_in(event: Event) -> Said | None:
    """The words in an event; `None` if it has none.

    Example:
        >>> words_in(TextDelta("Hi")).text, words_in(ToolCallRevised(0, "{}")).whole
        ('Hi', True)
    """
    said = _said(event)
    return said if said is not None and said.text else None


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """The texts in a JSON value, names of fields included.

    Example:
        >>> list(texts_in({"q": ["tides", 7]}))
        ['q', 'tides']
    """
    if isinstance(value, str):
        yield value
    elif depth < _DEEPEST and isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from texts_in(each, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each, depth + 1)
    elif isinstance(value, dict | list | tuple):
        yield str(value)


def _said(event: Event) -> Said | None:
    match event:
        case TextDelta(text, choice) | ReasoningDelta(text, choice) | RefusalDelta(text, choice):
            return Said((type(event), choice), text)
        case TextRevised(text) | ReasoningRevised(text):
            return Said(type(event).__name__, text, whole=True)
        case ToolCallDelta():
            return Said((ToolCallDelta, event.choice, event.index), (event.name or "") + event.arguments)
        case ToolCallRevised(_, text) | Failed(text) | Garbled(text) | Unrecognized(text):
            return Said(type(event).__name__, text, whole=True)
        case _:
            return _said_beside(event)


def _said_beside(event: Event) -> Said | None:
    match event:
        case ActivityReported(item=None):
            return Said((ActivityReported, event.activity), event.input)
        case ActivityReported():
            return Said(ActivityReported, "\n".join([event.input, *texts_in(event.item)]), whole=True)
        case Annotated():
            return Said(Annotated, "".join(f"{each}\n" for each in texts_in(event.annotation)))
        case LogprobsReported(tokens):
            return Said(LogprobsReported, "".join(texts_in(list(tokens))))
        case MediaDelta(name=str(name)):
            return Said(MediaDelta, name, whole=True)
    return None
