"""Code in a language has colours, unless finding them takes too long: then it says so and is as it was written."""

from __future__ import annotations

import html
import re

import pytest

from nbstream.markdown import IncrementalRenderer, render
from nbstream.markdown.highlight import Colouring
from tests.markdown.families import FAMILIES

# Each line of it is short, so nothing but the time can tell.
_SLOW = "a b\n" * 2_000
_TITLE = 'title="Shown without colours, because finding them takes too long."'


def _fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}```\n"


def _shown(drawn: str) -> str:
    [code] = re.findall("<code[^>]*>(.*)</code>", drawn, re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", "", code))


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
    colouring = Colouring(_SLOW, "python")
    assert colouring.advance()
    assert colouring.html is None
    drawn = render(_fenced(_SLOW) + "\nThe rest *goes on*.\n")
    assert f'<code class="language-python" {_TITLE}>' in drawn
    assert "<span" not in drawn
    assert _shown(drawn) == _SLOW
    assert drawn.endswith("<p>The rest <em>goes on</em>.</p>")


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


def test_at_the_end_all_code_has_its_colours():
    renderer = IncrementalRenderer()
    text = "\n".join(_fenced(f"x = {number}\n") for number in range(5))
    renderer.append(text)
    patches = renderer.finish()
    assert [patch.block for patch in patches if "<span" in patch.commit] == [0, 1, 2, 3, 4]
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
    assert _shown(render(text)).rstrip("\n") == code.removesuffix("```\n").rstrip("\n")
