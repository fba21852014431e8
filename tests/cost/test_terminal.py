"""What a terminal costs to draw: no text keeps it from the next frame, however it is made."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, NamedTuple

import pytest

from nbstream.display.terminal_inline import InlineRuns
from nbstream.display.terminal_text import Ink
from nbstream.markdown.blocks import BlockParser
from tests.cost.answer import text_of
from tests.markdown.families import FAMILIES
from tests.markdown.measure import STEP, updates, ways_of

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 20_000
EVERY = 12
# In which most took longest when rich laid out every block.
SLOW = (
    "lines of #",
    "lines of =",
    "lines of \\",
    "only [ and spaces",
    "pairs ![",
    "link openers and emphasis closers",
    "strange emphasis",
    "one quote of one paragraph without end",
    "blank lines in an item's code",
    "empty lines in deeply nested list",
)


class Counts(NamedTuple):
    """What was done, in the update with the most of it and in all.

    Attributes:
        inline: Characters that went through the inline phase, those that may be marks thirty times.
        rows: Lines that were written.
        lines: Lines that the block phase parsed.
    """

    inline: int
    rows: int
    lines: int


# Of which a millisecond is some four thousand, a hundred and a hundred.
MOST_AT_ONCE, MOST = Counts(35_000, 600, 600), Counts(12 * SIZE, SIZE, 2 * SIZE)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[Counts, Counts]]:
    """Draw a text as it grows, and count."""
    counts = dict.fromkeys(Counts._fields, 0)

    def counting(owner: type, name: str, field: str, cost: Callable[..., int]) -> None:
        do = getattr(owner, name)

        def done(self: object, *given: object) -> object:
            counts[field] += cost(*given)
            return do(self, *given)

        monkeypatch.setattr(owner, name, done)

    counting(InlineRuns, "runs", "inline", lambda text, _: len(text) + 30 * sum(map(text.count, "*_`[]<>!\\$&~|")))
    counting(Ink, "line", "rows", lambda _: 1)
    counting(BlockParser, "feed", "lines", lambda _: 1)

    def counted(text: str) -> tuple[Counts, Counts]:
        steps = []
        for _ in updates("terminal", text, STEP):
            steps.append(Counts(**counts))
            counts.update(dict.fromkeys(Counts._fields, 0))
        return Counts(*map(max, zip(*steps, strict=True))), Counts(*map(sum, zip(*steps, strict=True)))

    return counted


@pytest.fixture(autouse=True)
def _a_terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


def test_no_text_takes_long_for_an_update_or_in_all(counted: Callable[[str], tuple[Counts, Counts]]) -> None:
    families = [family for family in FAMILIES if "terminal" in ways_of(family)]
    chosen = [family for number, family in enumerate(families) if not number % EVERY or family.name in SLOW]
    assert len(chosen) >= 50 + len(SLOW)
    found = {}
    for family in chosen:
        most, total = counted(family.make(SIZE))
        if _is_over(most, MOST_AT_ONCE) or _is_over(total, MOST):
            found[family.name] = most, total
    assert found == {}


def test_an_ordinary_answer_takes_little_in_all(counted: Callable[[str], tuple[Counts, Counts]]) -> None:
    text = text_of(20)
    _, total = counted(text)
    assert not _is_over(total, Counts(3 * len(text), len(text) // 20, len(text) // 10)), total


def _is_over(counts: Counts, bounds: Counts) -> bool:
    return any(map(operator.gt, counts, bounds))
