"""What is new in the blocks of an answer, counted as a page counts: in UTF-16 units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.markdown import Patch

__all__ = ["BlockDeltas", "difference", "utf16_length"]


class BlockDeltas:
    """The tails that a page holds, so that only what differs in them is sent.

    Example:
        >>> from nbstream.markdown import Patch
        >>> deltas = BlockDeltas()
        >>> deltas.take([Patch(0, 0, "", "<p>Hi</p>", settled=False)])
        [[0, 0, '', 0, '<p>Hi</p>']]
        >>> deltas.take([Patch(0, 0, "", "<p>Hi!</p>", settled=False)])
        [[0, 0, '', 5, '!</p>']]
    """

    def __init__(self) -> None:
        self._tails: dict[int, tuple[int, str]] = {}

    def take(self, patches: Iterable[Patch]) -> list[list[Any]]:
        """`[block, depth, commit, keep, tail]` for each patch: keep so many UTF-16 units of the tail before it."""
        changes = []
        for patch in patches:
            # The slot itself is replaced as a whole, so all that is in it can be kept.
            commit, tail = (patch.commit, patch.tail) if patch.depth else ("", patch.commit + patch.tail)
            depth, old = self._tails.get(patch.block, (0, ""))
            changed = difference(old if depth == patch.depth and not commit else "", tail)
            if patch.settled:
                self._tails.pop(patch.block, None)
                if not commit and depth == patch.depth and old == tail:
                    continue
            else:
                self._tails[patch.block] = (patch.depth, tail)
            changes.append([patch.block, patch.depth, commit, *changed])
        return changes

    def forget(self) -> None:
        """The page has been sent everything again."""
        self._tails.clear()


def difference(old: str, new: str) -> tuple[int, str]:
    """How many UTF-16 units of an old text begin the new one, and how that continues.

    Example:
        >>> difference("One 🙂 and", "One 🙂 or two")
        (7, 'or two')
    """
    keep = _common_prefix(old, new)
    return utf16_length(old[:keep]), new[keep:]


def _common_prefix(one: str, other: str) -> int:
    """How many characters two strings share at their beginning, by halving: comparing slices is done in C."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def utf16_length(text: str) -> int:
    """The length of a string as JavaScript counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
