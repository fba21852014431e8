"""`{{ expression }}` in a prompt, evaluated in the notebook's names. Single braces are text: code needs no escaping."""

from __future__ import annotations

import ast
import itertools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.attachments.images import is_image
from nbstream.errors import UsageError
from nbstream.text.plain import exception_line
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Interpolated", "interpolate"]


_CLOSE = re.compile(r"\}\}")
# How long an expression is at most, and how many ends of it are tried: each is parsed.
_LONGEST, _MOST_TRIED = 10_000, 50


class Interpolated(NamedTuple):
    """A prompt, and the images that it names, the first of which is `[image 1]` in it."""

    text: str
    images: list[Any]


def interpolate(text: str, names: Mapping[str, Any]) -> Interpolated:
    """Replace every `{{ expression }}` by `str()` of its value; an image is attached, and named in the text.

    Args:
        text: The prompt.
        names: The names that expressions may use.

    Raises:
        UsageError: An expression is not Python, uses a missing name, or fails.

    Example:
        >>> interpolate("Sum up {{ n }} lines of {braces}", {"n": 3}).text
        'Sum up 3 lines of {braces}'
    """
    pieces: list[str] = []
    images: list[Any] = []
    position = 0
    while (start := text.find("{{", position)) >= 0:
        expression, end = _expression_at(text, start)
        value = _evaluate(expression, names)
        pieces += [text[position:start], _named(value, images) if is_image(value) else str(value)]
        position = end
    return Interpolated("".join([*pieces, text[position:]]), images)


def _named(image: Any, images: list[Any]) -> str:
    """What stands for an image in the text; the same image is attached once."""
    number = next((at for at, each in enumerate(images) if each is image), len(images))
    if number == len(images):
        images.append(image)
    return f"[image {number + 1}]"


def _expression_at(text: str, start: int) -> tuple[str, int]:
    """The expression that begins at `start`, and where it ends: at the first `}}` that makes it valid Python."""
    for close in itertools.islice(_CLOSE.finditer(text, start, start + _LONGEST), _MOST_TRIED):
        # Of `{"a": {"b": 1}}}}` the last two braces close, so every pair of them is tried, also overlapping ones.
        for shift in (0, 1):
            end = close.end() + shift
            expression = text[start + 2 : end - 2].strip()
            if text[end - 2 : end] == "}}" and _is_expression(expression):
                return expression, end
    raise UsageError(
        f"no Python expression in double braces: {_quoted(text[start : start + 40])}; --raw sends the text as it is"
    )


def _is_expression(source: str) -> bool:
    try:
        ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    try:
        return eval(expression, dict(names))  # noqa: S307  the reader's own code in the reader's own notebook
    except NameError as error:
        missing = error.name or expression
        suggestion = did_you_mean(missing, names, 0.7)
        raise UsageError(
            f"{missing} in {{{{ {expression} }}}} is not defined in this notebook{suggestion or ';'} "
            "--raw sends double braces as they are"
        ) from None
    except Exception as error:
        raise UsageError(f"{{{{ {expression} }}}} failed: {exception_line(error)}") from error


def _quoted(text: str) -> str:
    return repr(" ".join(text.split()))
