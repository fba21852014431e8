"""Counts the words of an answer while it arrives: a lower bound of its tokens, see `lower_bound`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.events import ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.events import Event

__all__ = ["WordCount"]


class WordCount:
    """How many words have come. A word that comes in several pieces is one.

    Args:
        reasoning: Whether thoughts count; of a summary they do not.

    Example:
        >>> count = WordCount()
        >>> count.add([TextDelta("It wor"), TextDelta("ks. "), TextDelta("Well")])
        >>> count.words
        3
    """

    def __init__(self, *, reasoning: bool = True) -> None:
        self.words = 0
        self._reasoning = reasoning
        self._within: dict[tuple[type, int], bool] = {}  # whether the last piece of each kind ended in a word

    def add(self, events: Iterable[Event]) -> None:
        """Take what has come."""
        for event in events:
            kind = type(event)
            if kind is TextDelta or kind is RefusalDelta:
                self._take(event.text, (kind, event.choice))  # type: ignore[union-attr]
            elif kind is ReasoningDelta:
                if self._reasoning and not event.summary:  # type: ignore[union-attr]
                    self._take(event.text, (kind, event.choice))  # type: ignore[union-attr]
            elif kind is ToolCallDelta:
                self._take(event.arguments or "", (kind, event.index or 0))  # type: ignore[union-attr]

    def _take(self, text: str, kind: tuple[type, int]) -> None:
        if not text:
            return
        goes_on = self._within.get(kind, False) and not text[0].isspace()
        self.words += len(text.split()) - goes_on
        self._within[kind] = not text[-1].isspace()
