"""What an answer that grows costs to draw: lines that are parsed, and characters that go through the inline phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from nbstream.markdown import IncrementalRenderer, render
from nbstream.markdown.blocks import BlockParser
from nbstream.markdown.inline_html import InlineHtml
from tests.cost.answer import pieces_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

# Each with the characters that may go through the inline phase for one character of it, if it comes in pieces of four:
# those of a paragraph do so until a sentence or two more have come.
TEXTS: dict[str, tuple[Callable[[int], str], float]] = {
    "answer": (lambda size: text_of(2 * size), 12),
    "paragraph": (lambda size: "Words and **bold words**, `code`, and so on. " * 50 * size, 70),
    "list": (lambda size: "- an item with *some* words\n" * 80 * size, 10),
    "table": (lambda size: "| a | b |\n|---|---|\n" + "| cell | **bold** |\n" * 110 * size, 0.1),
    "code": (lambda size: "```python\n" + "x = call(a, b)  # comment\n" * 80 * size, 0),
    "quote": (lambda size: "> a line of *it*\n>\n" * 110 * size, 3),
}


class Counts(NamedTuple):
    """What was done for a text.

    Attributes:
        inline: Characters that went through the inline phase.
        lines: Lines that the block phase parsed, those of its forks included.
        html: Characters of HTML in the patches.
    """

    inline: int
    lines: int
    html: int


@pytest.fixture(scope="module", autouse=True)
def _lexers() -> None:
    """What a language costs at its first use is another matter."""
    render("".join(make(1) for make, _ in TEXTS.values()))


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that go through the inline phase."""
    texts: list[str] = []
    render_text = InlineHtml.html

    def rendered(inlines: InlineHtml, text: str) -> str:
        texts.append(text)
        return render_text(inlines, text)

    monkeypatch.setattr(InlineHtml, "html", rendered)
    return texts


@pytest.fixture
def counted(inline: list[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Counts]:
    """Draw a text as it grows, and count."""
    lines: list[str] = []
    feed = BlockParser.feed

    def fed(parser: BlockParser, line: str) -> None:
        lines.append(line)
        feed(parser, line)

    monkeypatch.setattr(BlockParser, "feed", fed)

    def counted(text: str) -> Counts:
        inline.clear()
        lines.clear()
        renderer = IncrementalRenderer()
        patches = [patch for piece in pieces_of(text) for patch in renderer.append(piece)]
        patches += renderer.finish()
        html = sum(len(patch.commit) + len(patch.tail) for patch in patches)
        return Counts(sum(map(len, inline)), len(lines), html)

    return counted


@pytest.mark.parametrize("kind", TEXTS)
def test_a_character_costs_the_same_in_a_long_answer(kind: str, counted: Callable[[str], Counts]) -> None:
    make, most_inline = TEXTS[kind]
    text, longer = make(1), make(4)
    once, four_times = counted(text), counted(longer)
    for what, drawn in ((once, text), (four_times, longer)):
        size, pieces = len(drawn), len(pieces_of(drawn))
        print(f"\n{kind}, {size:,} characters: {what.inline / size:.2f} inline and {what.html / size:.2f}", end=" ")
        print(f"of HTML a character, {what.lines} lines in {pieces} pieces", end="")
        assert what.inline <= most_inline * size
        assert what.lines <= pieces + drawn.count("\n") + 1, "each line once, and once more for each piece of it"
    for one, four in zip(once, four_times, strict=True):
        assert four <= 1.1 * one * len(longer) / len(text)


@pytest.mark.parametrize("kind", TEXTS)
def test_one_full_render_reads_each_character_once(kind: str, inline: list[str]) -> None:
    text = TEXTS[kind][0](4)
    render(text)
    assert sum(map(len, inline)) <= len(text)
