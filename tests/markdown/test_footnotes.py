"""Footnotes: numbers in order of use, notes at the end, and both the same however the text is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbstream.markdown import IncrementalRenderer, inert, render
from tests.slots import Slots

_LINES = [
    "a[^1] and [^2]",
    "b[^2], c[^3]",
    "",
    "",
    "[^1]: one",
    "[^2]: two[^4] `[^1]",
    "[^3]:",
    "[^4]: four",
    "    more",
    "lazy",
    "- item[^5]",
    "  [^5]: in the list",
    "> [^3]: in a quote [^1]",
    "| a[^1] | b[^6] |",
    "|---|---|",
    "[^6]: | x |",
    "[x][^2] [^1](/u) ![^1]",
    "**bold[^1]",
    "# H[^3]",
    "# The `[^9] x` [^1]",
    "| `[^8] |` | c[^2] |",
    "[^7](/u) x[^3]",
    "```",
    "[^2]: [x]: /u",
    "[x]",
]


def _notes(*items: str, start: int = 1) -> str:
    opener = f'<ol start="{start}">' if start > 1 else "<ol>"
    inside = "\n".join(f"<li>\n{item}\n</li>" for item in items)
    return f'<div class="nbs-footnotes">\n{opener}\n{inside}\n</ol>\n</div>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a[^1]\n\n[^1]: note", "<p>a<sup>1</sup></p>\n" + _notes("<p>note</p>")),
        (
            "[^y] [^x] [^y]\n\n[^x]: *x*\n[^y]: y",
            "<p><sup>1</sup> <sup>2</sup> <sup>1</sup></p>\n" + _notes("<p>y</p>", "<p><em>x</em></p>"),
        ),
        ("a[^N]\n[^n]: first\n[^n]: second", "<p>a<sup>1</sup></p>\n" + _notes("<p>first</p>")),
        ("a[^1]\n\n[^1]: b[^2]\n[^2]: c", "<p>a<sup>1</sup></p>\n" + _notes("<p>b<sup>2</sup></p>", "<p>c</p>")),
        ("[^none] a[^1]\n\n[^1]: b", "<p>[^none] a<sup>2</sup></p>\n" + _notes("<p>b</p>", start=2)),
        ("Wow![^1]\n\n[^1]: b", "<p>Wow!<sup>1</sup></p>\n" + _notes("<p>b</p>")),
        ("a\n\n[^1]: never used", "<p>a</p>"),
        ("`[^1]` [^ 1] [^]\n\n[^1]: b", "<p><code>[^1]</code> [^ 1] [^]</p>"),
        (
            "a[^1]\n\n[^1]: p\n\n    - q\n\nb",
            "<p>a<sup>1</sup></p>\n<p>b</p>\n" + _notes("<p>p</p>\n<ul>\n<li>q</li>\n</ul>"),
        ),
    ],
)
def test_notes_are_numbered_by_use_and_drawn_at_the_end(text, html):
    assert render(text) == html


def _stream(text: str, step: int) -> list[str]:
    renderer = IncrementalRenderer()
    slots = Slots()
    shown: set[tuple[int, str]] = set()
    for start in range(0, len(text) + step, step):
        last = start >= len(text)
        for patch in renderer.finish() if last else renderer.append(text[start : start + step]):
            slots.place(patch.block, patch.depth, patch.commit, patch.tail)
            if patch.settled:
                shown |= {(patch.block, number) for number in re.findall(r"<sup>\d+", slots.html(patch.block))}
    for block, number in shown:
        assert number in slots.html(block), "a number that was shown in a settled block stays"
    return [slot.html for slot in slots.slots if slot.children]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(_LINES), max_size=12), st.integers(1, 9))
def test_any_order_of_lines_ends_as_the_full_render(lines, step):
    text = "\n".join(lines)
    assert "\n".join(_stream(text, step)) == render(text)


@pytest.mark.parametrize("before", ["- a[^2]\n- b[^9]\n\n", "- [ ] a[^2]\n- [x] b[^9]\n\n", "a[^9]\n# ", "a[^9]\n> "])
def test_what_stands_before_a_long_line_is_numbered_before_it(before):
    text = before + "word[^3] word " * 150 + "\n\n[^2]: 2\n[^3]: 3\n[^9]: 9"
    for step in (7, 40, 300):
        assert "\n".join(_stream(text, step)) == render(text)


def test_a_note_in_the_making_is_not_shown():
    renderer = IncrementalRenderer()
    assert [renderer.append(piece) for piece in ("[^", "1", "]", ": ", "no", "te\n")] == [()] * 6


def test_a_late_note_redraws_what_refers_to_it_and_the_notes_come_at_the_finish():
    renderer = IncrementalRenderer()
    renderer.append("a[^1]\n\nplain\n\nb\n\n")
    (patch,) = renderer.append("[^1]: note\n")
    assert (patch.block, patch.commit) == (0, "<p>a<sup>1</sup></p>")
    (patch,) = renderer.finish()
    assert (patch.block, patch.settled) == (3, True)
    assert patch.commit == _notes("<p>note</p>")
    assert renderer.snapshot()[-1] == patch.commit
    assert renderer.finish() == ()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a[^n], b[^m]\n\n[^m]: two\n[^n]: one", "a<sup>1</sup>, b<sup>2</sup>\n\n___\n\n1. one\n\n2. two"),
        ("a[^1]\n\n[^1]: https://x.example", "a<sup>1</sup>\n\n___\n\n1. <https://x.example>"),
        ("a[^1]\n\n[^1]:\n\n    ```\n    x\n    ```", "a<sup>1</sup>\n\n___\n\n1. ```\n   x\n   ```"),
        ("a[^1]\n\n[^1]: b[^2]\n[^2]: c", "a<sup>1</sup>\n\n___\n\n1. b<sup>2</sup>\n\n2. c"),
        (
            "a[^x] b[^1]\n\n[^1]: <img src=x onerror=alert(1)>",
            "a[\\^x] b<sup>2</sup>\n\n___\n\n2. &lt;img src=x onerror=alert(1)>",
        ),
        ("a[^1] b[^x] c[^2]\n\n[^1]: d\n[^2]: e", "a<sup>1</sup> b[\\^x] c<sup>3</sup>\n\n___\n\n1. d\n\n3) e"),
        (
            "[t][^1] [^1](https://x.example) `[^1]`\n\n[^1]: n",
            "[t]<sup>1</sup> [\\^1](https://x.example) `[^1]`\n\n___\n\n1. n",
        ),
    ],
)
def test_inert_markdown_has_the_numbers_and_the_notes_of_the_page(text, written):
    assert inert(text) == written
    assert inert(written) == written
