"""Rendering piece by piece gives what one full render gives, and settled blocks stay as they are."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbstream.markdown import IncrementalRenderer, Patch, render
from tests.slots import Slots

_TEXT = (Path(__file__).parent / "corpus" / "answers.md").read_text(encoding="utf-8")
_CORPUS = re.split(r"^%%% .*\n", _TEXT, flags=re.MULTILINE)[1:]
_LINES = [
    "- a",
    "  - b",
    "1. x",
    "2.",
    "> q",
    "",
    "",
    "text",
    "```",
    "~~~",
    "===",
    "---",
    "| a | b |",
    "|---|---|",
    "$$",
    "\\[x",
    "\\]",
    "    code",
    "[a]: /u",
    "[a] and [b]",
    "[b]:",
    "/v 'title",
    "end'",
    "# H",
    "**bold",
    "`code",
    "\t- t",
    "- [x] t",
]


class _Screen:
    """Applies patches as a front end does, and watches the promises about them."""

    def __init__(self) -> None:
        self.slots = Slots()
        self.settled: set[int] = set()
        self.redrawn: list[int] = []
        self.grown: set[int] = set()

    def apply(self, patches: tuple[Patch, ...]) -> None:
        for patch in patches:
            assert patch.block <= len(self.slots.slots), "block numbers have no gaps"
            before = self.slots.html(patch.block) if patch.block < len(self.slots.slots) else None
            self.slots.place(patch.block, patch.depth, patch.commit, patch.tail)
            # A block that was put together from parts may be sent whole: what it has become looks the same by chance.
            whole = patch.block in self.grown and not patch.depth
            assert patch.settled or whole or patch.commit or before != self.slots.html(patch.block)
            self.grown |= {patch.block} if patch.depth else set()
            if patch.block in self.settled:
                assert patch.settled
                self.redrawn.append(patch.block)
            if patch.settled:
                self.settled.add(patch.block)

    @property
    def page(self) -> str:
        return self.slots.text


def _stream(pieces: list[str]) -> _Screen:
    renderer, screen = IncrementalRenderer(), _Screen()
    for piece in pieces:
        screen.apply(renderer.append(piece))
    screen.apply(renderer.finish())
    assert screen.settled == {number for number, slot in enumerate(screen.slots.slots) if slot.children}
    assert renderer.snapshot() == [slot.html for slot in screen.slots.slots if slot.children]
    assert renderer.finish() == ()
    return screen


def _cut(text: str, chance: random.Random, longest: int) -> list[str]:
    pieces = []
    while text:
        size = chance.randint(1, longest)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


@pytest.mark.parametrize("text", _CORPUS)
def test_every_cut_ends_as_the_full_render(text):
    chance = random.Random(11)
    whole = render(text)  # first, so that no lexer comes later
    for pieces in ([text], list(text), _cut(text, chance, 5), _cut(text, chance, 40)):
        screen = _stream(pieces)
        assert screen.page == whole
        if "]:" not in text:
            assert not screen.redrawn


def test_joined_answers_end_as_the_full_render():
    chance = random.Random(5)
    for _ in range(60):
        text = chance.choice(["", "\n"]).join(chance.sample(_CORPUS, 4))
        assert _stream(_cut(text, chance, 30)).page == render(text)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(_LINES), max_size=14), st.integers(1, 9))
def test_any_order_of_lines_ends_as_the_full_render(lines, step):
    text = "\n".join(lines)
    pieces = [text[start : start + step] for start in range(0, len(text), step)]
    assert _stream(pieces).page == render(text)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text("ab \n\r\t-*_`~#>|[]()!$\\:<&1.\ud83d\ude00", max_size=40))
def test_any_characters_end_as_the_full_render(text):
    screen = _stream(list(text))
    assert "\n".join(html for html in screen.page.split("\n") if html) == "\n".join(
        line for line in render(text).split("\n") if line
    )


def test_a_late_definition_redraws_only_the_blocks_that_wait_for_it():
    renderer, screen = IncrementalRenderer(), _Screen()
    screen.apply(renderer.append("see [a]\n\nplain\n\nsee [b]\n\nmore\n\n"))
    assert screen.settled == {0, 1, 2, 3}
    patches = renderer.append("[a]: https://u.example\n\n")
    assert [(patch.block, patch.settled) for patch in patches] == [(0, True)]
    assert 'href="https://u.example"' in patches[0].commit
    assert renderer.finish() == ()


def test_a_definition_in_the_making_is_not_shown():
    renderer = IncrementalRenderer()
    assert [renderer.append(piece) for piece in ("[a", "]: ", "/u", ' "ti', 'tle"\n')] == [()] * 5


def test_a_settled_block_is_patched_once_and_an_open_one_when_it_changes():
    renderer = IncrementalRenderer()
    assert renderer.append("one\n\ntwo") == (
        Patch(0, 0, "<p>one</p>", "", settled=True),
        Patch(1, 0, "", "<p>two</p>", settled=False),
    )
    assert renderer.append("") == ()
    assert renderer.append(" more") == (Patch(1, 0, "", "<p>two more</p>", settled=False),)
    assert renderer.finish() == (Patch(1, 0, "<p>two more</p>", "", settled=True),)


def test_markers_alone_are_held_back_until_they_mean_something():
    renderer = IncrementalRenderer()
    renderer.append("Title\n")
    assert renderer.append("--") == ()
    assert renderer.append("-\n") == (Patch(0, 0, "<h2>Title</h2>", "", settled=True),)


def test_the_head_of_a_table_is_not_seen_as_text():
    screen, renderer = _Screen(), IncrementalRenderer()
    for character in "Results:\n| a | b |\n|---|---|\n| one | tw":
        screen.apply(renderer.append(character))
        assert "|" not in re.sub(r"<td.*", "", screen.page, flags=re.DOTALL)
    assert screen.page.count("<td>") == 2
    assert _stream(list("a\n| b")).page == "<p>a\n| b</p>", "it is shown once it is known to be none"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a **bold wo", "<p>a <strong>bold wo</strong></p>"),
        ("a `co", "<p>a <code>co</code></p>"),
        ("a **bold wo*", "<p>a <strong>bold wo</strong></p>"),
        ("a **bold wo** ", "<p>a <strong>bold wo</strong></p>"),
        ("a **bold `co` and", "<p>a <strong>bold <code>co</code> and</strong></p>"),
        ("a **bold `co`", "<p>a <strong>bold <code>co</code></strong></p>"),
        ("a *few wo", "<p>a <em>few wo</em></p>"),
        ("a **bold *and", "<p>a <strong>bold <em>and</em></strong></p>"),
        ("a ~~few wo", "<p>a <del>few wo</del></p>"),
        ("a ~~few wo~", "<p>a <del>few wo</del></p>"),
        ("a **", "<p>a</p>"),
        ("a ~~", "<p>a</p>"),
        ("say 2 * 3", "<p>say 2 * 3</p>"),
        ("say 2 \\* 3 \\*", "<p>say 2 * 3 *</p>"),
        ("about ~5 km", "<p>about ~5 km</p>"),
        ("a *b" + " c" * 100, "<p>a *b" + " c" * 100 + "</p>"),
        ("snake_ca", "<p>snake_ca</p>"),
        ("see [docs](https://exa", "<p>see docs</p>"),
        ("```py\nx = 1", '<pre><code class="language-py">x = 1</code></pre>'),
    ],
)
def test_half_open_marks_are_healed_for_display(text, html):
    (patch,) = IncrementalRenderer().append(text)
    assert patch == Patch(0, 0, "", html, settled=False)


def test_characters_and_line_ends_may_be_cut_in_half():
    screen = _stream(["a\r", "\nb \ud83d", "\ude00", "\ud83d", "c\r"])
    assert screen.page == "<p>a\nb \U0001f600\ufffdc</p>"


def test_settled_blocks_are_not_parsed_again(monkeypatch):
    from nbstream.markdown import blocks

    renderer = IncrementalRenderer()
    renderer.append("paragraph\n\n" * 50)
    fed = []
    feed = blocks.BlockParser.feed

    def watch(parser, line):
        fed.append(line)
        feed(parser, line)

    monkeypatch.setattr(blocks.BlockParser, "feed", watch)
    renderer.append("one more")
    assert fed == ["one more"]


def _labels(count: int) -> list[str]:
    """Definitions in an order of their own, so that each of them changes another part of what waits."""
    return random.Random(1).sample([f"[l{n}]: https://u{n}.example\n\n" for n in range(count)], count)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"[l{n}] " for n in range(300)),
        "".join(f"- [l{n}] a\n" for n in range(300)) + "\nx",
        "".join(f"> [l{n}] a\n>\n" for n in range(300)),
        "|[l1]|\n|-|\n" + "".join(f"|[l{n}] a|\n" for n in range(300)),
        "# " + "".join(f"[l{n}] " for n in range(300)),
        "".join(f"word [^{n}] word\n" for n in range(300)) + "\n\n" + "".join(f"[^{n}]: [l{n}]\n" for n in range(300)),
    ],
    ids=["paragraph", "list", "quote", "table", "heading", "notes"],
)
def test_definitions_in_any_order_reach_all_of_a_long_block(text):
    text += "\n\n" + "".join(_labels(300))
    for step in (90, 400):
        pieces = [text[start : start + step] for start in range(0, len(text), step)]
        assert _stream(pieces).page == render(text)


def test_a_definition_reaches_the_head_of_a_table_that_grew():
    text = "|[a][^b]|\n|-|\n" + "|row|\n" * 30 + "\n\nx\n\n[a]: https://u.example\n\n[^b]: note\n"
    assert _stream(list(text)).page == render(text)


def test_what_waits_for_one_label_is_drawn_again_over_several_updates():
    renderer, screen = IncrementalRenderer(), _Screen()
    screen.apply(renderer.append("".join(f"{n} [x]\n\n" for n in range(600))))
    updates = [renderer.append("[x]: https://u.example\n\n"), *(renderer.append("word ") for _ in range(3))]
    for patches in updates:
        screen.apply(patches)
        assert 20 < len([patch for patch in patches if patch.settled]) < 300
    screen.apply(renderer.finish())
    assert screen.page.count("https://u.example") == 600
    assert screen.redrawn == list(range(600))


def test_what_is_left_at_the_end_is_drawn_bit_by_bit() -> None:
    code = "".join(f"```python\nx_{number} = f({number})\n```\n\n" for number in range(6))
    notes = "".join(f"[^{number}]: note {number}\n" for number in range(2_500))
    text = f"{code}a{''.join(f'[^{number}] ' for number in range(2_500))}\n\n{notes}"
    renderer = IncrementalRenderer()
    renderer.append(text)
    assert "note 1" not in "".join(str(patch) for patch in renderer.end())
    steps = [len(patches) for patches in renderer.rest()]
    assert steps[:3] == [0, 0, 1]
    assert steps[3:].count(1) >= 4, "the first two may have their colours by then"
    assert "\n".join(renderer.snapshot()) == render(text)
