"""Which text each citation of an answer belongs to, and which span of it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from nbstream.assembly.builders import Words
from nbstream.parts import PARAGRAPH_BREAK, Citation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.assembly.builders import Builder
    from nbstream.events import Annotated

__all__ = ["Citations"]


class _Early(NamedTuple):
    """A citation that may be about text yet to come, and where it has been put until then."""

    event: Annotated
    group: Sequence[Words] | None
    holder: Words | None
    citation: Citation


class Citations:
    """Puts each citation of one answer to its text.

    Args:
        kept: How many builders at the beginning belong to an earlier answer, which citations are not about.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._loose: list[Citation] = []  # came before any text
        self._early: list[_Early] = []
        self.forget_place()

    def forget_place(self) -> None:
        """Note that texts have moved or changed."""
        self._last = self._kept, 0  # the place of the text that was cited last, and where it begins in the whole text

    def add(self, event: Annotated, builders: Sequence[Builder], group: Sequence[Words] | None) -> None:
        """Put a citation to the text that it is about; one that extends into another text ends with the first.

        Args:
            event: What came.
            builders: All parts of the answer.
            group: The words of the part that the event names, which its span is of; `None` if it names none.
        """
        words, citation, certain = self._placed(event, builders, group)
        if words is None:
            self._loose.append(citation)
        else:
            words.cite([citation])
        if not certain:
            self._early.append(_Early(event, group, words, citation))

    def give_to(self, words: Words) -> None:
        """Give citations that came before any text to the first one."""
        if self._loose and words.kind == "text":
            loose, self._loose = self._loose, []
            words.cite(loose)

    def take_from(self, words: Words) -> None:
        """Take the citations of a text that turns out to be reasoning, which cites nothing."""
        self._loose.extend(words.turn_into_reasoning())
        self.forget_place()

    def close(self, builders: list[Builder]) -> None:
        """Put citations that came before their text to it, and those of an answer without text to an empty one."""
        early, self._early = self._early, []
        moved: list[tuple[Words, Citation]] = []
        gone: set[int] = set()
        for event, group, holder, citation in early:
            words, placed, certain = self._placed(event, builders, group)
            if words is not None and certain and (words is not holder or placed != citation):
                moved.append((words, placed))
                gone.add(id(citation))
        for builder in builders if gone else ():
            if isinstance(builder, Words):
                builder.drop(gone)
        for words, placed in moved:
            words.cite([placed])
        if self._loose:
            words = Words("text")
            builders.append(words)
            self.give_to(words)

    def _placed(
        self, event: Annotated, builders: Sequence[Builder], group: Sequence[Words] | None
    ) -> tuple[Words | None, Citation, bool]:
        """The text that a citation is about, if there is one, and whether its span begins in it."""
        among: Sequence[Builder] = builders if group is None else group
        at, offset = self._last if group is None else (0, 0)
        if event.start is not None and event.start < offset:
            at, offset = self._kept, 0
        found: Words | None = None
        size: int | None = None
        for place, words in enumerate(islice(among, at, None), at):
            if not isinstance(words, Words) or words.kind != "text":
                continue
            if found is not None:
                end = offset + found.size
                if event.start is not None and event.start < end:
                    size = found.size
                    break
                offset = end + (len(PARAGRAPH_BREAK) if words.new_paragraph and end else 0)
            found, at = words, place
        if group is None and found is not None:
            self._last = at, offset
        begins = event.start is None or (found is not None and event.start < offset + found.size)
        return found, _citation(event, offset, size), begins


def _citation(event: Annotated, offset: int, size: int | None) -> Citation:
    """The citation, with its span in a text that begins at `offset`; no span if it makes no sense there.

    Args:
        event: What came.
        offset: Where the text begins in what the event's span is of.
        size: How long the text is, if nothing is added to it.
    """
    start, end = event.start, event.end
    if start is None or end is None or not offset <= start <= end:
        return Citation(event.annotation)
    end -= offset
    return Citation(event.annotation, start - offset, end if size is None else min(end, size))
