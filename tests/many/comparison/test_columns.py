"""Whom a comparison asks, and what its answers are called."""

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.many.comparison.columns import columns_of

URL = "http://localhost:1/v1"


@pytest.fixture
def endpoints():
    nbs.endpoint("local", base_url=URL, model="llama3.2")
    nbs.endpoint("groq", base_url="http://localhost:2/v1", model="gpt-oss")


def named(models=None, on=None, n=1, **options):
    return [(column.name, column.request.model) for column in columns_of("Hi", models, on, n, options)]


@pytest.mark.usefixtures("endpoints")
def test_names_are_what_tells_the_answers_apart():
    assert named(["a", "b"], base_url=URL) == [("a", "a"), ("b", "b")]
    assert named(["a"], n=2, base_url=URL) == [("a (1)", "a"), ("a (2)", "a")]
    assert [name for name, _ in named(["a", "b", "a"], base_url=URL)] == ["a (1)", "b", "a (2)"]
    assert [name for name, _ in named(["a", "a", "a (1)"], base_url=URL)] == ["a (1)", "a (2)", "a (1) (1)"]
    assert named(on=["local", "groq"]) == [("local", "llama3.2"), ("groq", "gpt-oss")]
    assert named(["x"], ["local", "groq"]) == [("local", "x"), ("groq", "x")]
    assert named(["x", "y"], "local") == [("x", "x"), ("y", "y")]
    assert [name for name, _ in named(["x", "y"], ["local", "groq"])] == [
        "x on local",
        "x on groq",
        "y on local",
        "y on groq",
    ]


@pytest.mark.usefixtures("endpoints")
def test_an_endpoint_among_the_models_stands_for_its_own():
    local = nbs.endpoint("local", base_url=URL, model="llama3.2")
    assert named(["a", local], on="groq") == [("a on groq", "a"), ("local", "llama3.2")]


def test_each_repetition_has_a_recording_of_its_own():
    columns = columns_of("Hi", ["a", "b"], None, 2, {"base_url": URL})
    assert [(column.name, column.request.epoch) for column in columns] == [
        ("a (1)", 1),
        ("a (2)", 2),
        ("b (1)", 1),
        ("b (2)", 2),
    ]
    assert [column.request.epoch for column in columns_of("Hi", ["a"], None, 2, {"base_url": URL, "epoch": 5})] == [
        5,
        6,
    ]


@pytest.mark.parametrize(
    ("models", "n", "options", "words"),
    [
        (["a"], 1, {}, "a comparison needs two answers"),
        (None, 1, {}, "a comparison needs two answers"),
        (["a"], 0, {}, "n must be a whole number above 0, not 0"),
        (["a"], True, {}, "n must be a whole number above 0, not True"),
        (["a"], 27, {}, "27 answers are too many to compare; 26 are the most"),
        (["a", 7], 1, {}, "models must be a list of names"),
        ({"a": 1}, 2, {}, "models must be a list of names"),
        (["a", ""], 1, {}, "models must be a list of names"),
        (["a", "b"], 1, {"model": "c"}, r"a comparison takes models=\[…\] instead of model"),
        (["a", "b"], 1, {"temprature": 1}, "no such option: temprature; did you mean temperature?"),
    ],
)
def test_what_cannot_be_compared_is_refused(models, n, options, words):
    with pytest.raises(UsageError, match=words):
        columns_of("Hi", models, None, n, {"base_url": URL, **options})
