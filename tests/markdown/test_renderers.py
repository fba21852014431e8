"""Hostile answers through all renderers: nothing that is not on the list of `policy` comes out."""

from __future__ import annotations

import pytest

from nbstream.markdown import inert, render
from tests.markdown import policy
from tests.markdown.acting import acting, acting_inert, live, mixtures, moments, right_to_left, written
from tests.markdown.renderers import QUICK, RENDERERS
from tests.payloads import PAYLOADS


def test_there_are_enough_payloads_and_all_differ():
    assert len(PAYLOADS) >= 600
    assert len({payload.text for payload in PAYLOADS}) == len(PAYLOADS)


@pytest.mark.parametrize("name", RENDERERS)
def test_each_renderer_would_let_payloads_act(name):
    found = acting([payload.text for payload in PAYLOADS[::4]], [name])[name]
    assert len(found) > 5


@pytest.mark.parametrize("name", RENDERERS)
def test_inert_markdown_does_nothing(name):
    found = acting_inert(name)
    assert {payload: found[text] for payload, text in written().items() if text in found} == {}


@pytest.mark.parametrize("name", QUICK)
def test_inert_markdown_does_nothing_in_either_direction(name):
    assert sum("<section" in text for text in right_to_left()) > 120
    assert acting(right_to_left(), [name])[name] == {}


def test_live_html_does_nothing():
    assert live() == {}


def test_live_html_does_nothing_at_any_moment():
    assert moments() == {}


@pytest.mark.parametrize("name", QUICK)
def test_random_mixtures_do_nothing(name):
    assert acting([inert(text) for text in mixtures()], [name])[name] == {}


def test_random_mixtures_do_nothing_live():
    assert {text: notes for text in mixtures() if (notes := policy.acts(render(text)))} == {}


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<p onclick="x">a</p>', ["p onclick=x"]),
        ("<a href=/lab>x</a>", ["a href=/lab"]),
        ("<a href='https://a.example/\"&lt;'>x</a>", []),
        ("<a href=http:/lab>x</a>", ["a href=http:/lab"]),
        ("<h2 id=a-title>A title</h2>", []),
        ("<h2 id=evil>A title</h2>", ["h2 id=evil"]),
        ("<p>a<!-- b --></p>", ["comment <!-- b -->"]),
        ("</main><p>a", ["breaks out of its place"]),
        ("<p>a <img alt='", ["breaks out of its place"]),
    ],
)
def test_the_policy(html, found):
    assert policy.acts(html)[: len(found)] == found
    assert bool(policy.acts(html)) == bool(found)
