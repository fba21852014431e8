"""CPU time to draw an answer while it grows, against one full render of it and against drawing it whole each time.

The alternative is what `display(Markdown(text))` for each piece would cost if it were drawn by the same library here in
the kernel: Python-Markdown over all the text so far. It is measured at some of its steps and scaled.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown import Markdown

from nbstream.markdown import IncrementalRenderer, render

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 80_000
CORPUS = (Path(__file__).parents[1] / "markdown" / "corpus" / "answers.md").read_text(encoding="utf-8")
ROUNDS = 5
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


def cpu(action: Callable[[], object]) -> float:
    """Seconds of CPU time in the best round."""

    def once() -> float:
        started = time.process_time()
        action()
        return time.process_time() - started

    return min(once() for _ in range(ROUNDS))


def streamed(text: str, step: int) -> tuple[float, float, int]:
    """Seconds of CPU time in all, of the longest update, and the characters of HTML that were sent."""
    runs = []
    for _ in range(ROUNDS):
        renderer, updates, sent = IncrementalRenderer(), [], 0
        for start in range(0, len(text), step):
            started = time.process_time()
            patches = renderer.append(text[start : start + step])
            updates.append(time.process_time() - started)
            sent += sum(len(patch.commit) + len(patch.tail) for patch in patches)
        started = time.process_time()
        renderer.finish()
        updates.append(time.process_time() - started)
        runs.append((sum(updates), updates, sent))
    # The longest update in the best of the rounds: what the machine adds falls on another one each time.
    longest = max(min(each) for each in zip(*(updates for _, updates, _ in runs), strict=True))
    return min(total for total, _, _ in runs), longest, runs[0][2]


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
    once, html = cpu(lambda: render(text)), len(render(text))
    print(f"\n{SIZE:,} characters, one full render {once * 1e3:.0f} ms")
    print(f"  {'characters a step':20}{'ms':>8}{'renders':>9}{'longest':>10}{'HTML sent':>11}{'whole each time':>18}")
    for step, limit in ((400, 1.5), (40, 3.0)):
        total, longest, sent = streamed(text, step)
        naive = drawn_whole_each_time(text, step)
        print(
            f"  {step:<20}{total * 1e3:8.0f}{total / once:9.2f}{longest * 1e3:7.1f} ms{sent / html:10.1f}x"
            f"{naive * 1e3:15,.0f} ms"
        )
        assert total <= limit * once, f"at most {limit} full renders"
        assert longest * 1e3 <= ORDINARY_UPDATE
        assert total * 5 <= naive


@pytest.mark.parametrize("kind", GIANTS)
def test_one_giant_block_costs_twice_as_much_if_it_is_twice_as_long(kind: str) -> None:
    once, _, _ = streamed(giant(kind, SIZE), 400)
    text = giant(kind, 2 * SIZE)
    twice, longest, sent = streamed(text, 400)
    print(
        f"\n{kind}: {SIZE:,} characters {once * 1e3:.0f} ms, {2 * SIZE:,} {twice * 1e3:.0f} ms: "
        f"{twice / once:.2f} times, longest update {longest * 1e3:.1f} ms, HTML sent {sent / len(render(text)):.1f}x"
    )
    assert twice <= 2.2 * once
    assert longest * 1e3 <= GIANT_UPDATE
