"""The HTML of turns that no longer change: each is rendered once, and again only if its text changes."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nbstream.display.answer_renderer import render_segments
from nbstream.display.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.markdown import Images
    from nbstream.panel.view.panel_state import Attachment, TurnView

__all__ = ["SettledTurns"]


@dataclass(slots=True)
class _Settled:
    """A turn's content under a name: equal names mean equal content."""

    text: str
    reasoning: str
    segments: tuple[Segment, ...]
    attachments: tuple[Attachment, ...]
    version: str
    blocks: list[str] | None = None
    thoughts: list[str] | None = None

    def holds(self, turn: TurnView) -> bool:
        return (self.text, self.reasoning, self.segments, self.attachments) == _held(turn)


class SettledTurns:
    """Remembers what it has rendered.

    Args:
        images: Whether images from other servers are links or loaded.

    Example:
        >>> from nbstream.panel.view.panel_state import TurnView
        >>> turns = SettledTurns()
        >>> turns.content(TurnView("a", "user", "Hi <b>"))["blocks"]
        ['<p>Hi &lt;b&gt;</p>']
    """

    def __init__(self, images: Images = "link") -> None:
        self._images: Images = images
        self._settled: dict[str, _Settled] = {}

    def version(self, turn: TurnView) -> str:
        """A name for what the turn holds now: text, reasoning and attachments."""
        return self._of(turn).version

    def adopt(self, turn: TurnView, blocks: list[str], thoughts: list[str]) -> None:
        """Take over what has been rendered while the turn streamed: its blocks, and those of its reasoning."""
        settled = self._of(turn)
        settled.blocks, settled.thoughts = blocks, thoughts

    def content(self, turn: TurnView, *, blocks: bool = True) -> dict[str, Any]:
        """What the page needs of a turn besides its head.

        Args:
            turn: The turn.
            blocks: Whether to give the HTML too, which a page may have seen arrive.
        """
        settled = self._of(turn)
        if blocks and settled.blocks is None:
            settled.blocks = render_segments(turn.segments, self._images)
        if blocks and settled.thoughts is None:
            thoughts = [Segment("text", turn.reasoning)]
            settled.thoughts = render_segments(thoughts, self._images) if turn.reasoning else []
        return {
            "id": turn.id,
            "version": settled.version,
            "text": turn.text,
            "attachments": [asdict(attachment) for attachment in turn.attachments],
            "blocks": settled.blocks if blocks else None,
            "thoughts": settled.thoughts if blocks else None,
        }

    def forget_all_but(self, ids: Iterable[str]) -> None:
        """Forget the turns that can no longer be shown."""
        for gone in self._settled.keys() - set(ids):
            del self._settled[gone]

    def _of(self, turn: TurnView) -> _Settled:
        settled = self._settled.get(turn.id)
        if settled is None or not settled.holds(turn):
            said = repr(_held(turn)).encode("utf-8", "backslashreplace")
            media = (segment.media.data for segment in turn.segments if segment.media is not None)
            version = hashlib.blake2b(b"".join([said, *media]), digest_size=8).hexdigest()
            settled = _Settled(*_held(turn), version)
            self._settled[turn.id] = settled
        return settled


def _held(turn: TurnView) -> tuple[str, str, tuple[Segment, ...], tuple[Attachment, ...]]:
    return turn.text, turn.reasoning, turn.segments, turn.attachments
