"""A block of any size grows by its last part: what has been committed is not sent again."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from nbstream.markdown import IncrementalRenderer, Patch, inert, render
from nbstream.markdown.open_text import cuts
from tests.slots import Slots

_TEXT = (Path(__file__).parent / "corpus" / "answers.md").read_text(encoding="utf-8")
_CORPUS = re.split(r"^%%% .*\n", _TEXT, flags=re.MULTILINE)[1:]

_ROW = "| cell | **bold** | `code` |\n"
_PARAGRAPH = "Words and **bold words**, `code` and a [link](https://example.com), and so on. "
GIANTS = {
    "list": "- an item with *some* words\n" * 400,
    "loose list": "- an item\n\n  with two paragraphs\n\n" * 300,
    "tasks": "- [ ] to do\n- [x] done\n" * 200,
    "nested list": "- outer\n" + "  - an inner item\n" * 400,
    "list in a quote in an item": "1. outer\n   > quoted\n   >\n" + "   > - an inner item\n" * 300,
    "quote": "> a paragraph of it\n>\n" * 300,
    "table": "| a | b | c |\n|---|:-:|--:|\n" + _ROW * 400,
    "code": "```\n" + "a line of code\n" * 500 + "```\n",
    "code in a language": "```python\n" + "x = call(a, b)  # comment\n" * 500,
    "code in an item": "- see\n\n  ```\n" + "  a line of code\n" * 500,
    "indented code": "Text\n\n" + "    a line of code\n\n" * 300 + "end\n",
    "paragraph in one line": _PARAGRAPH * 150,
    "paragraph of many lines": (_PARAGRAPH[:-1] + "\n") * 150,
    "paragraph in a loose item": "- a\n\n  b\n\n  " + _PARAGRAPH * 100,
}


def _streamed(text: str, step: int) -> tuple[Slots, list[Patch]]:
    renderer, slots, patches = IncrementalRenderer(), Slots(), list[Patch]()
    for start in range(0, len(text), step):
        patches += renderer.append(text[start : start + step])
    patches += renderer.finish()
    for patch in patches:
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    return slots, patches


@pytest.mark.parametrize("text", GIANTS.values(), ids=GIANTS)
def test_a_giant_block_is_sent_about_once(text: str) -> None:
    html = render(text)  # first, so that the lexer is there
    slots, patches = _streamed(text, 40)
    assert slots.text == html
    committed = sum(len(patch.commit) for patch in patches)
    tails = [len(patch.tail) for patch in patches]
    assert committed <= 2.1 * len(html), "once, and once more if it is redrawn at its end"
    # The colours of the last lines of code may still change.
    longest, usual = (5_000, 3_500) if "```python" in text else (3_000, 900)
    assert max(tails) <= longest
    assert sum(tails) / len(tails) <= usual


@pytest.mark.parametrize("text", GIANTS.values(), ids=GIANTS)
def test_a_snapshot_at_any_time_begins_a_page_that_goes_on(text: str) -> None:
    chance = random.Random(3)
    for start in sorted(chance.sample(range(len(text)), 4)):
        renderer, slots = IncrementalRenderer(), Slots()
        renderer.append(text[: start // 2])
        renderer.append(text[start // 2 : start])
        for block, html in enumerate(renderer.snapshot()):
            slots.place(block, 0, "", html)
        for patch in (*renderer.append(text[start:]), *renderer.finish()):
            slots.place(patch.block, patch.depth, patch.commit, patch.tail)
        assert slots.text == render(text)


def test_snapshots_between_pieces_disturb_nothing() -> None:
    chance = random.Random(4)
    for text in _CORPUS:
        renderer, slots, start = IncrementalRenderer(), Slots(), 0
        while start < len(text):
            size = chance.randint(1, 12)
            patches = renderer.append(text[start : start + size])
            start += size
            if chance.random() < 0.2:
                slots = Slots()
                for block, html in enumerate(renderer.snapshot()):
                    slots.place(block, 0, "", html)
            else:
                for patch in patches:
                    slots.place(patch.block, patch.depth, patch.commit, patch.tail)
        for patch in renderer.finish():
            slots.place(patch.block, patch.depth, patch.commit, patch.tail)
        assert slots.text == render(text)


def test_only_the_last_items_are_sent_while_they_grow() -> None:
    renderer = IncrementalRenderer()
    for piece in ("- one\n", "- two\n- t", "hr"):
        renderer.append(piece)
    # Until the line is complete it is not known to end the item before it.
    two = "\n<li>two</li>"
    assert renderer.append("ee") == (Patch(0, 1, "", f"{two}\n<li>three</li>\n", settled=False),)
    assert renderer.append("\n- four") == (Patch(0, 1, two, "\n<li>three</li>\n<li>four</li>\n", settled=False),)
    assert renderer.append("\n\nEnd\n")[0] == Patch(0, 1, "\n<li>three</li>\n<li>four</li>\n", "", settled=True)


def test_a_list_that_becomes_loose_is_rebuilt() -> None:
    renderer = IncrementalRenderer()
    renderer.append("- one\n- two\n")
    (patch,) = renderer.append("\n- three")
    assert (patch.depth, patch.commit) == (0, "")
    assert patch.tail.count("<li><p>") == 3


def test_a_definition_reaches_what_has_been_committed() -> None:
    slots, _ = _streamed("- see [a]\n- two\n- three\n\n  [a]: https://u.example\n\n- four\n", 1)
    assert slots.text == render("- see [a]\n- two\n- three\n\n  [a]: https://u.example\n\n- four\n")
    assert 'href="https://u.example"' in slots.text


def test_words_join_what_has_been_drawn_without_drawing_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from nbstream.markdown.inline_html import InlineHtml

    drawn: list[str] = []
    draw_text = InlineHtml.html

    def watched(inlines: InlineHtml, text: str) -> str:
        drawn.append(text)
        return draw_text(inlines, text)

    monkeypatch.setattr(InlineHtml, "html", watched)
    renderer = IncrementalRenderer()
    renderer.append("A **bold** word ")
    for piece in ("and others, ", "as they come: ", "plain.\n", "More"):
        renderer.append(piece)
    assert drawn == ["A **bold** word"]
    renderer.append(" `code` and ")
    assert drawn[1:] == ["A **bold** word and others, as they come: plain.\nMore `code` and"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("see https://example.co", "m/a, yes"),
        ("see www.exam", "ple.org now"),
        ("a **bo", "ld and** on"),
        ("[text]", "(https://example.com) x"),
        ("[text", "] x"),
        ("hard  ", "\nbreak"),
        ("hard\\", "\nbreak"),
        ("a &am", "p; b"),
        ("x\\", "* y"),
        ("it costs $", "5 and $6"),
        ("a@b", ".example c"),
    ],
)
def test_words_that_change_what_is_before_them_draw_it_again(before: str, after: str) -> None:
    renderer, slots = IncrementalRenderer(), Slots()
    for patch in (*renderer.append(before), *renderer.append(after)):
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    assert slots.text == render(before + after)


def test_a_task_has_one_box_while_it_grows() -> None:
    renderer, slots = IncrementalRenderer(), Slots()
    for character in "- [ ] an open task":
        for patch in renderer.append(character):
            slots.place(patch.block, patch.depth, patch.commit, patch.tail)
        assert slots.text.count("checkbox") == ("task" in slots.text)


def test_a_very_long_list_is_not_rebuilt_as_a_loose_one() -> None:
    text = "- a\n" * 2_100 + "\n- b\n\n  c\n- d\n\nEnd\n"
    slots, _ = _streamed(text, 4_000)
    assert slots.text == render(text)
    assert slots.text.count("<p>") == 3
    assert "<li>a</li>" in slots.text
    assert "<li><p>b</p>\n<p>c</p></li>" in slots.text


def test_a_very_long_row_is_plain_and_says_so() -> None:
    text = "|a|\n|-|\n|" + "*a* " * 1_900 + "|\n|" + "*a* " * 2_100 + "|\n|*x*|\n"
    slots, _ = _streamed(text, 400)
    assert slots.text == render(text)
    assert slots.text.count("because the row is too long") == 1
    assert slots.text.count("<em>") == 1_901
    assert inert(text).count("*a*") == 1_900
    assert r"| |\*a\* \*a\*" in inert(text).replace(r"\|", "|")


@pytest.mark.parametrize("text", ["* ", "_ ", "- ", "` ", "$ ", "[^", "*_~", "[](", "# ", "| ", "> ", "$$a ", "\\[1, "])
def test_a_long_line_of_markers_is_shown_before_it_ends(text: str) -> None:
    renderer, slots, line = IncrementalRenderer(), Slots(), text * (10_000 // len(text))
    for start in range(0, len(line), 400):
        for patch in renderer.append(line[start : start + 400]):
            slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    assert len(slots.text) > 1_000
    for patch in renderer.append("a\n\nEnd") + renderer.finish():
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    assert slots.text == render(f"{line}a\n\nEnd")


def test_a_paragraph_of_many_lines_may_still_become_something_else() -> None:
    lines = "".join(f"line {number}\n" for number in range(450))
    for text in (f"{lines}===\n", f"{lines}|a|b|\n|-|-|\n|c|d|\n", f"> {lines}"):
        slots, _ = _streamed(text, 400)
        assert slots.text == render(text)
        assert slots.text.count("line ") == 450
    assert render(f"{lines}===").startswith("<h1>line 0\nline 1\n")
    assert render(f"{lines}|a|b|\n|-|-|\n").endswith(f"line 449</p>\n{render('|a|b|' + chr(10) + '|-|-|')}")


def test_a_very_long_paragraph_becomes_no_heading() -> None:
    text = f"{_PARAGRAPH * 110}\n---\n{_PARAGRAPH * 110}\n===\n"
    slots, _ = _streamed(text, 400)
    assert slots.text == render(text)
    assert [slots.text.count(tag) for tag in ("<h", "<hr>", "<p>")] == [1, 1, 2]


@pytest.mark.parametrize(("opener", "closer"), [("$$", "$$"), ("\\[", "\\]")])
def test_a_very_long_formula_is_shown_and_saved_as_it_was_written(opener: str, closer: str) -> None:
    body = "a &= *b* \\\\\n" * 1_000
    text = f"{opener}\n{body}{closer}\n\n*End*\n"
    slots, patches = _streamed(text, 400)
    assert slots.text == render(text)
    assert slots.text.startswith(f"<pre><code>{opener}\na &amp;= *b*")
    assert slots.text.endswith(f"{closer}\n</code></pre>\n<p><em>End</em></p>")
    assert sum(len(patch.commit) for patch in patches) < 2 * len(slots.text)
    assert inert(text) == f"```\n{opener}\n{body}{closer}\n```\n\n*End*"


def test_much_space_is_not_cut_through() -> None:
    text = f"a{' ' * 50_000}b"
    assert len(list(cuts(text))) < 4
