"""`{{ expression }}` in a prompt, evaluated in the notebook's names. Single braces are text: code needs no escaping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.attachments.images import is_image, named_image
from nbstream.errors import UsageError
from nbstream.text.suggestion import did_you_mean
from nbstream.text.template import Expression, pieces_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Interpolated", "interpolate"]


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
    filled: list[str] = []
    images: list[Any] = []
    for piece in pieces_of(text, "--raw sends the text as it is"):
        if isinstance(piece, Expression):
            value = _evaluate(piece, names)
            filled.append(named_image(value, images) if is_image(value) else str(value))
        else:
            filled.append(piece)
    return Interpolated("".join(filled), images)


def _evaluate(expression: Expression, names: Mapping[str, Any]) -> Any:
    try:
        return expression.value(dict(names))
    except NameError as error:
        missing = error.name or expression.source
        suggestion = did_you_mean(missing, names, 0.7)
        raise UsageError(
            f"{missing} in {expression} is not defined in this notebook{suggestion or ';'} "
            "--raw sends double braces as they are"
        ) from None
