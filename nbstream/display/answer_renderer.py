"""The segments of a growing answer as blocks of HTML: text is rendered as it grows, a line is a block of its own."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from nbstream.display.segments import kept_of
from nbstream.markdown import IncrementalRenderer, Patch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.display.segments import Segment
    from nbstream.markdown import Images

__all__ = ["AnswerRenderer", "render_segments"]


class _Line:
    """A line, drawn like a text that is one block."""

    def __init__(self) -> None:
        self._html = ""

    def draw(self, segment: Segment) -> tuple[Patch, ...]:
        drawn = f'<p class="nbs-step"><em>{html.escape(segment.text)}</em></p>'
        if drawn == self._html:
            return ()
        self._html = drawn
        return (Patch(0, 0, "", drawn, settled=not segment.open),)

    def finish(self) -> tuple[Patch, ...]:
        return ()

    def snapshot(self) -> list[str]:
        return [self._html]


class _Text:
    def __init__(self, images: Images) -> None:
        self._renderer = IncrementalRenderer(images=images)
        self._length = 0
        self._finished = False

    def draw(self, segment: Segment) -> tuple[Patch, ...]:
        new, self._length = segment.text[self._length :], len(segment.text)
        return tuple(self._renderer.append(new)) if new else ()

    def finish(self) -> tuple[Patch, ...]:
        if self._finished:
            return ()
        self._finished = True
        return tuple(self._renderer.finish())

    def snapshot(self) -> list[str]:
        return self._renderer.snapshot()


class AnswerRenderer:
    """Renders one answer.

    Args:
        images: Whether images of other servers are links or loaded.

    Example:
        >>> from nbstream.display.segments import Segment
        >>> renderer = AnswerRenderer()
        >>> _ = renderer.draw([Segment("text", "One"), Segment("line", "Tool call: f"), Segment("text", "*Tw")])
        >>> renderer.draw([Segment("text", "One"), Segment("line", "Tool call: f"), Segment("text", "*Two*")])
        [Patch(block=2, depth=0, commit='', tail='<p><em>Two</em></p>', settled=False)]
    """

    def __init__(self, images: Images = "link") -> None:
        self._images: Images = images
        self._segments: tuple[Segment, ...] = ()
        self._drawn: list[_Text | _Line] = []
        self._first: list[int] = []  # the number of the first block of each

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What has been drawn."""
        return self._segments

    def draw(self, segments: Sequence[Segment], *, final: bool = False) -> list[Patch]:
        """Draw what is new.

        Args:
            segments: The answer so far.
            final: Whether nothing follows.
        """
        before, self._segments = self._segments, tuple(segments)
        kept = kept_of(before, segments)
        patches = self._take_back(kept)
        for number, segment in enumerate(segments):
            if number < min(kept, len(before) - 1) and before[number] == segment:
                continue  # nearly always, but for the last
            if number == len(self._drawn):
                self._first.append(0 if not number else self._first[-1] + len(self._drawn[-1].snapshot()))
                self._drawn.append(_Text(self._images) if segment.kind == "text" else _Line())
            drawn = self._drawn[number]
            new = drawn.draw(segment)
            if final or number < len(segments) - 1:
                new = (*new, *drawn.finish())
            patches += _moved(new, self._first[number])
        return patches

    def snapshot(self) -> list[str]:
        """The HTML of each block."""
        return [block for drawn in self._drawn for block in drawn.snapshot()]

    def _take_back(self, kept: int) -> list[Patch]:
        """Empty the blocks of segments that are gone."""
        if kept == len(self._drawn):
            return []
        last = self._first[-1] + len(self._drawn[-1].snapshot())
        gone = range(self._first[kept], last)
        del self._drawn[kept:], self._first[kept:]
        return [Patch(block, 0, "", "", settled=False) for block in gone]


def render_segments(segments: Iterable[Segment], images: Images = "link") -> list[str]:
    """The HTML of each block of an answer that no longer changes."""
    renderer = AnswerRenderer(images)
    renderer.draw(list(segments), final=True)
    return renderer.snapshot()


def _moved(patches: Iterable[Patch], first: int) -> list[Patch]:
    if not first:
        return list(patches)
    return [Patch(each.block + first, each.depth, each.commit, each.tail, each.settled) for each in patches]
