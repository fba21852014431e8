"""`{{ expression }}` is evaluated; everything else is text."""

import pytest
from PIL import Image

from nbstream.errors import UsageError
from nbstream.ipython.interpolation import interpolate

NAMES = {"n": 3, "text": "a {{ b }} c", "d": {"k": {"x": 1}}, "items": ["a", "b"], "f": lambda: eval("undefined")}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{ n }}", "3"),
        ("{{n}}{{ n }}", "33"),
        ("a {{ n }} b {{ n + 1 }} c", "a 3 b 4 c"),
        ('def f(): return {"a": {1}}', 'def f(): return {"a": {1}}'),
        ("single } } { { braces", "single } } { { braces"),
        ("closing }} alone", "closing }} alone"),
        ('{{ d["k"]["x"] }}', "1"),
        ('{{ {"a": {"b": 1}} }}', "{'a': {'b': 1}}"),
        ('{{{"a": {"b": 1}}}}', "{'a': {'b': 1}}"),
        ("{{ {n} }}", "{3}"),
        ("{{ '}}' }}", "}}"),
        ("{{ ', '.join(i.upper() for i in items) }}", "A, B"),
        ("{{ [i * n for i in range(n)] }}", "[0, 3, 6]"),
        ("{{ n if n > 2 else 0 }}", "3"),
        ("{{ f'{n:>3}' }}", "  3"),
        ("{{\n n \n}}", "3"),
        ("{{ None }}", "None"),
        ("{{ '😀\\n' }}", "😀\n"),
        ("{{ n }}}", "3}"),
        ("{ {{ n }} }", "{ 3 }"),
    ],
)
def test_what_comes_out(prompt, expected):
    assert interpolate(prompt, NAMES) == (expected, [])


def test_an_image_is_attached_once_and_named_where_it_stands():
    names = {**NAMES, "a": Image.new("1", (1, 1)), "pair": [Image.new("1", (2, 2))]}
    text, images = interpolate("Is {{ a }} like {{ pair[0] }}? {{ a }} is {{ a.size }}.", names)
    assert text == "Is [image 1] like [image 2]? [image 1] is (1, 1)."
    assert [image.size for image in images] == [(1, 1), (2, 2)]


def test_a_value_with_braces_is_not_filled_in_again():
    assert interpolate("{{ text }}", NAMES).text == "a {{ b }} c"


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (
            "{{ missing }}",
            "missing in {{ missing }} is not defined in this notebook; --raw sends double braces as they are",
        ),
        ("{{ f() }}", "undefined in {{ f() }} is not defined"),
        ("{{ 1 / 0 }}", "{{ 1 / 0 }} failed: ZeroDivisionError: division by zero"),
        ("{{ d['no'] }}", "failed: KeyError: 'no'"),
        ("{{ }}", "no Python expression in double braces: '{{ }}'"),
        ("{{ never closed", "--raw sends the text as it is"),
        ("{{ two words }}", "no Python expression"),
        ("{{ n = 4 }}", "no Python expression"),
        ("{{ import os }}", "no Python expression"),
        ("{{ # note }}", "no Python expression"),
    ],
)
def test_what_cannot_be_filled_in_is_an_error_that_says_so(prompt, words):
    with pytest.raises(UsageError) as caught:
        interpolate(prompt, NAMES)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_names_are_only_read():
    names = {"n": 1}
    interpolate("{{ (m := 5) + n }}", names)
    assert names == {"n": 1}
