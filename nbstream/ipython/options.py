"""The options of the magics: splitting a line, checking values, completing names."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.text.names import is_variable_name
from nbstream.text.suggestion import closest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import SimpleNamespace

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Completer", "key_and_json", "split_line", "variable_name"]

_TOKEN = re.compile(r"""(?:[^\s"']+|"(?:\\.|[^"\\])*"|'[^']*')+""")


def variable_name(text: str) -> str:
    """A name that Python can assign to."""
    if not is_variable_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid variable name")
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
    known = [name for action in parser._actions for name in action.option_strings]  # noqa: SLF001  no public way
    for word in arguments:
        flag = word.partition("=")[0]
        slip = flag.startswith("--") and not any(name.startswith(flag) for name in known)
        if slip and (meant := closest(flag, known, 0.7)):
            raise UsageError(f"no such option: {flag}; did you mean {meant}?")
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
    """Whether a value follows; one that may be left out (`--insert`) is joined to its option, as in `--insert=yes`."""
    return any(word in action.option_strings and action.nargs not in {0, "?"} for action in parser._actions)  # noqa: SLF001  no public way


class Completer:
    """Completes option names, and values that are known. Nothing else is offered beside them.

    Args:
        parser: The parser that knows the options.
        magic: The magic's line, as a pattern for what comes before the options.
        values: What to offer for an option that takes a value, asked each time.
    """

    def __init__(
        self, parser: argparse.ArgumentParser, magic: str, values: Mapping[str, Callable[[], Iterable[str]]]
    ) -> None:
        shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001  no public way
        self._names = sorted(name for action in shown for name in action.option_strings)
        self._parser = parser
        self._line = re.compile(rf"{magic}(?P<options>\s.*)?$")
        self._values = values

    def install(self, shell: InteractiveShell) -> None:
        """Begin to complete."""
        self.remove(shell)
        try:
            from IPython.core.completer import context_matcher
        except ImportError:  # before IPython 8.6; it offers nothing else beside a hook's words either
            shell.set_hook("complete_command", self._complete_command, re_key=self._line)  # type: ignore[no-untyped-call]
            return

        @context_matcher(identifier=_MATCHER + self._line.pattern)  # type: ignore[untyped-decorator]
        def match(context: CompletionContext) -> SimpleMatcherResult:
            return self._match(context)

        shell.Completer.custom_matchers.append(match)

    def remove(self, shell: InteractiveShell) -> None:
        """Complete no longer."""
        shell.strdispatchers["complete_command"].regexs.pop(self._line, None)
        matchers = getattr(shell.Completer, "custom_matchers", [])
        name = _MATCHER + self._line.pattern
        matchers[:] = [each for each in matchers if getattr(each, "matcher_identifier", "") != name]

    def fitting(self, typed: str) -> list[str]:
        """What fits at the end of a line; nothing if it is not the magic's, or is its prompt by now."""
        match = self._line.match(typed)
        if match is None or match["options"] is None:
            return []
        *words, last = re.split(r"\s+", match["options"])[1:]
        before = words[-1] if words else ""
        if before.startswith("-") and _takes_value(self._parser, before):
            return [value for value in self._values.get(before, list)() if value.startswith(last)]
        in_prompt = any(
            not word.startswith("-") and not (place and _takes_value(self._parser, words[place - 1]))
            for place, word in enumerate(words)
        )
        return [] if in_prompt else [name for name in self._names if name.startswith(last)]

    def _match(self, context: CompletionContext) -> SimpleMatcherResult:
        from IPython.core.completer import SimpleCompletion

        line = context.text_until_cursor
        kind = "option" if re.split(r"\s", line)[-1].startswith("-") else "value"  # as the page calls it
        found = [SimpleCompletion(each, type=kind) for each in self._endings(line, context.token)]
        return {"completions": found, "suppress": bool(found)}

    def _complete_command(self, _: Any, event: SimpleNamespace) -> list[str]:
        return self._endings(event.text_until_cursor, event.symbol)

    def _endings(self, typed: str, token: str) -> list[str]:
        """What fits, as IPython wants it: in place of what follows the last delimiter. A dash or a colon may be one."""
        whole = re.split(r"\s", typed)[-1]
        cut = len(whole) - len(token) if whole.endswith(token) else 0
        return [each[cut:] for each in self.fitting(typed)]


_MATCHER = "nbstream "
