"""Whatever the text, twice as much of it takes about twice the steps: nothing that a model writes can stop a notebook.

Steps are counted, not timed: calls of functions, those in C included. What a single call in C costs is not seen; times
are shown by `python -m tests.markdown.measure`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

import pytest

from nbstream.markdown import IncrementalRenderer, render
from tests.markdown.families import FAMILIES
from tests.markdown.families import family as family_of
from tests.markdown.measure import STEP, updates, warm_up, ways_of

if TYPE_CHECKING:
    from types import FrameType

    from tests.markdown.families import Family


_PARTS = 8
# Every third one, which is enough to see that something has become quadratic; `measure` takes them all.
_COUNTED = [family for family in FAMILIES if "whole" in ways_of(family)][::3]
_TIMES = 2.3


class Steps:
    """Counts calls while it is active."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _called(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self.count += event in {"call", "c_call"}


def grown(text: str) -> tuple[int, int]:
    """The steps for the first half of a text that grows, and for all of it."""
    half = 0
    with Steps() as steps:
        for number, _ in enumerate(updates("incremental", text)):
            if (number + 1) * STEP <= len(text) // 2:
                half = steps.count
    return half, steps.count


def whole(text: str, way: str) -> int:
    with Steps() as steps:
        for _ in updates(way, text):
            pass
    return steps.count


# More than several of the pieces into which texts are cut.
_SIZE = 4_000
# What is not a matter of length: pieces of one size or another.
_ONCE = 10_000


@pytest.mark.parametrize("part", range(_PARTS))
def test_twice_the_text_takes_about_twice_the_steps(part: int) -> None:
    warm_up()
    found: dict[str, tuple[int, int]] = {}
    for family in _COUNTED[part::_PARTS]:
        text = family.make(_SIZE)
        for way in ("incremental", "inert"):
            whole(text[:500], way)  # what is done once only
        counts = {
            "inert": (whole(family.make(_SIZE // 2), "inert"), whole(text, "inert")),
            "incremental": grown(text),
        }
        for way, (once, twice) in counts.items():
            # Where nothing is certain before the end, or where the halves differ, a text of twice the length decides.
            if twice > _TIMES * once + _ONCE and whole(family.make(2 * _SIZE), way) > _TIMES * twice + _ONCE:
                found[f"{family.name}, {way}"] = once, twice
    assert found == {}


@pytest.mark.parametrize(
    ("way", "families"),
    [
        ("interpolate", [each for each in FAMILIES if each.kind == "prompt"]),
        ("redact", [each for each in FAMILIES if each.kind == "words"]),
    ],
    ids=["prompts", "words of servers"],
)
def test_so_it_is_with_prompts_and_with_the_words_of_servers(way: str, families: list[Family]) -> None:
    warm_up()
    assert len(families) >= 10
    found: dict[str, tuple[int, int]] = {}
    for family in families:
        once, twice = (whole(family.make(size), way) for size in (_SIZE // 2, _SIZE))
        if twice > _TIMES * once + _ONCE and whole(family.make(2 * _SIZE), way) > _TIMES * twice + _ONCE:
            found[family.name] = once, twice
    assert found == {}


# Some of those in which much was drawn at once: when a line ended, a label was defined, a list changed, or at the end.
_MUCH_AT_ONCE = (
    "only $ and spaces",
    "triples [](",
    "footnote marks",
    "two dollars before letters",
    "rule of asterisks that ends wrong",
    "many references, used late",
    "one paragraph of labels, defined late",
    "tables with a reference defined late",
    "footnotes with notes",
    "footnotes in paragraphs, notes at the end",
    "footnotes in footnotes",
    "one list that becomes loose at its end",
    "emphasis in a cell",
    "table in a list",
)
# What the marks in some hundred characters take, and nothing that is longer.
_MOST_AT_ONCE = 65_000


def test_no_update_takes_many_steps() -> None:
    warm_up()
    found: dict[str, int] = {}
    for name in _MUCH_AT_ONCE:
        most = before = 0
        with Steps() as steps:
            for _ in updates("incremental", family_of(name).make(6 * _SIZE)):
                most, before = max(most, steps.count - before), steps.count
        if most > _MOST_AT_ONCE:
            found[name] = most
    assert found == {}


@pytest.mark.parametrize("before", ["> ", "> > > ", "- > ", "- a\n\n  "])
def test_the_end_of_a_long_paragraph_takes_few_steps_wherever_it_is(before: str) -> None:
    renderer, text = IncrementalRenderer(), before + "words and *more* " * 1_500
    for start in range(0, len(text), STEP):
        renderer.append(text[start : start + STEP])
    with Steps() as steps:
        renderer.finish()
    assert steps.count < 3_000
    assert "\n".join(renderer.snapshot()) == render(text)


def test_there_are_enough_families() -> None:
    assert len(_COUNTED) >= 175
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_a_family_grows_as_it_is_asked_to() -> None:
    for each in FAMILIES:
        once, twice = len(each.make(2_000)), len(each.make(4_000))
        assert 1_700 <= once <= 2_400, each.name
        assert 1.8 <= twice / once <= 2.2, each.name
