"""Reads a running answer: its text piece by piece, or all its events. Any number of readers, on any thread or loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.streaming.end import running_loop
from nbstream.streaming.text_so_far import TextSoFar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from nbstream.events import Event
    from nbstream.streaming.end import StreamEnd
    from nbstream.streaming.rounds import Rounds
    from nbstream.streaming.text_so_far import NewText

__all__ = ["EventReader", "TextReader", "text_pieces", "text_pieces_async"]


class EventReader:
    """All the events of one answer, from the beginning.

    Args:
        rounds: The answer.
        end: Its end, with the last frame drawn.

    Raises:
        StreamError: While reading: the stream failed, after all its events have been given out.
    """

    def __init__(self, rounds: Rounds, end: StreamEnd) -> None:
        self._rounds = rounds
        self._end = end

    def __iter__(self) -> Iterator[Event]:
        yield from self._rounds.log
        self._end.result()

    async def __aiter__(self) -> AsyncIterator[Event]:
        running_loop()
        async for event in self._rounds.log:
            yield event
        await self._end.awaited()


class TextReader:
    """All the text of one answer so far, each time that there is more.

    Args:
        rounds: The answer.
        end: Its end, with the last frame drawn.

    Raises:
        StreamError: While reading: the stream failed, after its text has been given out.
    """

    def __init__(self, rounds: Rounds, end: StreamEnd) -> None:
        self._rounds = rounds
        self._end = end

    def __iter__(self) -> Iterator[str]:
        for _ in self._rounds.log.growth():
            yield self._rounds.snapshot(drawn=False).text
        self._end.result()

    async def __aiter__(self) -> AsyncIterator[str]:
        running_loop()
        async for _ in self._rounds.log.growth_async():
            yield self._rounds.snapshot(drawn=False).text
        await self._end.awaited()

    def new(self) -> Iterator[NewText]:
        """What is new of it instead, which costs the same however much there is already."""
        text = TextSoFar(self._rounds.texts)
        for _ in self._rounds.log.growth():
            yield text.new()
        yield text.new()
        self._end.result()

    async def new_async(self) -> AsyncIterator[NewText]:
        """The same on an event loop."""
        running_loop()
        text = TextSoFar(self._rounds.texts)
        async for _ in self._rounds.log.growth_async():
            yield text.new()
        yield text.new()
        await self._end.awaited()


def text_pieces(texts: TextReader) -> Iterator[str]:
    """The text of an answer as it arrives.

    Args:
        texts: The text.

    Raises:
        StreamError: The stream failed, after all its text has been given out.
    """
    return (new.piece for new in texts.new() if new.piece)


async def text_pieces_async(texts: TextReader) -> AsyncIterator[str]:
    """The same on an event loop.

    Args:
        texts: The text.

    Raises:
        StreamError: The stream failed, after all its text has been given out.
    """
    async for new in texts.new_async():
        if new.piece:
            yield new.piece
