"""The options of the magics: splitting a line, checking values, completing names."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.text.names import is_variable_name

if TYPE_CHECKING:
    from types import SimpleNamespace

__all__ = ["Completer", "key_and_json", "split_line", "variable_name"]

_TOKEN = re.compile(r"""(?:[^\s"']+|"(?:\\.|[^"\\])*"|'[^']*')+""")

_FEW_VALUES = {"--api": ["chat", "responses"], "-m": ["demo"], "--model": ["demo"], "--images": ["link", "allow"]}


def variable_name(text: str) -> str:
    """A name that Python can assign to."""
    if not is_variable_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of a variable")
    return text


def key_and_json(text: str) -> tuple[str, Any]:
    """`KEY=JSON`, as a pair of the key and the value."""
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=JSON, such as seed=7")
    try:
        return key, json.loads(value)
    except ValueError:
        examples = f"{key}='{{\"a\": 1}}' or {key}='\"text\"'"
        raise argparse.ArgumentTypeError(
            f"the value of {key} is not JSON: {value!r}; quote it, as in {examples}"
        ) from None


def split_line(parser: argparse.ArgumentParser, line: str) -> tuple[argparse.Namespace, str]:
    """Split a magic's line into its leading options and the rest.

    The rest is the prompt of the line form, in which apostrophes and quotes are text, so only the options follow the
    shell's rules.

    Raises:
        UsageError: A quote is not closed.
    """
    arguments = []
    rest = line.strip()
    while rest.startswith("-"):
        word, rest = _split_word(rest)
        if word == "--":
            break
        arguments.append(word)
        if _takes_value(parser, word) and rest:
            value, rest = _split_word(rest)
            arguments.append(value)
    return parser.parse_args(arguments), rest


def _split_word(text: str) -> tuple[str, str]:
    match = _TOKEN.match(text)
    word, rest = (match.group(), text[match.end() :]) if match else ("", text)
    if not word or rest[:1] in {'"', "'"}:
        raise UsageError(f"a quote is not closed in: {text}")
    try:
        return shlex.split(word)[0], rest.lstrip()
    except ValueError:
        raise UsageError(f"a backslash at the end of {word}; put the value in single quotes") from None


def _takes_value(parser: argparse.ArgumentParser, word: str) -> bool:
    return any(word in action.option_strings and action.nargs != 0 for action in parser._actions)  # noqa: SLF001  no public way


class Completer:
    """Completes option names, and the values of options that have few.

    Args:
        parser: The parser that knows the options.
    """

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001  no public way
        self._names = sorted(name for action in shown for name in action.option_strings)

    def __call__(self, _: Any, event: SimpleNamespace) -> list[str]:
        """IPython's `complete_command` hook: what fits at the cursor."""
        typed: str = event.text_until_cursor
        words = typed.split()
        before = "".join(words[-1:] if typed[-1:].isspace() else words[-2:-1])
        return _FEW_VALUES.get(before, self._names)
