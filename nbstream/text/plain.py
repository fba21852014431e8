"""Text as it may be sent and shown: encodable, and without characters that act instead of showing. Pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "encodable",
    "encodable_json",
    "escaped",
    "exception_line",
    "one_line",
    "plain",
    "portable_json",
    "prompt_text",
    "truncated",
]

# C0 and C1 controls and DEL move cursors, recolour, retitle windows and write clipboards. Tab and newline are text; ESC
# is shown, because what follows it would otherwise look like the model's words.
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in {0x09, 0x0A, 0x1B}}
_DEEPEST, _LARGEST = 100, 2**63
_TABLE = {**_CONTROLS, 0x1B: "\u241b"}
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # looking for one takes a tenth of translating
# What JSON leaves as it is, and what changes the order in which the characters around it are shown.
_MISLEADING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    r"""`text` without characters that act instead of showing.

    Example:
        >>> plain("red \x1b[31mtext\r\n")
        'red ␛[31mtext\n'
    """
    return text.translate(_TABLE) if _ACTING.search(text) else text


def truncated(text: str, limit: int) -> str:
    """`text`, or as much of its beginning and an ellipsis as makes `limit` characters.

    Example:
        >>> truncated("abcdef", 4)
        'abc…'
    """
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def one_line(text: str, limit: int) -> str:
    r"""`text` as one line of at most `limit` characters, which can be shown anywhere.

    Example:
        >>> one_line("One\ntwo\x07  three", 9)
        'One two…'
    """
    read = text[: 4 * limit + 16]  # a megabyte costs no more than another text
    line = " ".join(encodable(plain(read)).split())
    return truncated(line if len(read) == len(text) else f"{line}…", limit)


def escaped(json_text: str) -> str:
    r"""JSON in which every character can be seen, and stands where it is: the same values, for somebody to judge.

    Example:
        >>> escaped('{"path": "safe\u202etxt.sh"}')
        '{"path": "safe\\u202etxt.sh"}'
    """
    return _MISLEADING.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text)


def encodable(text: str) -> str:
    r"""`text` with surrogate halves joined into characters and lone ones replaced, because those cannot be encoded.

    Example:
        >>> encodable("\ud83d\ude00 \ud83d")
        '😀 \ufffd'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def prompt_text(text: str) -> str:
    r"""What somebody has written to a model, as it is sent: `encodable`, and with one kind of line end.

    Example:
        >>> prompt_text("One\r\nTwo\rThree \ud83d")
        'One\nTwo\nThree \ufffd'
    """
    return encodable(text).replace("\r\n", "\n").replace("\r", "\n")


def encodable_json(value: Any) -> Any:
    r"""A copy of JSON values in which every text is `encodable`.

    Raises:
        ValueError: The values are nested more deeply than anything that makes sense.

    Example:
        >>> encodable_json([{"text": "half: \ud83d"}])
        [{'text': 'half: \ufffd'}]
    """
    return _encodable(value, 0, lambda number: number)


def portable_json(value: Any) -> Any:
    r"""A copy of JSON values that every JSON reader takes: every text is `encodable`, and every number a number.

    Python reads and writes `NaN`, `Infinity` and whole numbers of any length, which others refuse: they become `None`.

    Raises:
        ValueError: The values are nested more deeply than anything that makes sense.

    Example:
        >>> portable_json([{"text": "half: \ud83d"}, float("nan")])
        [{'text': 'half: \ufffd'}, None]
    """
    return _encodable(value, 0, _portable)


def _portable(number: Any) -> float | None:
    if isinstance(number, float):
        return number if math.isfinite(number) else None
    return number if -_LARGEST <= number <= _LARGEST else None


def _encodable(value: Any, depth: int, number: Callable[[Any], Any]) -> Any:
    kind = type(value)
    if kind is str:
        return encodable(value)
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict):
        below = depth + 1
        return {_encodable(name, below, number): _encodable(each, below, number) for name, each in value.items()}
    if isinstance(value, list | tuple):
        below = depth + 1
        return [_encodable(each, below, number) for each in value]
    if kind is int or isinstance(value, float):
        return number(value)
    return encodable(str(value)) if isinstance(value, str) else value


def exception_line(error: BaseException) -> str:
    """An exception's type and message, in one line that is safe to print.

    Example:
        >>> exception_line(ValueError("too large")), exception_line(KeyboardInterrupt())
        ('ValueError: too large', 'KeyboardInterrupt')
    """
    return f"{type(error).__name__}: {plain(str(error))}".rstrip(": ")
