"""The dialect against its judges: GitHub's own parser on answers as models write them, and the CommonMark examples.

    pytest -s tests/markdown/test_gfm.py

prints how many agree and which do not. What is left is listed with its reason in `corpus/left.toml`. How structures
are compared is written in `structure`.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from nbstream.markdown import inert, render
from tests.markdown.structure import agrees, answers, source, structure

_HERE = Path(__file__).parent
_LEFT = tomllib.loads((_HERE / "corpus" / "left.toml").read_text(encoding="utf-8"))
# Both may only rise.
_ANSWERS_FLOOR = 0.925
_SPECIFICATION_FLOOR = 0.987
_FROM_ROOT = re.compile(r"(\]\(\s*<?|\]:\s*<?)/")
_RAW_HTML = re.compile(r"<[A-Za-z/!?]")


def _examples() -> dict[str, tuple[str, str]]:
    """The examples of the specification in which no `<` could start a tag, comment, declaration or instruction."""
    every = json.loads((_HERE.parent / "data" / "commonmark.json").read_text(encoding="utf-8"))
    return {
        str(example["example"]): (example["markdown"], example["html"])
        for example in every
        if not _RAW_HTML.search(example["markdown"])
    }


_ANSWERS = answers()


def _report(judge: str, total: int, disagreed: list[str], reasons: dict[str, str]) -> float:
    share = 1 - len(disagreed) / total
    print(f"\n{judge}: {total - len(disagreed)} of {total} agree ({share:.1%}); not:")
    for name in disagreed:
        print(f"  {name}: {reasons.get(name, 'NOT LISTED')}")
    return share


def test_the_judge_tells_structures_apart():
    assert structure("<p>a</p>\n<p>b</p>") != structure("<p>a b</p>")
    assert structure("<ul><li>a</li></ul>") != structure("<ul><li><p>a</p></li></ul>")
    assert structure("<p>a<br>b</p>") != structure("<p>a\nb</p>")
    assert structure("<p><code>a  b</code></p>") != structure("<p><code>a b</code></p>")
    assert structure("<pre lang='x'><code>a\n</code></pre>") == structure(
        '<pre><code class="language-x">a\n</code></pre>'
    )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("costs ⟪$x_1$⟫ *a*", True),
        ("costs $x_1$ *a*", False),  # a formula where none was meant
        ("costs ⟪$5 and $⟫6", False),  # none where one was meant
        ("text\n⟪$$\nx\n$$⟫\ntext", True),
        ("<b>*x*</b> and <!-- *y* -->", True),
    ],
)
def test_the_judge_knows_formulas_and_raw_html(text, verdict):
    assert agrees(text) == verdict


def test_answers_have_the_structure_that_github_gives_them():
    assert len(_ANSWERS) >= 200
    disagreed = [name for name, text in _ANSWERS.items() if not agrees(text)]
    share = _report("GitHub's parser, answers as models write them", len(_ANSWERS), disagreed, _LEFT["answers"])
    assert sorted(disagreed) == sorted(_LEFT["answers"])
    assert share >= _ANSWERS_FLOOR


def test_examples_of_the_specification_have_the_structure_that_it_gives_them():
    examples = _examples()
    assert len(examples) == 542
    disagreed = [name for name, (text, html) in examples.items() if structure(render(text)) != structure(html)]
    share = _report("CommonMark 0.31.2, examples without raw HTML", len(examples), disagreed, _LEFT["specification"])
    assert sorted(disagreed) == sorted(_LEFT["specification"])
    assert share >= _SPECIFICATION_FLOOR


def test_inert_answers_keep_their_structure():
    # Formulas change their delimiters, notes become words, and so do links to the root of the notebook's own server.
    judged = {
        name: _FROM_ROOT.sub(r"\1", source(text))
        for name, text in _ANSWERS.items()
        if "⟪" not in text and "[^" not in text
    }
    assert len(judged) >= 300
    # Nor are tags read here, such as those around text that runs from right to left.
    directed = re.compile(r"</?section.*|<span style.*?>([\s\S]*?)</span>(?=$| \|)", re.MULTILINE)
    saved = {name: directed.sub(lambda found: found[1] or "", inert(text)) for name, text in judged.items()}
    disagreed = {name for name, text in judged.items() if structure(render(saved[name])) != structure(render(text))}
    assert disagreed <= set(_LEFT["inert"])


@pytest.mark.parametrize("name", ["list after a paragraph line", "fence in a list item", "nesting by two spaces"])
def test_what_models_write_most_is_read_as_github_reads_it(name):
    assert agrees(_ANSWERS[name])
