"""Code in a language has colours, unless finding them takes too long: then it says so and is as it was written."""

from __future__ import annotations

import html
import math
import random
import re
import subprocess
import sys

import pytest
from pygments.lexers import get_all_lexers
from pygments.lexers.python import PythonLexer
from pygments.token import Token

from nbstream.display.deltas import BlockDeltas
from nbstream.markdown import IncrementalRenderer, render
from nbstream.markdown.highlight import Colouring, colouring_of
from nbstream.markdown.lexers import lexer_of
from tests.markdown.families import FAMILIES
from tests.slots import Slots

# Each line of it is short, so nothing but the time can tell.
_SLOW = "a b\n" * 2_000
_TITLE = 'title="Shown without colours, because finding them takes too long."'


def _fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}```\n"


def _shown(drawn: str) -> str:
    [code] = re.findall("<code[^>]*>(.*)</code>", drawn, re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", "", code))


def _colouring(code: str, language: str) -> Colouring:
    colouring = colouring_of(code, language)
    assert colouring is not None
    return colouring


@pytest.fixture(scope="module", autouse=True)
def _lexers() -> None:
    """The first use of a language is another matter: see `test_lexers`."""
    for language in ("python", "java", "json", "no such language", *_INEXACT):
        lexer_of(language).result()


@pytest.fixture
def slow_clock(monkeypatch):
    """A machine on which sixteen tokens take a millisecond."""
    now = 0.0

    def thread_time():
        nonlocal now
        now += 0.001
        return now

    monkeypatch.setattr("nbstream.markdown.highlight.time.thread_time", thread_time)


def test_ordinary_code_has_colours():
    drawn = render(_fenced("x = 1\n" * 100))
    assert '<span class="n">x</span>' in drawn
    assert "title=" not in drawn


@pytest.mark.usefixtures("slow_clock")
def test_code_that_takes_too_long_is_plain_and_says_so():
    colouring = _colouring(_SLOW, "python")
    assert colouring.advance()
    assert colouring.html is None
    drawn = render(_fenced(_SLOW) + "\nThe rest *goes on*.\n")
    assert f'<code class="language-python" {_TITLE}>' in drawn
    assert "<span" not in drawn
    assert _shown(drawn) == _SLOW
    assert drawn.endswith("<p>The rest <em>goes on</em>.</p>")


@pytest.mark.usefixtures("slow_clock")
def test_a_language_that_took_too_long_takes_no_more_time_in_the_same_answer(monkeypatch):
    begun = []
    get_tokens = PythonLexer.get_tokens

    def watched(lexer, code):
        begun.append(code)
        yield from get_tokens(lexer, code)

    monkeypatch.setattr(PythonLexer, "get_tokens", watched)
    text = "\n".join(_fenced(_SLOW + f"x = {number}\n") for number in range(5)) + _fenced('{"a": 1}\n', "json")
    renderer = IncrementalRenderer()
    renderer.append(text)
    renderer.finish()
    assert len(begun) == 1
    drawn = "\n".join(renderer.snapshot())
    assert drawn == render(text)
    assert drawn.count(_TITLE) == 5
    assert '<span class="p">' in drawn, "another language has its colours"


@pytest.mark.usefixtures("slow_clock")
def test_so_it_is_while_it_grows():
    renderer, text = IncrementalRenderer(), _fenced(_SLOW)
    for start in range(0, len(text), 70):
        renderer.append(text[start : start + 70])
    renderer.finish()
    assert "\n".join(renderer.snapshot()) == render(text)
    assert _TITLE in render(text)


@pytest.mark.usefixtures("slow_clock")
def test_the_colours_of_long_code_take_several_updates():
    renderer = IncrementalRenderer()
    renderer.append(_fenced("x = 1\n" * 150))
    assert "<span" not in "".join(renderer.snapshot())
    updates = 0
    while not (patches := [patch for patch in renderer.append("word ") if patch.block == 0]):
        updates += 1
    [patch] = patches
    assert updates > 5
    assert '<span class="n">x</span>' in patch.commit
    assert patch.settled
    assert renderer.snapshot()[0] == patch.commit == render(_fenced("x = 1\n" * 150))


def _place(slots, patches):
    """What a page shows after some more patches."""
    for patch in patches:
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    return slots.text


_GROWING = {
    "at the top": "```python\n{}```\n",
    "in a list": "1. See\n\n   ```python\n{}   ```\n2. Two\n",
    "in a quote": "> ```python\n{}> ```\n> more\n",
}


@pytest.mark.parametrize("place", _GROWING)
def test_each_line_has_colours_as_soon_as_it_is_complete(place):
    indent = {"at the top": "", "in a list": "   ", "in a quote": "> "}[place]
    opening, closing = _GROWING[place].split("{}")
    code = [f"x{number} = call(a, b)  # it's {number}\n" for number in range(60)]
    renderer, slots = IncrementalRenderer(), Slots()
    _place(slots, renderer.append(opening + indent))
    for number, line in enumerate(code):
        _place(slots, renderer.append(line[:4]))
        shown = _place(slots, renderer.append(line[4:] + indent))
        if number or place == "at the top":  # a list is drawn first as it is
            assert shown.count('<span class="c1">') == number + 1
    _place(slots, renderer.append(closing.removeprefix(indent) + "\nEnd.\n"))
    assert _place(slots, renderer.finish()) == render(
        opening + "".join(indent + line for line in code) + closing + "\nEnd.\n"
    )
    assert '<span class="c1">' in slots.text


@pytest.mark.parametrize(
    "code",
    [
        'def f():\n    """\n' + "    it's so\n" * 40 + '    """\n' + "    return 1\n" * 30,
        "/** it's\n" + " * so\n" * 30 + " */\nint a = 1;\n" * 30,
        "x = 1\n" * 30 + "y = '" + "z" * 600 + "'\n" + "x = 1\n" * 30,
        "x = 1  # a long line\n" * 1_000,
    ],
    ids=["a long string", "long comments", "a long line", "too much"],
)
@pytest.mark.parametrize("language", ["python", "java", "no such language"])
def test_the_colours_of_growing_code_end_as_those_of_the_whole(code, language):
    renderer, slots, text = IncrementalRenderer(), Slots(), _fenced(code, language) + "\nEnd.\n"
    step = max(50, len(text) // 60)
    for start in range(0, len(text), step):
        _place(slots, renderer.append(text[start : start + step]))
        assert text[: start + step].removeprefix(f"```{language}\n").startswith(_shown_so_far(slots.text))
    _place(slots, renderer.finish())
    assert slots.text == render(text)
    assert "\n".join(renderer.snapshot()) == render(text)


def _shown_so_far(drawn):
    found = re.search("<code[^>]*>(.*)</code>", drawn, re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", "", found[1])) if found else ""


def test_growing_code_reads_only_its_last_lines_again(monkeypatch):
    read, get_tokens = [], PythonLexer.get_tokens

    def watched(lexer, code):
        read.append(len(code))
        return get_tokens(lexer, code)

    monkeypatch.setattr(PythonLexer, "get_tokens", watched)
    renderer, deltas, sent = IncrementalRenderer(), BlockDeltas(), 0
    renderer.append("```python\n")
    for number in range(400):
        patches = renderer.append(f"x{number} = call(a, b)\n")
        sent += sum(len(commit + tail) for _, _, commit, _, tail in deltas.take(patches))
    assert max(read) < 1_000
    assert sum(read) < 400 * 1_000
    renderer.append("```\n")
    renderer.finish()
    assert max(read) > 6_000, "once as a whole"
    assert sent < 3 * len("".join(renderer.snapshot()))


@pytest.mark.parametrize("lines", [1, 5, 90, 300])
def test_a_page_that_begins_in_the_middle_shows_the_colours(lines):
    renderer, slots = IncrementalRenderer(), Slots()
    for number in range(lines + 1):
        renderer.append(f"x{number} = 1\n" if number else "Text.\n\n```python\n")
    for _ in range(2):  # the second page gets what the first got
        for block, drawn in enumerate(renderer.snapshot()):
            slots.place(block, 0, "", drawn)
        assert slots.text.count('<span class="mi">') == lines
    _place(slots, renderer.append("y = 2\nz"))
    assert slots.text.count('<span class="mi">') == lines + 1
    assert "z" in slots.text
    _place(slots, renderer.append(" = 3\n```\n"))
    _place(slots, renderer.finish())
    text = "".join(f"x{number} = 1\n" for number in range(1, lines + 1))
    assert slots.text == render(f"Text.\n\n```python\n{text}y = 2\nz = 3\n```\n")


def test_code_whose_colours_were_right_is_not_sent_again():
    renderer = IncrementalRenderer()
    for number in range(60):
        renderer.append(f"x{number} = 1\n" if number else "```python\n")
    assert [patch for patch in renderer.append("```\n") if patch.depth == 0] == []
    assert renderer.finish() == ()


def test_at_the_end_all_code_has_its_colours():
    renderer = IncrementalRenderer()
    text = "\n".join(_fenced(f"x = {number}\n") for number in range(5))
    patches = renderer.append(text)
    assert [patch.block for patch in patches if "<span" in patch.commit] == [0], "nothing else may come for a while"
    patches = renderer.finish()
    assert [patch.block for patch in patches if "<span" in patch.commit] == [1, 2, 3, 4]
    assert "\n".join(renderer.snapshot()) == render(text)


def test_code_that_is_too_long_to_be_coloured_is_plain():
    code = "x = 1\n" * 4_000
    assert _shown(render(_fenced(code))) == code
    assert "<span" not in render(_fenced(code))


_CODE = [each for each in FAMILIES if each.kind == "code" and "````" not in each.make(100)]


@pytest.mark.parametrize("family", _CODE, ids=lambda each: each.name)
def test_slow_code_stays_what_it_is(family):
    text = family.make(4_000)
    opening, code = text.split("\n", 1)
    assert opening.startswith("```")
    assert _shown(render(text)) == code.removesuffix("```\n")


# What Pygments makes of these is not what was written: it repeats, drops or rewrites text.
_INEXACT = {
    "terraform": "x = <<EOF\n  never ended\n",
    "cr": "x = <<-A + <<-B\n  never ended\n",
    "rconsole": ">\nx <- 1\n",
    "robotframework": "*** Test Cases ***\nA\tB\n    Log\tx\n",
    "python": "\ufeffx = 1\n",
}


@pytest.mark.parametrize("language", _INEXACT)
def test_code_is_shown_as_it_was_written(language):
    code = _INEXACT[language]
    assert _shown(render(_fenced(code, language))) == code
    renderer = IncrementalRenderer()
    for character in _fenced(code, language):
        renderer.append(character)
    renderer.finish()
    assert _shown("\n".join(renderer.snapshot())) == code


def test_blank_lines_at_the_ends_of_code_stay():
    code = "\n\nx = 1\n\n\n"
    drawn = render(_fenced(code))
    assert _shown(drawn) == code
    assert "<span" in drawn


def test_every_language_spells_the_code_or_has_no_colours():
    rng, characters = random.Random(1), "(){}[]<>/*\\\"'`#@!%&|;:,.=+-~^$?\n\n \tabX09_é中"
    words = ["<<EOF", "<?php", "?>", "{%", "%}", ">>> ", "$ ", "In [1]: ", "/*", "*/", "---", "=begin", "::", "\\end"]
    for _, [language, *_], *_ in (each for each in get_all_lexers() if each[1]):
        code = "".join(rng.choice(words if rng.random() < 0.2 else characters) for _ in range(40)) + "\n"
        assert lexer_of(language).result() is not None, language
        colouring = _colouring(code, language)
        assert colouring.advance()
        assert colouring.html is None or html.unescape(re.sub("<[^>]*>", "", colouring.html)) == code, language


def test_a_lexer_that_fails_leaves_code_plain(monkeypatch):
    def get_tokens(_, code):
        yield from [(Token.Text, code[:2])] * 20
        raise RuntimeError(code)

    monkeypatch.setattr(PythonLexer, "get_tokens", get_tokens)
    drawn = render(_fenced("x = 1\n") + "The rest.\n")
    assert _shown(drawn) == "x = 1\n"
    assert "<span" not in drawn
    assert drawn.endswith("<p>The rest.</p>")


_FIRST_COLOURS = """
import threading
from nbstream.markdown import render
failed = []
barrier = threading.Barrier(8)
def draw():
    barrier.wait()
    try:
        assert '<span class="n">x</span>' in render("```python\\nx = 1\\n```")
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=draw) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not failed, failed
"""


def test_the_first_colours_are_found_on_several_threads_at_once():
    for _ in range(2):  # it used to fail five times out of six
        subprocess.run([sys.executable, "-c", _FIRST_COLOURS], check=True, timeout=60)


def test_code_in_a_list_gets_the_colours_of_the_whole_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    advance = Colouring.advance

    def advanced(colouring: Colouring, seconds: float = math.inf) -> bool:
        asked.append(seconds)
        return advance(colouring, seconds)

    monkeypatch.setattr(Colouring, "advance", advanced)
    functions = "".join(f"  def f{n}(x):\n      '''Doc {n}'''\n      return x + {n}\n\n" for n in range(30))
    code = functions.replace("'''Doc 3'''", "'''Doc 3")  # from there on all is the other way round
    text = f"- See [page].\n\n  ```python\n{code}  ```\n\nThe end.\n\n[page]: https://a.example\n"
    renderer, slots = IncrementalRenderer(), Slots()
    for start in range(0, len(text), 40):
        _place(slots, renderer.append(text[start : start + 40]))
    _place(slots, renderer.end())
    for patches in renderer.rest():
        _place(slots, patches)
    assert max(asked) < 0.01
    assert "\n".join(renderer.snapshot()) == slots.text == render(text)


@pytest.fixture
def set_back(monkeypatch):
    """A machine that does something else for a second, so many times."""

    def set_back(times):
        late = [1.0] * times
        now = 0.0

        def thread_time():
            nonlocal now
            now += late.pop() if late else 0.0
            return now

        monkeypatch.setattr("nbstream.markdown.highlight.time.thread_time", thread_time)

    return set_back


@pytest.mark.parametrize("times", [1, 2, 3])
def test_code_keeps_its_colours_if_the_machine_was_busy_with_something_else(set_back, times):
    renderer = IncrementalRenderer()
    renderer.append("```python\nx = 1\n")
    set_back(times)
    renderer.append("y = 2\n" * 30)
    while renderer.awaited():
        renderer.go_on()
    assert renderer.snapshot()[0].count('<span class="mi">') == 31


def test_growing_code_that_always_takes_too_long_is_given_up(set_back):
    renderer = IncrementalRenderer()
    set_back(10**6)
    for number in range(20):
        renderer.append("x = [1, 2, 3, 4, 5, 6, 7]\n" if number else "```python\n")
        renderer.go_on()
    assert not renderer.awaited()
    assert "<span" not in renderer.snapshot()[0]


def test_complete_code_has_its_colours_though_a_full_collection_came_between(set_back):
    colouring = _colouring("x = 1\n" * 30, "python")
    set_back(1)
    assert colouring.advance()
    assert colouring.html is not None
