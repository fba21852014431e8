"""Reads a running answer: its text piece by piece, or all its events. Any number of readers, on any thread or loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.streaming.end import running_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from nbstream.events import Event
    from nbstream.streaming.end import StreamEnd
    from nbstream.streaming.rounds import Rounds

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


def text_pieces(rounds: Rounds, end: StreamEnd) -> Iterator[str]:
    """The text of an answer as it arrives.

    Args:
        rounds: The answer.
        end: Its end, with the last frame drawn.

    Raises:
        StreamError: The stream failed, after all its text has been given out.
    """
    text = _Text(rounds)
    for _ in rounds.log.growth():
        if piece := text.new():
            yield piece
    if piece := text.new():
        yield piece
    end.result()


async def text_pieces_async(rounds: Rounds, end: StreamEnd) -> AsyncIterator[str]:
    """The same on an event loop.

    Args:
        rounds: The answer.
        end: Its end, with the last frame drawn.

    Raises:
        StreamError: The stream failed, after all its text has been given out.
    """
    running_loop()
    text = _Text(rounds)
    async for _ in rounds.log.growth_async():
        if piece := text.new():
            yield piece
    if piece := text.new():
        yield piece
    await end.awaited()


class _Text:
    """The text that a reader has not been given yet; all of it again if a server has taken something back."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._given = ""

    def new(self) -> str:
        text = self._rounds.snapshot(drawn=False).text
        kept = len(self._given) if text.startswith(self._given) else 0
        self._given = text
        return text[kept:]
