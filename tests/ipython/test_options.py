"""The first line of a magic: options by the shell's rules, then a prompt in which a quote is a quote."""

import argparse
import inspect
import re
from pathlib import Path
from typing import get_args

import pytest
from IPython.core.completer import provisionalcompleter

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.ipython.options import key_and_json, split_line, variable_name
from nbstream.request import SurfaceKind
from nbstream.settings.config import NBStream
from nbstream.settings.options import IN_MAGICS, OPTIONS, SURFACES, positive_number
from nbstream.settings.resolution import resolve


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("-m", "--model")
    parser.add_argument("-s", "--system")
    parser.add_argument("--api", choices=("chat", "responses"))
    parser.add_argument("--raw", action="store_true")
    parser.add_argument("--base-url")
    parser.add_argument("--max-tokens", type=int)
    return parser


@pytest.mark.parametrize(
    ("line", "options", "rest"),
    [
        ("", {}, ""),
        ("  ", {}, ""),
        ("What's a token?", {}, "What's a token?"),
        ('Say "hi', {}, 'Say "hi'),
        ("-m demo What's a token?", {"model": "demo"}, "What's a token?"),
        ("--model=demo don't", {"model": "demo"}, "don't"),
        ("-mdemo don't", {"model": "demo"}, "don't"),
        ("--raw -m demo hi -m there", {"raw": True, "model": "demo"}, "hi -m there"),
        ('-s "You are terse." hi', {"system": "You are terse."}, "hi"),
        ("-s 'You are terse.' hi", {"system": "You are terse."}, "hi"),
        (r'-s "Say \"hi\"." hi', {"system": 'Say "hi".'}, "hi"),
        ('-s"It\'s" hi', {"system": "It's"}, "hi"),
        ('--system="a b" hi', {"system": "a b"}, "hi"),
        ('-s "" hi', {"system": ""}, "hi"),
        ("-m demo -- -5 degrees?", {"model": "demo"}, "-5 degrees?"),
        ("-- --raw", {}, "--raw"),
        ("--", {}, ""),
        ("-m   demo   hi   there ", {"model": "demo"}, "hi   there"),
        ("-m demo", {"model": "demo"}, ""),
    ],
)
def test_options_and_rest(parser, line, options, rest):
    namespace, left = split_line(parser, line)
    assert left == rest
    assert {name: value for name, value in vars(namespace).items() if value} == {k: v for k, v in options.items() if v}


@pytest.mark.parametrize("line", ['-s "open', "-s 'open hi", "-s it's", '--system="You are', "-s C:\\"])
def test_a_quote_without_its_end(parser, line):
    with pytest.raises(UsageError):
        split_line(parser, line)


@pytest.mark.parametrize("text", ["x", "_x1", "größe"])
def test_variable_names(text):
    assert variable_name(text) == text


@pytest.mark.parametrize("text", ["", "1x", "a.b", "a b", "class", "None", "x;y"])
def test_no_variable_names(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a valid variable name"):
        variable_name(text)


def test_every_surface_can_be_asked_for():
    assert get_args(SurfaceKind) == SURFACES


def test_positive_numbers():
    assert [positive_number(text) for text in ("1", "0.5", "1e3")] == [1.0, 0.5, 1000.0]


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan", "inf", ""])
def test_no_positive_numbers(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number above 0"):
        positive_number(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed=7", ("seed", 7)),
        ('user="me"', ("user", "me")),
        ('metadata={"a": [1, null]}', ("metadata", {"a": [1, None]})),
        ('x="a=b"', ("x", "a=b")),
        ("store=false", ("store", False)),
    ],
)
def test_key_and_json(text, expected):
    assert key_and_json(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed", "not of the form KEY=JSON"),
        ("=7", "not of the form KEY=JSON"),
        ("user=me", r"""quote it, as in user='{"a": 1}' or user='"text"'"""),
        ("x=", "not JSON"),
    ],
)
def test_no_key_and_json(text, words):
    with pytest.raises(argparse.ArgumentTypeError, match=words):
        key_and_json(text)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%stream --", {"--model", "--system", "--api", "--raw"}),
        ("%%stream -m demo --r", {"--raw"}),
        ("r = %stream --api ", {"chat", "responses"}),
        ("%stream --api c", {"chat"}),
        ("%stream --surface m", {"markdown"}),
        ("%stream -m ", {"demo", "of-file", "llama3.2", "qwen3:8b"}),
        ("%stream --model qwen3:", {"qwen3:8b"}),
        ("%%stream --chat ", {"tutor", "panel"}),
        ("%stream_continue --q", {"--quiet"}),
    ],
)
def test_completions_are_what_fits_and_nothing_else(shell, monkeypatch, typed, expected):
    NBStream.instance().base_url = "http://localhost:1/v1"
    monkeypatch.setattr("nbstream.streaming.engine.Engine.listed_models", lambda *_: ("llama3.2", "qwen3:8b"))
    shell.user_ns |= {"tutor": nbs.Chat(), "panel": nbs.ChatPanel(model="m"), "number": 1}
    shell.Completer.use_jedi = False
    with provisionalcompleter():
        found = {typed[: each.start] + each.text for each in shell.Completer.completions(typed, len(typed))}
    before = typed[: len(typed) - len(re.split(r"\s", typed)[-1])]
    flags = {text for text in found if text.startswith(before + "-")}
    assert {before + text for text in expected} <= found
    assert found == flags or found == {before + text for text in expected}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--modle m Hi", "no such option: --modle; did you mean --model?"),
        ("--max-token=3 Hi", ""),  # argparse's own abbreviation
        ("--base-ulr x Hi", "no such option: --base-ulr; did you mean --base-url?"),
    ],
)
def test_a_slip_of_an_option_is_told(parser, line, words):
    if not words:
        assert split_line(parser, line)[0].max_tokens == 3
        return
    with pytest.raises(UsageError) as told:
        split_line(parser, line)
    assert str(told.value) == words


# --- declared once ----------------------------------------------------------------------------------------------------


def test_python_takes_the_options_that_are_declared():
    keywords = set(inspect.signature(nbs.start).parameters) - {"prompt", "params"}
    assert keywords == {option.name for option in OPTIONS}
    assert set(inspect.signature(resolve).parameters) - {"prompt", "params"} == keywords - {"display"}


def test_the_readme_has_a_row_for_each_option_of_the_magics():
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    rows = [line.partition(" |")[0] for line in readme.splitlines() if line.startswith("| `-")]
    spelled = {"stream": ("--no-stream",)}
    missing = [
        flag
        for option in IN_MAGICS
        for flag in spelled.get(option.name, option.flags)
        if not any(flag in row for row in rows)
    ]
    assert missing == []


def test_every_option_of_the_magics_has_an_example():
    assert all(re.search(r" Example: -\S", option.help) for option in IN_MAGICS)
