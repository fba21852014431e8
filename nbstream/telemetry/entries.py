"""What an inspection shows: a tree of entries, each with its moment, a line, and what folds out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbstream.text.plain import encodable, escaped, plain, truncated

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Entry", "Kind", "lines_of", "visible"]

Kind: TypeAlias = Literal["request", "event", "retry", "call", "note", "end"]

_LONGEST_LINE = 160


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    Attributes:
        kind: What it is.
        title: It, in a line.
        at: When, in seconds since the stream began; `None` if that is not known.
        detail: What folds out of it, as text.
        entries: What belongs to it.
        more: How many further ones are not shown, after `entries[cut]`.
        cut: Where they are missing.
    """

    kind: Kind
    title: str
    at: float | None = None
    detail: str = ""
    entries: tuple[Entry, ...] = ()
    more: int = 0
    cut: int = 0

    @property
    def moment(self) -> str:
        """When, to be shown.

        Example:
            >>> Entry("note", "…", 0.5).moment
            '+0.500 s'
        """
        return "" if self.at is None else f"+{max(0.0, self.at):.3f} s"

    @property
    def gap(self) -> str:
        """What is said where some are missing."""
        return f"… {self.more:,} more, which are not shown …"


def visible(text: str) -> str:
    r"""Text in which every character shows, and stands where it is.

    Example:
        >>> visible("safe\u202etxt.sh\x1b[2J")
        'safe\\u202etxt.sh␛[2J'
    """
    return escaped(plain(encodable(text)))


def lines_of(entry: Entry, most: int, depth: int = 0) -> Iterator[str]:
    """An entry as lines of a terminal: without what folds out, and without the middle of long lists.

    Args:
        entry: It.
        most: How many entries to show of a list.
        depth: How far to indent.
    """
    line = f"{'  ' * depth}{entry.moment:>10}  "
    title = " ".join(visible(entry.title).split())
    yield line + truncated(title, _LONGEST_LINE)
    entries = entry.entries
    head = min(entry.cut, most - most // 4) if entry.more else most - most // 4
    tail = most // 4
    whole = len(entries) <= most and not entry.more
    shown = [*entries] if whole else [*entries[:head], None, *entries[max(head, len(entries) - tail) :]]
    for each in shown:
        if each is not None:
            yield from lines_of(each, most, depth + 1)
            continue
        missing = entry.more + max(0, len(entries) - head - tail)
        yield f"{'  ' * (depth + 1)}… {missing:,} more …"
