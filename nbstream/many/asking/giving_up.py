"""When a map stops by itself: the model fails at once, the money is spent, or the caller wants no failure. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbstream.outcome import StreamState

if TYPE_CHECKING:
    from nbstream.many.asking.runner import RowAnswer

__all__ = ["ON_ERROR", "GivingUp", "OnError"]

OnError: TypeAlias = Literal["keep", "stop", "raise"]
ON_ERROR = ("keep", "stop", "raise")

_ALIKE = 5
"""So many failures of one kind, with no answer among them, and there is no point in asking the rest."""
_FINAL = {"budget", "quota", "missing_key"}
"""What every further row would meet, too."""


class GivingUp:
    """Looks at each answer, and says why no more rows are to be asked, once there is a reason.

    Args:
        on_error: What a failure means.

    Example:
        ```python
        giving_up = GivingUp("keep")
        reason = giving_up.because_of(answer)
        ```
    """

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._answered = False
        self._failures: Counter[str | None] = Counter()

    def because_of(self, answer: RowAnswer) -> str | None:
        """Why to stop; `None` to go on.

        Args:
            answer: The next one that has come.
        """
        if answer.is_whole:
            self._answered = True
            return None
        if answer.kind == "executor":
            return str(answer.error)
        if answer.state is not StreamState.FAILED:
            return None
        if self._on_error != "keep":
            return f"row {answer.row.number} failed: {answer.error}"
        if answer.kind == "row":  # it was never sent
            return None
        if answer.kind in _FINAL:
            return str(answer.error)
        self._failures[answer.kind] += 1  # not the words, which may name the request
        if self._answered or self._failures[answer.kind] < _ALIKE:
            return None
        return f"the first {_ALIKE} rows failed alike: {answer.error}"
