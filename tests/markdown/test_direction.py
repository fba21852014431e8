"""Text that runs from right to left is saved as it was shown: at the right."""

from __future__ import annotations

import pytest

from nbstream.markdown import inert
from nbstream.markdown.scripts import is_right_to_left
from tests.markdown.elsewhere import rendered

_OPENED = '<section dir="rtl" markdown="1">\n\n'
_CLOSED = "\n\n</section>"
_LEFT = '<span style="display: block; direction: ltr; text-align: left">'
_RIGHT = '<span style="display: block; direction: rtl; text-align: right">'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("سلام", True),
        ("עברית and English", True),
        ("ߒߞߏ", True),
        ("**1.** «سلام»", True),
        ("English and עברית", False),
        ("1, 2, 3", False),
        ("中文和العربية", False),
        ("", False),
    ],
)
def test_the_first_letter_decides(text, expected):
    assert is_right_to_left(text) is expected


def test_each_stretch_has_its_direction():
    text = "# שלום\n\nשלום **עולם**.\n\nEnglish.\n\n- א\n- ב\n\n```\ncode\n```\n\n| נא | ב |\n|---|---|\n| ג | ד |"  # noqa: RUF001
    assert inert(text) == (
        f"{_OPENED}# שלום\n\n{_RIGHT}שלום **עולם**.</span>{_CLOSED}\n\nEnglish.\n\n{_OPENED}- א\n- ב{_CLOSED}\n\n"
        f"```\ncode\n```\n\n{_OPENED}| נא | ב |\n| --- | --- |\n| ג | ד |{_CLOSED}"
    )


def test_other_text_has_nothing_around_it():
    assert inert("English and עברית") == "English and עברית"
    assert inert("> سلام") == f"{_OPENED}> {_RIGHT}سلام</span>{_CLOSED}"
    assert inert("- one\n\n  سلام") == f"- one\n\n  {_RIGHT}سلام</span>"
    assert inert("سلام $x$") == f"{_OPENED}{_RIGHT}<span></span>سلام $x$</span>{_CLOSED}"
    assert inert("سلام $$x$$") == f"{_OPENED}سلام $$x$${_CLOSED}"
    assert inert("אב\nגד\n\nx") == f"{_OPENED}{_RIGHT}אב\nגד</span>{_CLOSED}\n\nx"


def test_items_are_at_the_side_where_they_begin():
    assert inert("- one\n- سلام\n- 1, 2\n  - דנה\n- $x$ سلام") == (
        f"- one\n- {_RIGHT}سلام</span>\n- 1, 2\n  - {_RIGHT}דנה</span>\n- $x$ سلام"
    )
    assert inert("- سلام\n- one `a`\n  - דנה") == f"{_OPENED}- سلام\n- {_LEFT}one `a`</span>\n  - דנה{_CLOSED}"
    assert inert("> سلام\n>\n> English.") == f"{_OPENED}> {_RIGHT}سلام</span>\n>\n> {_LEFT}English.</span>{_CLOSED}"
    assert inert("- سلام `<b>`\n- one") == f"- {_RIGHT}سلام `<b>`</span>\n- one"


def test_cells_are_at_the_side_where_they_begin():
    assert inert("|a|b|c|\n|-|-|-:|\n|one|שלום `x`|שלום|\n|2|דנה $x$||") == (
        "| a | b | c |\n| --- | --- | ---: |\n"
        f"| one | {_RIGHT}שלום `x`</span> | שלום |\n| 2 | {_RIGHT}<span></span>דנה $x$</span> |  |"
    )
    assert inert("|ש|b|\n|-|-|\n|one|שלום|") == (
        f"{_OPENED}| ש | b |\n| --- | --- |\n| {_LEFT}one</span> | שלום |{_CLOSED}"
    )


@pytest.mark.parametrize("renderer", ["lab", "github", "mistune", "code"])
def test_formulas_in_them_are_typeset(renderer):
    text = "سلام $x$ و $y$\n\n- a\n- سلام **ب** $z$\n\n|a|b|\n|-|-|\n|c|سلام $u$|"
    assert rendered([inert(text)], [renderer])[renderer][0].count('class="nbs-math"') == 4


@pytest.mark.parametrize("code", ["`<img src=x onerror=alert(1)>`", "`</section>`", "`<!-- x -->`"])
def test_what_could_act_in_html_is_in_none(code):
    # Python-Markdown without extensions hands on what is in an element as it is.
    assert "<section" not in inert(f"سلام {code}")
    assert "<section" not in inert(f"- سلام\n- {code}")
    assert "<section" in inert("سلام `a < b` H<sub>2</sub>O <br> x")


def test_lists_of_two_directions_stay_two():
    saved = inert("- one\n\n* `<b>` سلام\n")
    html = rendered([saved], ["lab"])["lab"][0]
    assert html.count("<ul") == 2


@pytest.mark.parametrize("renderer", ["lab", "mistune", "code"])
def test_front_ends_show_it_at_the_right(renderer):
    html = rendered([inert("سلام **دنیا**\n\nEnglish.\n\n1. یک")], [renderer])[renderer][0]
    assert html.count('<section dir="rtl"') == 2
    assert "<strong>دنیا</strong>" in html.split("</section>")[0]
    assert "<ol" in html.split('<section dir="rtl"')[2]
    assert "English" not in html.split("</section>")[0]


def test_github_finds_the_direction_itself():
    html = rendered([inert("سلام **دنیا**")], ["github"])["github"][0]
    assert "<strong>دنیا</strong>" in html
