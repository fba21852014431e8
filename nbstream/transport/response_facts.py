"""What a Responses stream says about its text parts: citations and log probabilities, each of which counts once.

They come one by one while a part grows, or with the whole part, or with both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.events import Event, LogprobsReported, MediaDelta
from nbstream.transport.fields import annotated, name_or_none, objects

if TYPE_CHECKING:
    from nbstream.transport.response_items import TextParts

__all__ = ["TextFacts"]


class TextFacts:
    """The citations and log probabilities of one answer.

    Args:
        texts: The text parts that they are about.
    """

    def __init__(self, texts: TextParts) -> None:
        self._texts = texts
        self._cited: set[int | None] = set()  # numbers of parts; `None` where the server did not say which
        self._measured: set[int | None] = set()

    def cite(self, payload: dict[str, Any]) -> list[Event]:
        """Take a citation that comes alone."""
        begun, number = self._texts.named(payload)
        self._cited.add(number)
        return [*begun, *self._cited_in(objects([payload.get("annotation")]), number)]

    def measure(self, place: dict[str, Any], tokens: Any) -> list[Event]:
        """Take log probabilities that come with a piece of a part."""
        begun, number = self._texts.named(place)
        self._measured.add(number)
        return [*begun, *_logprobs(tokens)]

    def whole(self, place: dict[str, Any], part: dict[str, Any], number: int | None = None) -> list[Event]:
        """What a whole part says of which nothing has come before.

        Args:
            place: Where the part stands.
            part: The part.
            number: Its number, if it has just begun.
        """
        cited, tokens = objects(part.get("annotations")), part.get("logprobs")
        if not cited and not tokens:
            return []
        begun: list[Event] = []
        if number is None:
            begun, number = self._texts.named(place)
        if cited and self._cited.isdisjoint((None, number)):
            self._cited.add(number)
            begun += self._cited_in(cited, number)
        if tokens and self._measured.isdisjoint((None, number)):
            self._measured.add(number)
            begun += _logprobs(tokens)
        return begun

    def _cited_in(self, annotations: list[dict[str, Any]], number: int | None) -> list[Event]:
        """The citations, and the files that code has made, which are told of nowhere else."""
        events: list[Event] = [annotated(each, number) for each in annotations]
        for each in annotations:
            name = name_or_none(each.get("filename"))
            if each.get("type") == "container_file_citation" and name is not None:
                self._texts.leave()
                file_id = name_or_none(each.get("file_id"))
                events.append(MediaDelta(("file", file_id or name), "file", item_id=file_id, last=True, name=name))
        return events


def _logprobs(tokens: Any) -> list[Event]:
    return [LogprobsReported(tuple(tokens))] if isinstance(tokens, list) and tokens else []
