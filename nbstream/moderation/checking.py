"""Checks a text within its time, whoever does it. A check that fails says why, without anything of the text."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Literal

from nbstream.errors import MissingKeyError, StreamError, TimeLimitError, UnreachableError
from nbstream.moderation.endpoint import ask_endpoint
from nbstream.moderation.hook import called
from nbstream.moderation.judgement import NoJudgementError, judgement_of
from nbstream.outcome import Verdict

if TYPE_CHECKING:
    from nbstream.moderation.judgement import Judgement
    from nbstream.moderation.policy import Moderation
    from nbstream.request import Target

__all__ = ["verdict_on"]


async def verdict_on(
    text: str, subject: Literal["prompt", "answer"], policy: Moderation, target: Target | None
) -> Verdict:
    """What a check says of a text; that it could not be checked is a verdict, too.

    Args:
        text: The text.
        subject: What it is, or is of.
        policy: Who checks, and how long that may take.
        target: Whose moderation endpoint is asked, if one is.
    """
    try:
        async with asyncio.timeout(policy.timeout) as limit:
            judgement = await _judgement(text, policy, target)
    except Exception as error:  # noqa: BLE001  whatever a function raises
        late = isinstance(error, TimeoutError) and limit.expired()
        reason = f"it took longer than {policy.timeout:g} s" if late else _reason(error)
        return Verdict(subject, "unchecked", by=policy.by, reason=reason)
    return Verdict(subject, "flagged" if judgement.flagged else "clean", judgement.categories, policy.by)


async def _judgement(text: str, policy: Moderation, target: Target | None) -> Judgement:
    if callable(policy.check):
        return judgement_of(await called(policy.check, text))
    assert target is not None
    return await ask_endpoint(target, text, policy.model)


def _reason(error: Exception) -> str:
    """Why a check failed. What others say of that may repeat the text, so it is not told."""
    match error:
        case NoJudgementError() | UnreachableError() | TimeLimitError() | MissingKeyError():
            return (error.happened if isinstance(error, StreamError) else str(error)).rstrip(".")
        case StreamError(status=int(status)):
            return f"the endpoint refused it with status {status}"
        case StreamError():
            return f"the endpoint failed ({error.kind})"
    return f"it raised {type(error).__name__}{_line_of(error)}"


def _line_of(error: Exception) -> str:
    """Where in the user's own code that was."""
    own = (
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in {"nbstream", "asyncio", "concurrent"}
    )
    line = next(own, None)
    return "" if line is None else f" in line {line}"
