"""Hostile answers through all renderers: nothing that is not on the list of `policy` comes out.

What still acts is in `corpus/acting.json`. That file may only shrink: `python -m tests.markdown.acting --settle` takes
out what no longer acts and adds nothing.
"""

from __future__ import annotations

import pytest

from nbstream.markdown import inert, render
from tests.markdown import policy
from tests.markdown.acting import LEFT, acting, acting_inert, live, mixtures, moments, table, written
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
    texts = written()
    found = acting_inert(name)
    acts = {payload: found[text] for payload, text in texts.items() if text in found}
    assert {payload: notes for payload, notes in acts.items() if name not in LEFT["inert"].get(payload, ())} == {}
    settled = [payload for payload, names in LEFT["inert"].items() if name in names and payload not in acts]
    assert settled == [], "no longer act: take them out with `python -m tests.markdown.acting --settle`"


def test_live_html_does_nothing():
    acts = live()
    assert {payload: notes for payload, notes in acts.items() if payload not in LEFT["live"]} == {}
    assert [payload for payload in LEFT["live"] if payload not in acts] == []


def test_live_html_does_nothing_at_any_moment():
    acts = moments()
    assert {payload: notes for payload, notes in acts.items() if payload not in LEFT["moments"]} == {}
    assert [payload for payload in LEFT["moments"] if payload not in acts] == []


@pytest.mark.parametrize("name", QUICK)
def test_random_mixtures_do_nothing(name):
    texts = [inert(text) for text in mixtures()]
    found = acting(texts, [name])[name]
    assert len(found) <= LEFT["mixtures"].get(name, 0), dict(list(found.items())[:5])


def test_random_mixtures_do_nothing_live():
    found = {text: notes for text in mixtures() if (notes := policy.acts(render(text)))}
    assert len(found) <= LEFT["mixtures"].get("live", 0), dict(list(found.items())[:5])


def test_how_much_acts_is_shown():
    print()
    print(table(PAYLOADS, {name: acting_inert(name) for name in RENDERERS}))


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
