"""What is raised where something could not be checked, and so is neither sent nor shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.errors import ModerationError
from nbstream.remedies import Remedy, RemedyKind

if TYPE_CHECKING:
    from nbstream.outcome import Verdict

__all__ = ["not_checked", "raise_if_unchecked"]


def not_checked(verdict: Verdict) -> ModerationError:
    """What to raise where an unchecked prompt is not sent, or an unchecked answer not shown.

    Args:
        verdict: That it was not checked.
    """
    rest = "It was not sent." if verdict.subject == "prompt" else "What was not checked was dropped."
    return ModerationError(f"{verdict.sentence} {rest}", remedies=[Remedy(RemedyKind.RETRY)])


def raise_if_unchecked(verdict: Verdict) -> None:
    """Raise what ends an answer that could not be checked.

    Args:
        verdict: What was said of it.

    Raises:
        ModerationError: That it was not checked.
    """
    if verdict.outcome == "unchecked":
        raise not_checked(verdict)
