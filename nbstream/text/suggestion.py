"""What a reader may have meant by a name that there is not."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["closest", "did_you_mean"]

_CLOSE = 0.8


def closest(word: str, known: Iterable[str], cutoff: float = _CLOSE) -> str | None:
    """The known name that a word is most likely a slip of; `None` if it is close to none.

    Example:
        >>> closest("temprature", ["temperature", "timeout"]), closest("seed", ["temperature", "timeout"])
        ('temperature', None)
    """
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = _CLOSE) -> str:
    """`; did you mean …?` to put behind a message, or nothing.

    Example:
        >>> "no setting modle" + did_you_mean("modle", ["model", "api"])
        'no setting modle; did you mean model?'
    """
    found = closest(word, known, cutoff)
    return f"; did you mean {found}?" if found else ""
