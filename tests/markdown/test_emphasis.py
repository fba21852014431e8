"""Emphasis by value: what pairs with what, and that it takes no longer than the text is long."""

from __future__ import annotations

from functools import partial

import pytest

from nbstream.markdown import render
from tests.steps import steps


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("***both***", "<em><strong>both</strong></em>"),
        ("**a *b***", "<strong>a <em>b</em></strong>"),
        ("f(*args, **kwargs)", "f(*args, **kwargs)"),
        ("snake_case_name", "snake_case_name"),
        ("a*b*c and 2 * 3 * 4", "a<em>b</em>c and 2 * 3 * 4"),
        ("*a **b* c**", "<em>a <em><em>b</em> c</em></em>"),
        ("**`a`** and *[a](http://u.example)*", None),
        ("a**~~b~~**c", "a<strong><del>b</del></strong>c"),
        ("~~a~~ ~b~ ~~~c~~~ ~5 or ~6", "<del>a</del> <del>b</del> ~~~c~~~ ~5 or ~6"),
        (r"\*a\* *b \* c*", "*a* <em>b * c</em>"),
        (r"[\*a\*](http://u.example) *b* \*c\*", None),
        ("**重要\uff1a**请", "<strong>重要\uff1a</strong>请"),
        ("这是**“重点”**内容", "这是<strong>“重点”</strong>内容"),
        ("**중요:**다음", "<strong>중요:</strong>다음"),
        ("👍**yes**🎉", "👍<strong>yes</strong>🎉"),
    ],
)
def test_delimiters_pair(text, html):
    drawn = render(text)
    if html is not None:
        assert drawn == f"<p>{html}</p>"
    elif "`" in text:
        assert drawn.startswith("<p><strong><code>a</code></strong> and <em><a ")
    else:
        assert ">*a*</a> <em>b</em> *c*</p>" in drawn


def test_the_text_of_an_image_is_plain():
    assert ">image not loaded: a b c d</a>" in render("![a *b* `c` [d](/e)](https://x.example/a.png)")


@pytest.mark.parametrize("piece", ["*a_ ", "**a ", "a** ", "*a **b ", "_a*b~c ", "~a ~~b ", "***a_"])
def test_runs_that_pair_with_nothing_cost_no_more_than_those_that_do(piece):
    text = piece * 1000
    # Looking back at every run takes thousands.
    assert steps(partial(render, text)) < 400 * len(text)
