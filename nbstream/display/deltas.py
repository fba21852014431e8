"""What is new in a text or in the blocks of an answer, counted as a page counts: in UTF-16 units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.markdown import Patch

__all__ = ["BlockDeltas", "Delta", "TextDeltas"]


class Delta(NamedTuple):
    """A change at the end of a text: the first `keep` UTF-16 units stay, then comes `text`."""

    keep: int
    text: str


class TextDeltas:
    """A text that grows, and may be taken back in part.

    Example:
        >>> deltas = TextDeltas()
        >>> deltas.take("Let me see"), deltas.take("Let me see."), deltas.take("Let us see.")
        (Delta(keep=0, text='Let me see'), Delta(keep=10, text='.'), Delta(keep=4, text='us see.'))
    """

    def __init__(self) -> None:
        self.text = ""
        self._units = 0

    def take(self, text: str) -> Delta:
        """How `text` differs from the text before."""
        keep = len(self.text) if text.startswith(self.text) else _common_prefix(self.text, text)
        if keep != len(self.text):
            self._units = _utf16_length(text[:keep])
        delta = Delta(self._units, text[keep:])
        self.text = text
        self._units += _utf16_length(delta.text)
        return delta


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
            keep = _common_prefix(old, tail) if depth == patch.depth and not commit else 0
            if patch.settled:
                self._tails.pop(patch.block, None)
                if not commit and depth == patch.depth and old == tail:
                    continue
            else:
                self._tails[patch.block] = (patch.depth, tail)
            changes.append([patch.block, patch.depth, commit, _utf16_length(old[:keep]), tail[keep:]])
        return changes

    def forget(self) -> None:
        """The page has been sent everything again."""
        self._tails.clear()


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


def _utf16_length(text: str) -> int:
    """The length of a string as JavaScript counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
