"""CPU time to draw an answer while it grows, against one full render of it and against drawing it whole each time.

The alternative is what `display(Markdown(text))` for each piece would cost if it were drawn by the same library here in
the kernel: Python-Markdown over all the text so far. It is measured at some of its steps and scaled.
"""

from __future__ import annotations

import gc
import re
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown import Markdown

from nbstream.markdown import IncrementalRenderer, render
from tests.benchmarks.bounds import hold

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 80_000
CORPUS = (Path(__file__).parents[1] / "markdown" / "corpus" / "answers.md").read_text(encoding="utf-8")
ROUNDS = 7
ROW = "| cell one | `two` | three |\n"
GIANTS = {
    "list": "- item with *some* words and a number\n",
    "table": ROW,
    "code": "x = call(a, b)  # comment\n",
    "paragraph": "Words and **bold** and so on, with `code`. ",
}
OPENING = {"table": f"{ROW}|---|---|---|\n", "code": "```python\n"}
# Milliseconds that one update may take at the most: a quarter of a frame, and a frame for a giant block.
ORDINARY_UPDATE, GIANT_UPDATE = 4.0, 16.0


def sample(size: int) -> str:
    """Answers as models write them, one after the other."""
    parts = re.split(r"^%%% .*\n", CORPUS, flags=re.MULTILINE)[1:]
    text = "\n\n".join(parts)
    return (text * (size // len(text) + 1))[:size]


def giant(kind: str, size: int) -> str:
    return OPENING.get(kind, "") + GIANTS[kind] * (size // len(GIANTS[kind]))


@dataclass
class Drawing:
    """The best of the rounds of drawing a text.

    Attributes:
        total: Seconds of CPU time in all.
        updates: Seconds of CPU time of each update, each in its best round: what the machine adds falls on others.
        sent: Characters of HTML that were sent.
    """

    total: float
    updates: list[float]
    sent: int

    def better_of(self, other: Drawing) -> Drawing:
        least = [min(each) for each in zip(self.updates, other.updates, strict=True)]
        return Drawing(min(self.total, other.total), least, self.sent)

    @property
    def longest(self) -> float:
        return max(self.updates)


def drawn_at_once(text: str) -> Drawing:
    started = time.process_time()
    html = render(text)
    took = time.process_time() - started
    return Drawing(took, [took], len(html))


def streamed(text: str, step: int) -> Drawing:
    renderer, updates, sent = IncrementalRenderer(), [], 0
    for start in range(0, len(text), step):
        started = time.process_time()
        patches = renderer.append(text[start : start + step])
        updates.append(time.process_time() - started)
        sent += sum(len(patch.commit) + len(patch.tail) for patch in patches)
    started = time.process_time()
    renderer.finish()
    updates.append(time.process_time() - started)
    return Drawing(sum(updates), updates, sent)


def in_turn(*ways: Callable[[], Drawing]) -> list[Drawing]:
    """Draw in each of the ways, round by round, so that a slow spell of the machine falls on all of them alike."""
    best: list[Drawing] = []
    for _ in range(ROUNDS):
        gc.collect()  # what others have left behind is not to be swept up in this time
        drawn = [way() for way in ways]
        best = [one.better_of(other) for one, other in zip(best or drawn, drawn, strict=True)]
    return best


def drawn_whole_each_time(text: str, step: int, measured: int = 12) -> float:
    """Seconds of CPU time of drawing all the text at each step."""
    ends = range(step, len(text) + step, step)
    some = ends[:: max(1, len(ends) // measured)]
    converter = Markdown(extensions=["fenced_code", "tables", "sane_lists"])
    started = time.process_time()
    for end in some:
        converter.reset()
        converter.convert(text[:end])
    return (time.process_time() - started) * len(ends) / len(some)


def test_an_answer_that_grows_costs_little_more_than_one_full_render() -> None:
    text = sample(SIZE)
    limits = {400: 1.5, 40: 3.0}
    whole, *grown = in_turn(lambda: drawn_at_once(text), *(partial(streamed, text, step) for step in limits))
    print(f"\n{SIZE:,} characters, one full render {whole.total * 1e3:.0f} ms")
    print(f"  {'characters a step':20}{'ms':>8}{'renders':>9}{'longest':>10}{'HTML sent':>11}{'whole each time':>18}")
    for (step, limit), drawing in zip(limits.items(), grown, strict=True):
        naive = drawn_whole_each_time(text, step)
        print(
            f"  {step:<20}{drawing.total * 1e3:8.0f}{drawing.total / whole.total:9.2f}{drawing.longest * 1e3:7.1f} ms"
            f"{drawing.sent / whole.sent:10.1f}x{naive * 1e3:15,.0f} ms"
        )
        hold(f"80,000 characters, {step} at a time: CPU / one full render", drawing.total / whole.total, limit)
        hold(f"80,000 characters, {step} at a time: longest update", drawing.longest * 1e3, ORDINARY_UPDATE, "ms")
        hold(f"80,000 characters, {step} at a time: CPU / drawn whole each time", drawing.total / naive, 1 / 5)


@pytest.mark.parametrize("kind", GIANTS)
def test_one_giant_block_costs_twice_as_much_if_it_is_twice_as_long(kind: str) -> None:
    text, half = giant(kind, 2 * SIZE), giant(kind, SIZE)
    once, twice = in_turn(lambda: streamed(half, 400), lambda: streamed(text, 400))
    print(
        f"\n{kind}: {SIZE:,} characters {once.total * 1e3:.0f} ms, {2 * SIZE:,} {twice.total * 1e3:.0f} ms: "
        f"{twice.total / once.total:.2f} times, longest update {twice.longest * 1e3:.1f} ms, "
        f"HTML sent {twice.sent / len(render(text)):.1f}x"
    )
    hold(f"one giant {kind}: CPU for twice the length", twice.total / once.total, 2.2)
    hold(f"one giant {kind}: longest update", twice.longest * 1e3, GIANT_UPDATE, "ms")
