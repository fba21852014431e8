"""Counts the steps of families at one size and at twice that size; prints a line of JSON for each.

A process of its own, because it loads what it counts in another way than everybody else.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.counting.loader import count_in

# Before anything else imports them.
count_in("nbstream", "markdown", "markdown_it", "pygments", "rich")

from tests.counting.meter import METER, TooManySteps  # noqa: E402
from tests.markdown import measure  # noqa: E402
from tests.markdown.families import FAMILIES  # noqa: E402

if TYPE_CHECKING:
    from tests.markdown.families import Family

SIZES = {"terminal": 2_400}
"""How long the texts of a way are."""

SIZE = 1_200
"""How long all others are: beyond what is drawn again and again, once those lengths are small."""

TIMES = 2.3
"""How many times the steps twice the text may take."""

MOST = 20_000
"""How many steps a character may take, at most: a call or a turn of a loop counts 16."""


_STEP = {"terminal": 240}
_ANY_STEP = 50
# What is bounded looks quadratic as long as the text is shorter than the bound. A text beyond all of them would take a
# minute to count, so everything is an eighth of its size.
_IN_SMALL = {
    "nbstream.markdown.open_text": {"_PIECE": 75, "_LONGEST_PIECE": 600, "_STEP": 12},
    "nbstream.markdown.dialect": {"_LONG": 100, "_MOST_COLOURED": 2_500},
    "nbstream.markdown.healing": {"_LONGEST_EMPHASIS": 25},
    "nbstream.markdown.references": {"_MAX_LABEL": 125},
    "nbstream.display.growing_blocks": {"_CODE_LINES": 4, "_TAIL_LINES": 8, "_TAIL_LENGTH": 500},
}


class Counted(NamedTuple):
    """How many steps a family took; None if there were too many."""

    family: str
    way: str
    once: int | None
    twice: int | None

    @property
    def linear(self) -> bool:
        """Whether both numbers are fine."""
        return self.once is not None and self.twice is not None


def _make_small() -> None:
    for module, constants in _IN_SMALL.items():
        for name, value in constants.items():
            place = importlib.import_module(module)
            if getattr(place, name) < value:
                raise ValueError(f"{module}.{name} is smaller than that already")
            setattr(place, name, value)
    links: Any = importlib.import_module("nbstream.markdown.links")
    label = links._LABEL  # noqa: SLF001  as with the others
    links._LABEL = re.compile(label.pattern.replace("{1,999}", "{1,124}"), label.flags)  # noqa: SLF001


def _steps(text: str, way: str, most: float) -> int | None:
    METER.count, METER.budget = 0, int(most)
    try:
        for _ in measure.updates(way, text, _STEP.get(way, _ANY_STEP)):
            pass
    except TooManySteps:
        return None
    finally:
        METER.budget = 1 << 60
    return METER.count


def _show_places(family: Family, way: str, size: int) -> None:
    """Print which lines take most steps, and how their number grows."""
    counts = []
    for length in (size, 2 * size):
        METER.places = Counter()
        _steps(family.make(length), way, 30 * MOST * length)
        counts.append(METER.places)
    METER.places = None
    once, twice = counts
    print(f"{family.name}, {way}: {once.total():,} and {twice.total():,}, {twice.total() / once.total():.2f} times")
    for place, steps in twice.most_common(12):
        if steps > twice.total() / 50:
            print(f"  {once[place]:12,} {steps:12,} {steps / max(1, once[place]):8.2f}  {place}")
    sys.stdout.flush()


def main() -> None:
    """Count what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.markdown.count_steps", description=__doc__)
    parser.add_argument("--way", action="append", choices=measure.WAYS)
    parser.add_argument("--part", default="1/1", help="1/2 counts every other family, 2/2 those in between")
    parser.add_argument("--family", action="append", help="part of a name, or =NAME; may be repeated")
    parser.add_argument("--size", type=int)
    parser.add_argument("--places", action="store_true", help="show which lines take most steps")
    asked = parser.parse_args()
    # Python's own calls need no room on the stack of C, and instrumented ones are deeper than others.
    sys.setrecursionlimit(1_000_000)
    os.environ["TERM"] = "xterm-256color"
    measure.warm_up()
    _make_small()
    part, parts = map(int, asked.part.split("/"))
    chosen = [each for each in FAMILIES if measure.is_asked_for(each, asked.family)][part - 1 :: parts]
    for each in chosen:
        for way in measure.ways_of(each):
            if asked.way and way not in asked.way:
                continue
            size = asked.size or SIZES.get(way, SIZE)
            if asked.places:
                _show_places(each, way, size)
                continue
            once = _steps(each.make(size), way, MOST * size)
            twice = None if once is None else _steps(each.make(2 * size), way, TIMES * once)
            print(json.dumps(Counted(each.name, way, once, twice)), flush=True)


if __name__ == "__main__":
    main()
