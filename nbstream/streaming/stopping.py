"""Ends an answer early because of what it says: `stop_when`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from nbstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["STOP_REASON", "StopCondition", "StopWhen"]

StopWhen: TypeAlias = "str | Iterable[str] | Callable[[str], object]"
"""A text or texts at which to stop, or a function that is given the text so far and says whether to stop."""

STOP_REASON = "stop_when"
"""The finish reason of an answer that was ended this way."""


class StopCondition:
    """Whether an answer has said enough.

    Args:
        stop_when: When it has.

    Raises:
        UsageError: It is neither texts nor a function.

    Example:
        >>> condition = StopCondition(["END", "STOP"])
        >>> condition.met("Go on, ST"), condition.met("Go on, STOP")
        (False, True)
    """

    def __init__(self, stop_when: StopWhen) -> None:
        self._ask: Callable[[str], object] | None = None
        self._texts: tuple[str, ...] = ()
        self._searched = ""  # contains none of the texts
        if callable(stop_when):
            self._ask = stop_when
            return
        texts = (stop_when,) if isinstance(stop_when, str) else tuple(stop_when) if _is_several(stop_when) else ()
        if not texts or not all(isinstance(text, str) and text for text in texts):
            raise UsageError(
                "stop_when is a text, a list of texts, or a function of the text so far: "
                'stop_when=["END"], or stop_when=lambda text: len(text) > 1000'
            )
        self._texts = texts

    def met(self, text: str) -> bool:
        """Whether to stop now.

        Args:
            text: The text so far.
        """
        if self._ask is not None:
            return bool(self._ask(text))
        searched = len(self._searched) if text.startswith(self._searched) else 0
        found = any(text.find(each, max(0, searched - len(each))) >= 0 for each in self._texts)
        self._searched = text
        return found


def _is_several(value: object) -> bool:
    return isinstance(value, list | tuple | set | frozenset)
