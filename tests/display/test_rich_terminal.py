"""Live Markdown in a terminal, by what is on its screen."""

import pathlib
import random
import re

import pytest
from rich.default_styles import DEFAULT_STYLES

from nbstream.display.rich_markdown import MarkdownPrinter
from nbstream.display.rich_terminal import RichTerminalSurface
from nbstream.errors import ConnectionLostError
from nbstream.result import Retry, StreamResult, StreamState, TextPart, ToolCallPart
from tests.terminal_screen import Screen

CORPUS = pathlib.Path(__file__).parents[1] / "markdown" / "corpus" / "answers.md"
SOME, COMPLETED = StreamState.STREAMING, StreamState.COMPLETED
UP = re.compile(r"\x1b\[\d*A")


@pytest.fixture(autouse=True)
def _a_terminal_with_colours(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def opened(make_request):
    """A surface on a screen, with somebody waiting for the answer."""
    surfaces = []

    def opened(screen, *, waits=True):
        surface = RichTerminalSurface(screen, lambda: screen.size)
        surface.open(make_request(model="m"), lambda: None)
        surface.attend(waits)
        surfaces.append(surface)
        return surface

    yield opened
    for surface in surfaces:
        surface.attend(False)


def ended(text, state=COMPLETED, **facts):
    return StreamResult(text, state, "stop" if state is COMPLETED else None, **facts)


def draw(surface, text, step, before_frame=lambda: None):
    for end in range(step, len(text), step):
        before_frame()
        surface.draw(StreamResult(text[:end], SOME))
    surface.close(ended(text))


def shown(opened, text, **options):
    screen = Screen()
    draw(opened(screen, **options), text, step=len(text) or 1)
    return screen.text


def test_an_answer_is_waited_for_and_grows_and_ends_clean(opened):
    screen = Screen()
    surface = opened(screen)
    assert screen.text == "Waiting for m …\n"
    surface.draw(StreamResult("# Ti", SOME))
    assert screen.text == "Ti\n"
    surface.draw(StreamResult("# Title\n\nSome **bo", SOME))
    assert screen.text == "Title\n\nSome **bo\n"
    surface.draw(StreamResult("# Title\n\nSome **bold** text\n- a\n- b", SOME))
    assert screen.text == "Title\n\nSome bold text\n\n • a\n • b\n"
    surface.close(ended("# Title\n\nSome **bold** text\n- a\n- b\n"))
    assert screen.text == "Title\n\nSome bold text\n\n • a\n • b\n"
    assert "\x1b[?" not in screen.written, "the cursor is left alone"


@pytest.mark.parametrize("step", [3, 7, 40, 400])
def test_however_an_answer_arrives_it_ends_the_same(opened, step):
    text = CORPUS.read_text()
    screen = Screen()
    draw(opened(screen), text, step)
    assert screen.overshot == 0
    assert screen.text.split() == shown(opened, text).split()


def test_no_word_is_lost(opened):
    text = CORPUS.read_text()
    printed = set(re.findall(r"\w+", shown(opened, text)))
    missing = set(re.findall(r"\w+", text)) - printed
    references = set(re.findall(r"\w+", " ".join(re.findall(r"^\[[^\]]+\]: .*|^ *(?:```|~~~).*", text, re.MULTILINE))))
    entities = {"amp", "lt", "copy", "nbsp"}
    assert not missing - references - entities


@pytest.mark.parametrize("seed", range(6))
def test_resizing_in_mid_stream_neither_loses_nor_repeats_anything(opened, seed):
    text = "\n\n".join(f"Paragraph {n} " + " ".join(f"word{n}x{i}" for i in range(60)) for n in range(12))
    chance, screen = random.Random(seed), Screen()

    def resize():
        if chance.random() < 0.3:
            screen.size = type(screen.size)((chance.choice([30, 50, 80, 132]), 40))

    draw(opened(screen), text, step=37, before_frame=resize)
    assert screen.text.split() == text.split()


def test_a_long_open_block_is_shown_by_its_end(opened):
    screen = Screen(rows=24)
    surface = opened(screen)
    text = "- " + "\n\n  ".join(f"line {n}" for n in range(300))
    surface.draw(StreamResult(text, SOME))
    assert screen.text.endswith("line 299\n")
    assert len(screen.text.splitlines()) == 12
    surface.close(ended(text))
    assert [int(n) for n in re.findall(r"line (\d+)", screen.text)] == list(range(300))


GIANTS = {
    "code": ("```python\n", "value = compute(1)  # a line\n\n"),
    "list": ("", "- an item with `code`\n"),
    "table": ("| a | b |\n|---|---|\n", "| one | two |\n"),
    "paragraph": ("", "some words of a paragraph "),
}


@pytest.mark.parametrize("kind", GIANTS)
def test_cost_is_linear_also_for_one_giant_block(opened, kind, monkeypatch):
    head, line = GIANTS[kind]
    lengths = []
    draw_piece = MarkdownPrinter.draw

    def counting(printer, piece, width):
        lengths.append(len(piece.source))
        return draw_piece(printer, piece, width)

    def written(length):
        screen = Screen()
        text = head + line * (length // len(line))
        lengths.clear()
        draw(opened(screen), text, step=200)
        rendered = sum(lengths)
        assert screen.text.split() == shown(opened, text).split()
        return rendered

    monkeypatch.setattr(MarkdownPrinter, "draw", counting)
    small, large = written(8_000), written(16_000)
    print(f"\n{kind}: characters rendered for 8,000 and 16,000: {small:,}, {large:,}")
    assert large < 2.5 * small


@pytest.mark.parametrize("cell", ["row {}", "*a* row {}", "row {} with many words " + "and more " * 12])
def test_a_giant_table_is_printed_in_parts_as_one(opened, cell, monkeypatch):
    longest = 0
    draw_piece = MarkdownPrinter.draw

    def measuring(printer, piece, width):
        nonlocal longest
        longest = max(longest, len(piece.source))
        return draw_piece(printer, piece, width)

    monkeypatch.setattr(MarkdownPrinter, "draw", measuring)
    rows = "".join(f"| {cell.format(number)} | x |\n" for number in range(120))
    screen = Screen()
    draw(opened(screen), f"| name | b |\n|---|--:|\n{rows}\nEnd\n", step=400)
    assert [int(n) for n in re.findall(r"row (\d+)", screen.text)] == list(range(120))
    assert screen.text.count("name") == screen.text.count("───\n") == 1
    assert screen.text.endswith("\n\nEnd\n")
    assert longest < 0.6 * len(rows)


def test_a_table_with_too_many_columns_is_printed_as_it_was_written(opened):
    text = f"|{'ab|' * 40}\n|{'-|' * 40}\n|{'cd|' * 40}\n"
    assert shown(opened, text).replace("\n", "") == text.replace("\n", "")


AS_WRITTEN = "[Note: Part of the answer is shown as it was written, because it is too long or has too many marks.]"


@pytest.mark.parametrize("step", [400, 100_000])
@pytest.mark.parametrize(
    "text",
    [
        "*a* [b] " * 1_100,
        "\\[" * 5_000,
        "- " + "*a* " * 4_000,
        "> " + "\n> ".join(["`a` **b** [c](d)"] * 900),
        "[^1]: " + "a *b*\n    " * 3_000,
        "> " * 30 + "字" * 9_000,
    ],
    ids=["paragraph", "brackets", "item", "quote", "footnote", "deep quote"],
)
def test_what_takes_too_long_is_printed_as_it_was_written_and_says_so_once(opened, text, step):
    screen = Screen()
    draw(opened(screen), f"[b]: https://c.example\n\n{text}\n\n---\n\n**End**", step)
    expected = f"{text}{'─' * 79}End{AS_WRITTEN}"
    assert "".join(screen.text.split()) == "".join(expected.split())


def test_a_table_of_words_looks_as_the_others_do(opened):
    plain = "| name | n | c |\n|---|--:|:-:|\n| one | 10 | x |\n| 字 | 5 | yyy |"
    assert shown(opened, plain) == shown(opened, plain.replace("one", "*one*"))


def test_a_table_is_drawn_where_rich_has_no_style_for_its_head(opened, monkeypatch):
    lacking = {name: style for name, style in DEFAULT_STYLES.items() if not name.startswith("markdown.table")}
    monkeypatch.setattr("rich.theme.DEFAULT_STYLES", lacking)
    assert "name" in shown(opened, "| name |\n|---|\n| one |")


def test_what_is_final_is_printed_once(opened):
    text = "\n\n".join(f"Paragraph number {n}." for n in range(200))
    screen = Screen()
    draw(opened(screen), text, step=15)
    assert all(screen.written.count(f"number {n}.") <= 2 for n in range(200))
    assert max(int(up[2:-1] or 1) for up in UP.findall(screen.written)) <= 3


def test_a_late_note_and_the_mark_stand_below(opened):
    screen = Screen()
    surface = opened(screen)
    surface.draw(StreamResult("Half an", SOME))
    screen.write("^C")  # as the terminal echoes it
    surface.close(ended("Half an ans", StreamState.CANCELLED))
    assert screen.text == (
        "Half an ans\n[Stopped: You stopped the answer after 11 characters. Call result.resume() to\ncontinue.]\n"
    )


def test_a_pause_is_told_and_taken_back(opened):
    screen = Screen()
    surface = opened(screen)
    surface.draw(StreamResult(retry=Retry("rate limited", 2.0, attempt=2, attempts=3)))
    assert screen.text == "rate limited, retrying in 2 s · attempt 2 of 3\n"
    surface.draw(StreamResult())
    assert screen.text == "Waiting for m …\n"
    surface.close(StreamResult("", StreamState.FAILED, error=ConnectionLostError("It broke.")))
    assert screen.text == "[Connection lost: It broke.]\n"


def test_an_answer_after_a_refusal_begins_again(opened):
    screen = Screen()
    surface = opened(screen)
    surface.draw(StreamResult(refusal="I **cannot**", state=SOME))
    surface.close(ended("But I *can*", refusal="I **cannot** do"))
    assert "\n[The model began to refuse. The answer:]\n" in screen.text
    assert screen.text.startswith("I cannot\n")
    assert "But I can\n" in screen.text


HOSTILE = [
    "\x1b]52;c;x\x07 \x9b31m \x1b[2J",
    "&#27;[2J &#x9b;31m",
    "<https://x.org/%1B%5B2J>",
    "[a](https://x.org/%1b]8;;y)",
    "[a](javascript:alert`1`) ![b](data:text/html,c)",
    "```\x1b[2J\n\x1b[2J\n```",
    "| \x1b[2J |\n|---|\n| \x1b[2J |",
    "`\x1b[2J` **\x1b[2J** $\x1b[2J$",
    "[a]\n\n[a]: https://x.org/\x1b[2J",
    "\x1b]8;;https://evil.example\x1b\\bank.example\x1b]8;;\x1b\\",
    "[bank.example](https://evil.example)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_acts_reaches_the_terminal(opened, text):
    screen = Screen()  # fails at every sequence and character but those that lay text out
    draw(opened(screen), text, step=1)
    assert "\x1b]" not in screen.written
    assert "\x1b[2J" not in screen.written


def test_a_definition_holds_behind_a_call_and_a_note_is_never_lost(opened):
    screen = Screen()
    surface = opened(screen)
    parts = (
        TextPart("[1]: http://a.example\n[^n]: http://b.example\n\n    and more\n\nOne[^n]"),
        ToolCallPart("c1", "look_up", "{}"),
        TextPart("See [the docs][1] and [^n]."),
    )
    surface.draw(StreamResult(parts=parts, state=StreamState.STREAMING))
    surface.close(StreamResult(parts=parts, state=StreamState.COMPLETED, finish_reason="stop"))
    assert "[^n]: http://b.example" in screen.text
    assert "\nand more" in screen.text
    assert "See the docs (http://a.example) and [^n]." in screen.text


def test_where_a_link_leads_is_printed(opened):
    assert shown(opened, "[bank.example](https://evil.example)") == "bank.example (https://evil.example)\n"
    assert shown(opened, "<https://a.example> ![a cat](https://b.example/c.png)") == (
        "https://a.example image: a cat (https://b.example/c.png)\n"
    )
    assert shown(opened, "[a](javascript:b)") == "a (javascript:b)\n"
    assert shown(opened, "[a]: https://a.example\n\nSee [the page][a].") == "See the page (https://a.example).\n"


def test_what_is_no_markdown_keeps_its_characters(opened):
    for text in (r"\(a_1*b_2*c\) and $x_1 y_1$", "<div>html</div>", "$$\na_1 * b * c\n$$", "5 < 6 <br> 7"):
        assert shown(opened, text) == f"{text}\n"


def test_without_somebody_who_waits_nothing_is_rewritten(opened):
    screen = Screen()
    surface = opened(screen, waits=False)
    screen.write("printed by others\n")
    surface.draw(StreamResult("One.\n\nTw", SOME))
    screen.write("printed by others\n")
    surface.close(ended("One.\n\nTwo."))
    assert screen.text == "printed by others\nOne.\nprinted by others\n\nTwo.\n"
    assert "\x1b[" not in screen.written


def test_an_answer_in_the_background_follows_the_one_that_is_waited_for(opened):
    screen = Screen()
    back, front = opened(screen, waits=False), opened(screen)
    back.draw(StreamResult("Back, one.\n\nBack, tw", SOME))
    front.draw(StreamResult("Front, one", SOME))
    assert screen.text == "Back, one.\nFront, one\n"
    back.draw(StreamResult("Back, one.\n\nBack, two.\n\nBack, thr", SOME))
    front.draw(StreamResult("Front, one.\n\nFront, tw", SOME))
    assert screen.text == "Back, one.\nFront, one.\n\nFront, tw\n"
    front.close(ended("Front, one.\n\nFront, two."))
    back.close(ended("Back, one.\n\nBack, two.\n\nBack, three."))
    words = "Back, one. Front, one. Front, two. Back, two. Back, three."
    assert screen.text.split() == words.split()


def test_no_color_means_none(opened, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    draw(opened(screen), "# Title\n\n`code` and **bold**\n\n```python\nfor i in x: pass\n```\n", step=5)
    assert re.findall(r"\x1b\[[\d;]*(?:3|4|9|10)\d[\d;]*m", screen.written) == []
    assert "\x1b[1m" in screen.written
