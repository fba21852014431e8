"""Settled blocks that use labels without a definition: drawn again when it has come, a bounded amount at each update.

A long block is drawn again chunk by chunk, and shown once all of it is. Knows nothing of patches or of the parser.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from nbstream.markdown.drawn import forget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbstream.markdown.dialect import Renderer
    from nbstream.markdown.tree import Block

__all__ = ["LateBlocks"]

# How many characters of HTML are drawn again at each update.
_AT_ONCE = 10_000
# What else a block costs, a label without a definition, or a chunk that is only looked at.
_EACH = 50
# While it is not shown, a long block is gone on with after so many characters of text.
_PAUSE = 1_000
# A block with more HTML is drawn again in chunks of about so much.
_LONG, _CHUNK = 4_000, 1_000


@dataclass(slots=True)
class _Chunk:
    """Some of the parts of a block, and the labels that they miss."""

    start: int
    stop: int
    html: str
    missing: frozenset[str]


@dataclass(slots=True, eq=False)
class _Late:
    """One of the blocks.

    Attributes:
        number: Its number; -1 for a note, which is shown at the finish.
        block: The block.
        long: Whether it is drawn again in chunks.
        missing: The labels for which it waits.
        due: Whether one of them has been defined since it was shown.
        stale: Whether one of them has been defined since it was begun to be drawn again.
        rest_until: How long the text is before it is shown again, so that a long block with many labels, which are
            defined one after the other, is not sent for each of them.
        pause_until: How long the text is before more of it is drawn ahead.
        work: What draws it again.
        chunks: Those that have been drawn.
    """

    number: int
    block: Block
    long: bool
    missing: frozenset[str] = frozenset()
    due: bool = False
    stale: bool = False
    rest_until: int = 0
    pause_until: int = 0
    work: Iterator[int] | None = None
    chunks: Sequence[_Chunk] = ()


class LateBlocks:
    """The blocks of one text that wait for definitions.

    Args:
        renderer: Draws them, and has the definitions.
    """

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._waiting: dict[str, list[_Late]] = {}
        self._due: list[_Late] = []
        self._known = 0

    def add(self, number: int, block: Block, html: str, missing: frozenset[str], *, final: bool) -> None:
        """Let a block that has been drawn wait for the labels that it misses; at the end only for those that are known.

        Args:
            number: Its number.
            block: The block.
            html: What it was drawn as.
            missing: The labels.
            final: Whether nothing more will be defined.
        """
        if not missing:
            return
        known = not self._renderer.references.keys().isdisjoint(missing)
        if final and not known:
            return
        late = _Late(number, block, len(html) > _LONG and self._renderer.frame(block) is not None)
        if not block.children:
            forget(block)  # all of it is drawn again, and there may be thousands
        self._wait(late, missing)
        if known:
            self._call(late)

    def add_note(self, note: Block, missing: frozenset[str]) -> None:
        """Let a note wait that has been drawn ahead."""
        if missing:
            self._wait(_Late(-1, note, long=False), missing)

    def new_definitions(self) -> bool:
        """Whether labels have been defined since the last call; what waits for them is due then."""
        references = self._renderer.references
        new, self._known = len(references) - self._known, len(references)
        for label in itertools.islice(reversed(references), new):
            for late in self._waiting.pop(label, ()):
                self._call(late)
        return new > 0

    def is_due(self, length: int) -> bool:
        """Whether there is more to draw again though the text is no longer than that."""
        return any(length >= late.rest_until for late in self._due)

    def _call(self, late: _Late) -> None:
        late.stale = True
        if not late.due:
            late.due = True
            self._due.append(late)

    def drawn_again(self, length: int, *, final: bool = False) -> list[tuple[int, str]]:
        """Go on with what is due; return the numbers of the blocks that are to be shown again, and their HTML.

        Args:
            length: How long the text is.
            final: Whether everything is to be drawn now.
        """
        room: float = math.inf if final else _AT_ONCE
        shown: list[tuple[int, str]] = []
        due, self._due = self._due, []
        for done, late in enumerate(due):
            if room <= _EACH:
                self._due += due[done:]
                break
            rests = not final and length < late.rest_until
            pauses = rests and (not late.long or length < late.pause_until)
            room -= _EACH if pauses else self._go_on(late, room)
            if late.work is None and not pauses:
                late.pause_until = length + _PAUSE
            if late.work is not None or rests:
                self._due.append(late)
                continue
            html, missing = self._result(late)
            room -= 0 if late.long else _cost(html, missing)
            late.rest_until = length + len(html)
            late.due = late.stale
            if late.due:
                self._due.append(late)
            self._wait(late, missing)
            if late.number >= 0:
                shown.append((late.number, html))
        return sorted(shown, key=itemgetter(0))

    def _wait(self, late: _Late, missing: frozenset[str]) -> None:
        for label in missing - late.missing:
            self._waiting.setdefault(label, []).append(late)
        late.missing = missing

    def _go_on(self, late: _Late, room: float) -> int:
        """Draw what is stale in a long block; return what it cost. Nothing is left to do if it has no more `work`."""
        cost = _EACH
        while cost < room and (late.work is not None or late.stale):
            if late.work is None:
                late.stale = False
                late.work = self._chunks(late) if late.long else iter(())
            step = next(late.work, None)
            if step is not None:
                cost += step
                continue
            late.work = None
            if room < math.inf:
                break  # it is shown now and then, even if definitions never cease to come
        return cost

    def _chunks(self, late: _Late) -> Iterator[int]:
        """Draw the chunks of a long block that are stale, and yield what each costs."""
        frame = self._renderer.frame(late.block)
        tight = frame is not None and frame.tight
        for chunk in late.chunks:
            if not self._renderer.references.keys().isdisjoint(chunk.missing):
                chunk.html, chunk.missing = self._renderer.part(late.block, chunk.start, chunk.stop, tight=tight)
                yield _cost(chunk.html, chunk.missing)
            yield _EACH
        if late.chunks:
            return
        late.chunks = chunks = list[_Chunk]()
        start = 0
        for stop in self._renderer.stops(late.block):
            html, missing = self._renderer.part(late.block, start, stop, tight=tight)
            if start and len(last := chunks[-1].html) < _CHUNK:
                chunks[-1] = _Chunk(chunks[-1].start, stop, last + html, chunks[-1].missing | missing)
            else:
                chunks.append(_Chunk(start, stop, html, missing))
            start = stop
            yield _cost(html, missing)

    def _result(self, late: _Late) -> tuple[str, frozenset[str]]:
        if late.number < 0:
            return "", self._renderer.note(late.block)
        if not late.long:
            return self._renderer.html(late.block)
        frame = self._renderer.frame(late.block)
        assert frame is not None
        html = f"{frame.opening}{''.join(chunk.html for chunk in late.chunks)}{frame.closing}"
        return html, frozenset[str]().union(*(chunk.missing for chunk in late.chunks))


def _cost(html: str, missing: frozenset[str]) -> int:
    return len(html) + _EACH * (1 + len(missing))
