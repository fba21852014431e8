"""The options that a saved chat brings along: what applies at once, and what only the reader may allow.

Pure. A file may come from anybody. It must not decide where the reader's words and key go, so it brings no address, and
of the fields of a request only those that cannot carry anything elsewhere. Each of these has its type.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.errors import UsageError
from nbstream.settings.options import OPTIONS
from nbstream.text.address import JUPYTER, bare, check_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SavedOptions", "harmless", "vetted"]

# What grants access, in any spelling, and what only the reader of a document may allow.
_SECRET = re.compile(
    r"(?i)api.?key|authorization|auth.?token|access.?token|bearer|secret|password|credential|headers"
    r"|(?:^|[_-])token$|(?:^|(?<!cache)[_-])key$"
)
_ADDRESS = re.compile(r"\s*[A-Za-z][\w+.-]*://\S+\s*\Z")
_NOT_SAVED = {option.name for option in OPTIONS if not option.saved}

_LONGEST_WORD, _MOST_RETRIES = 200, 20


def _word(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_WORD and value.isprintable()


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _seconds(value: Any) -> bool:
    return _number(value) and value > 0


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _texts(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(each, str) and each for each in texts)


def _reasoning(value: Any) -> bool:
    if not isinstance(value, dict):
        return _word(value)
    plain = (_word(each) or _number(each) or isinstance(each, bool) for each in value.values())
    return bool(value) and all(map(_word, value)) and all(plain)


_APPLIES: Mapping[str, Callable[[Any], bool]] = {
    "model": _word,
    "api": lambda value: value in ("chat", "responses"),
    "temperature": _number,
    "max_tokens": _count,
    "max_completion_tokens": _count,
    "max_output_tokens": _count,
    "timeout": _seconds,
    "total_timeout": _seconds,
    "max_retries": lambda value: value == 0 or (_count(value) and value <= _MOST_RETRIES),
    "stop_when": _texts,
    "stop": _texts,
    "seed": lambda value: _number(value) and isinstance(value, int),
    "top_p": _number,
    "frequency_penalty": _number,
    "presence_penalty": _number,
    "reasoning": _reasoning,
    "reasoning_effort": _word,
    "verbosity": _word,
}

_NEVER = {
    *("cls", "config", "display", "extra_body", "extra_headers", "extra_query", "history", "input"),
    *("max_history_tokens", "max_turns", "messages", "name", "prompt", "self", "stages", "system"),
}
"""What is no option of a chat, or means something else where options are passed on."""


class SavedOptions(NamedTuple):
    """What a file asks for.

    Attributes:
        settings: What applies at once.
        untrusted: What applies when the reader has agreed.
    """

    settings: dict[str, Any]
    untrusted: dict[str, Any]


def vetted(options: Mapping[str, Any]) -> SavedOptions:
    """Sort the options of a file; what is of another type than it should be is passed over.

    Args:
        options: JSON values by name.

    Example:
        >>> vetted({"seed": 7, "base_url": "https://x.example/v1", "temperature": "hot", "self": 1})
        SavedOptions(settings={'seed': 7}, untrusted={'base_url': 'https://x.example/v1'})
    """
    found = SavedOptions({}, {})
    for name, value in harmless(options).items():
        if name in _NEVER or value is None or not name.isidentifier():
            continue
        if name in _APPLIES:
            if _APPLIES[name](value):
                found.settings[name] = value
        elif _may_be_asked(name, value):
            found.untrusted[name] = value
    return found


def harmless(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that may stand in a file: JSON, without keys, and without what only the reader may allow.

    Example:
        >>> harmless({"api_key": "sk-…", "base_url": "http://me:pw@localhost/v1?key=x", "images": "allow", "seed": 7})
        {'base_url': 'http://localhost/v1', 'seed': 7}
        >>> harmless({"tools": [{"type": "mcp", "server_url": "https://x.example/mcp?token=x", "token": "x"}]})
        {'tools': [{'type': 'mcp', 'server_url': 'https://x.example/mcp'}]}
    """
    kept = {}
    for name, value in options.items():
        if name not in _NOT_SAVED and not _SECRET.search(name) and _is_json(value):
            kept[name] = bare(str(value)) if name == "base_url" else _without_secrets(value)
    return kept


def _may_be_asked(name: str, value: Any) -> bool:
    if name == "stream":
        return isinstance(value, bool)
    if name != "base_url":
        return True
    try:
        if value != JUPYTER:
            check_address(value)
    except UsageError:
        return False
    return True


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(each) for name, each in value.items() if not _SECRET.search(str(name))}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    return bare(value) if isinstance(value, str) and _ADDRESS.match(value) else value
