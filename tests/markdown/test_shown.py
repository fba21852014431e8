"""What is saved looks as what was shown, whoever shows it: JupyterLab, GitHub, nbconvert and VS Code.

    pytest -s tests/markdown/test_shown.py

prints how many texts agree and which do not; `shown` has a command line that tells more. The numbers that are asked for
are in `corpus/shown.json`, and may only rise.
"""

from __future__ import annotations

import pytest

from tests.markdown.elsewhere import RENDERERS, rendered
from tests.markdown.seen import structure
from tests.markdown.shown import compare, compare_all, corpora, count, difference, floors, left, table


@pytest.fixture(scope="module")
def found():
    return compare_all(corpora())


def _math(written):
    return structure(f'<p>a <span class="nbs-math">{written}</span></p>')


def test_the_judge_tells_structures_apart():
    assert structure("<p>a</p>\n<p>b</p>") != structure("<p>a b</p>")
    assert structure("<ul><li>a</li></ul>") != structure("<ul><li><p>a</p></li></ul>")
    assert structure("<p>x<sub>2</sub></p>") != structure("<p>x2</p>")
    assert _math("$x$") != structure("<p>a $x$</p>")
    assert _math("$x$") != _math("$$x$$")
    assert _math("$x$") != _math("$y$")


def test_the_judge_takes_the_same_for_the_same():
    assert _math("$x &lt; y$") == _math(r"\(x\lt y\)")
    assert structure('<p>a</p><div class="nbs-math">$$x$$</div>') == _math(r"\[ x \]")
    assert structure('<pre><code class="language-x">a\n</code></pre>') == structure(
        '<pre lang="x"><code>a</code></pre>'
    )
    assert structure("<p>a\u2060<s>b</s>\nc</p>") == structure("<p>a<del>b</del> c</p>")
    assert structure('<td style="text-align:left">a</td>') == structure('<td align="left"> a </td>')


@pytest.mark.parametrize("dollar", [r"<span>\$</span>", "<span>&#36;</span>"])
@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_dollar_in_a_span_is_text_everywhere(renderer, dollar):
    html = rendered([f"{dollar}5 and **{dollar}6** and $x$ and ({dollar}7){dollar}"], [renderer])[renderer][0]
    assert [token for token in structure(html) if token.startswith("$")] == ["$ x"]


@pytest.mark.parametrize("renderer", ["lab", "mistune"])
@pytest.mark.parametrize("text", [r"\$5 and \$6", "&#36;5 and &#36;6", r"\\(5 and \\)", "&#92;(5 and &#92;)"])
def test_escapes_do_not_keep_mathjax_away(renderer, text):
    html = rendered([text], [renderer])[renderer][0]
    assert any(token == "$ 5and" for token in structure(html))


def test_enough_texts_are_judged():
    assert sum(len(texts) for name, texts in corpora().items() if name != "specification") >= 600


@pytest.mark.parametrize("renderer", RENDERERS)
def test_what_is_saved_looks_as_what_was_shown(renderer, found):
    counts = count({renderer: found[renderer]})
    print(f"\n{table(counts)}\n{left({renderer: found[renderer]})}")
    fewer = {
        corpus: f"{counts[renderer][corpus][0]} agree now, {once} have done so"
        for corpus, once in floors()[renderer].items()
        if counts[renderer][corpus][0] < once
    }
    assert not fewer


@pytest.mark.parametrize("renderer", RENDERERS)
def test_what_is_too_long_to_be_drawn_is_saved_as_it_was_shown(renderer):
    marks = "*a* $x$ `b|c` ~~d~~ [e](http://f.example) <g> &amp; \\| $5 | "
    texts = {
        "row": f"|a|b|\n|-|-|\n|{marks * 200}|\n|*x*|y|\n",
        "formula": f"$$\n{'a &= *b* $ `c` <d> ~~~' * 10} {chr(10)}{'x' * 9_000}\n$$\n\n*End*",
        "line": f"$$ {marks * 200}",
    }
    for name, compared in compare(texts, [renderer])[renderer].items():
        assert compared.agree, f"{name}: {difference(compared)}"


def test_a_difference_is_told_in_a_few_words(found):
    for of in found.values():
        for texts in of.values():
            assert all(len(difference(each)) < 400 for each in texts.values() if not each.agree)
