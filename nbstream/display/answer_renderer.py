"""The segments of a growing answer as blocks of HTML: its texts are one document, a line is a block between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.display.pictures import ON_PAGE, Room, remark_of
from nbstream.display.segments import kept_of
from nbstream.markdown import IncrementalRenderer, Patch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from nbstream.display.segments import Segment
    from nbstream.markdown import Images

__all__ = ["AnswerRenderer", "render_segments"]


class AnswerRenderer:
    """Renders one answer.

    Args:
        images: Whether images from other servers are links or loaded.
        room: How much room there is for each image of its own.

    Example:
        >>> from nbstream.display.segments import Segment
        >>> renderer = AnswerRenderer()
        >>> _ = renderer.draw([Segment("text", "One"), Segment("line", "Tool call: f"), Segment("text", "*Tw")])
        >>> renderer.draw([Segment("text", "One"), Segment("line", "Tool call: f"), Segment("text", "*Two*")])
        [Patch(block=2, depth=0, commit='', tail='<p><em>Two</em></p>', settled=False)]
    """

    def __init__(self, images: Images = "link", room: Room = ON_PAGE) -> None:
        self._images: Images = images
        self._room = room
        self._segments: tuple[Segment, ...] = ()
        self._renderer = IncrementalRenderer(images=images)
        self._blocks: dict[int, int] = {}  # the block of each segment that is a line
        self._finished = False

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What has been drawn."""
        return self._segments

    def draw(self, segments: Sequence[Segment], *, final: bool = False) -> list[Patch]:
        """Draw what is new; of the same answer as before, more of it that is no longer awaited.

        Args:
            segments: The answer so far.
            final: Whether nothing follows but the `rest`.
        """
        segments = tuple(segments)
        if self._finished and segments == self._segments:
            return []
        if self._finished or kept_of(self._segments, segments) < len(self._segments):
            return self._draw_again(segments, final=final)
        return self._draw_on(segments, final=final)

    def awaited(self) -> list[Future[Any]]:
        """Return what it takes to draw more of the same answer, which is done if it can be drawn now."""
        return self._renderer.awaited()

    def rest(self) -> Iterator[tuple[Patch, ...]]:
        """Draw what an answer still misses at its end, bit by bit: notes and colours."""
        return self._renderer.rest()

    def snapshot(self) -> list[str]:
        """The HTML of each block."""
        return self._renderer.snapshot()

    def _draw_on(self, segments: tuple[Segment, ...], *, final: bool) -> list[Patch]:
        before, self._segments = self._segments, segments
        patches: list[Patch] = []
        grown = final
        for number, segment in enumerate(segments):
            if number < len(before) and before[number] == segment:
                continue
            grown |= segment.kind == "text" or number >= len(before)
            if segment.kind == "text":
                drawn = len(before[number].text) if number < len(before) else 0
                patches += self._renderer.append(segment.text[drawn:])
            elif number < len(before):
                patches += self._renderer.change_remark(self._blocks[number], remark_of(segment, self._room))
            else:
                self._blocks[number], new = self._renderer.remark(remark_of(segment, self._room))
                patches += new
        if not grown:
            patches += self._renderer.go_on()
        if final:
            patches += self._renderer.end()
            self._finished = True
        return patches

    def _draw_again(self, segments: tuple[Segment, ...], *, final: bool) -> list[Patch]:
        """Draw an answer that is not how the one on the page goes on."""
        page = self.snapshot()
        self._segments, self._blocks, self._finished = (), {}, False
        self._renderer = IncrementalRenderer(images=self._images)
        self._draw_on(segments, final=final)
        now = self.snapshot()
        now += [""] * (len(page) - len(now))
        page += [""] * (len(now) - len(page))
        return [
            Patch(block, 0, "", html, settled=False)
            for block, (html, before) in enumerate(zip(now, page, strict=True))
            if html != before
        ]


def render_segments(segments: Iterable[Segment], images: Images = "link", room: Room = ON_PAGE) -> list[str]:
    """The HTML of each block of an answer that no longer changes."""
    renderer = AnswerRenderer(images, room)
    renderer.draw(list(segments), final=True)
    for _ in renderer.rest():
        pass
    return renderer.snapshot()
