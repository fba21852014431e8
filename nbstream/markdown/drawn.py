"""What closed blocks keep of what was made of them: the less, the better, because an answer may have 50,000 of them.

Python's collector looks at every object that may refer to others, all at once, while everybody waits. So children that
nobody looks into any more are put together into one that holds their HTML. Knows blocks; nothing of how they are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbstream.markdown.tree import NOTHING, Block, end_line

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NO_LABELS", "Drawn", "fold", "forget"]

NO_LABELS: frozenset[str] = frozenset()
"""What a block misses that misses nothing."""

# Children are put together up to so many characters of HTML: each is copied when the next one comes.
_LONGEST = 4_000


class Drawn(NamedTuple):
    """What was made of a closed block, the labels that had no definition then, and its first uses of footnotes."""

    html: str
    tight: bool
    missing: frozenset[str]
    notes: tuple[str, ...] = ()


# Stands where a child was that is part of a later one, so that the others keep their places.
_GONE = Block("settled", open=False, cache=Drawn("", False, NO_LABELS))


def fold(
    block: Block, start: int, stop: int, draw: Callable[[Block], tuple[str, frozenset[str]]], *, tight: bool
) -> None:
    """Put closed children together that follow each other; none of them changes its place, nor their number.

    Those that miss labels are kept, because they may be drawn again.

    Args:
        block: A container.
        start: The first of the children.
        stop: Behind the last one.
        draw: Returns the HTML of one, and what it misses.
        tight: Whether paragraphs in the block have no element of their own.
    """
    children = block.children
    for place in range(max(start, block.kind == "item"), stop):  # a check box goes into the first of an item
        child, before = children[place], children[place - 1] if place else _GONE
        if child.kind == "settled":
            continue
        html, missing = draw(child)
        if missing:
            _release(child)
            continue
        run = _run(before)
        if run is not None and len(run) < _LONGEST:
            html = f"{run}\n{html}" if html else run
            children[place - 1] = _GONE
        children[place] = Block(
            "settled",
            start=child.start,
            end=end_line(child),
            open=False,
            children=NOTHING,
            lines=NOTHING,
            cache=Drawn(html, tight, NO_LABELS),
        )


def forget(leaf: Block) -> None:
    """Forget what a closed block without children was drawn as."""
    leaf.children, leaf.cache = NOTHING, None


def _run(block: Block) -> str | None:
    """The HTML of children that were put together before."""
    is_run = block.kind == "settled" and block is not _GONE
    return block.cache.html if is_run and isinstance(block.cache, Drawn) else None


def _release(container: Block) -> None:
    """Forget what a closed container does not need to be drawn again."""
    if not container.children or not isinstance(container.cache, Drawn):
        return
    for child in container.children:
        if not child.children and child.kind != "settled":
            forget(child)
