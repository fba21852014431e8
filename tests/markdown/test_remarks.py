"""Remarks between stretches of a text: one document, in which definitions and notes hold throughout."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from nbstream.markdown import IncrementalRenderer, Remark, inert, render
from tests.slots import Slots

_CALL = Remark("Tool call: <look_up> *now*")
_CALLED = '<p class="nbs-step"><em>Tool call: &lt;look_up&gt; *now*</em></p>'
_LINES = [
    "See [the docs][1] and [^n].",
    "[1]: http://a.example",
    "[^n]: A *note*[^m].",
    "[^m]: [docs][1]",
    "",
    "",
    "- item [1]",
    "  - inner",
    "2. two",
    "```",
    "$$",
    "> quoted",
    "| a | b |",
    "|---|---|",
    "    indented",
    "words **bold",
]


def _grown(texts: list[str | Remark], seed: int) -> str:
    chance, renderer, slots = random.Random(seed), IncrementalRenderer(), Slots()
    for text in texts:
        if isinstance(text, Remark):
            _, patches = renderer.remark(text)
            for patch in patches:
                slots.place(patch.block, patch.depth, patch.commit, patch.tail)
            continue
        start = 0
        while start < len(text):
            size = chance.randint(1, 12)
            for patch in renderer.append(text[start : start + size]):
                slots.place(patch.block, patch.depth, patch.commit, patch.tail)
            start += size
    for patch in renderer.finish():
        slots.place(patch.block, patch.depth, patch.commit, patch.tail)
    return slots.text


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.sampled_from(_LINES), st.just(_CALL)), max_size=14), st.integers(0, 9))
def test_any_order_of_lines_and_remarks_ends_as_the_full_render(lines: list[str | Remark], seed: int) -> None:
    texts: list[str | Remark] = [line if isinstance(line, Remark) else f"{line}\n" for line in lines]
    html = render(*texts)
    assert _grown(texts, seed) == html
    assert html.count(_CALLED) == lines.count(_CALL)


def test_what_is_defined_behind_a_remark_holds_before_it() -> None:
    texts: list[str | Remark] = ["See [the docs][1] and [^n].", _CALL, "[1]: http://a.example\n[^n]: A note."]
    html = render(*texts)
    assert 'href="http://a.example"' in html
    assert "<sup>1</sup>" in html
    assert html.endswith("<p>A note.</p>\n</li>\n</ol>\n</div>")
    assert _grown(texts, 1) == html
    assert inert(*texts) == (
        "See [the docs](http://a.example) and <sup>1</sup>.\n\n"
        "*Tool call: \\<look\\_up\\> \\*now\\**\n\n___\n\n1. A note."
    )


def test_what_is_defined_before_a_remark_holds_behind_it() -> None:
    texts: list[str | Remark] = ["[1]: http://a.example\n\n[^n]: A note.", _CALL, "See [the docs][1] and [^n]."]
    assert 'href="http://a.example"' in render(*texts)
    assert _grown(texts, 2) == render(*texts)


def test_a_remark_ends_every_block() -> None:
    assert render("```\ncode", _CALL, "words") == f"<pre><code>code\n</code></pre>\n{_CALLED}\n<p>words</p>"
    assert render("- one\n  - two", _CALL, "  three").endswith(f"</ul>\n{_CALLED}\n<p>three</p>")
    assert render("| a |\n|---|", _CALL, "| b |").endswith(f"</table>\n{_CALLED}\n<p>| b |</p>")
    assert render("One", _CALL, "===") == f"<p>One</p>\n{_CALLED}\n<p>===</p>"


def test_a_remark_can_be_changed_in_place() -> None:
    renderer = IncrementalRenderer()
    renderer.append("One")
    block, _ = renderer.remark(Remark("Web search"))
    renderer.append("Two")
    [patch] = renderer.change_remark(block, Remark("Web search: tides"))
    assert (patch.block, patch.depth) == (1, 0)
    assert renderer.change_remark(block, Remark("Web search: tides")) == ()
    assert renderer.snapshot()[block] == patch.commit == render(Remark("Web search: tides"))
