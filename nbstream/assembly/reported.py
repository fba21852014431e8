"""The error that a server's report inside a stream amounts to, with what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.errors import StreamError, error_class
from nbstream.remedies import Remedy, RemedyKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.events import Failed

__all__ = ["reported_error"]

_REMEDIES: Mapping[str, tuple[RemedyKind, ...]] = {
    "authentication": (RemedyKind.CHECK_KEY,),
    "quota": (RemedyKind.CHECK_BILLING,),
    "context_length": (RemedyKind.SHORTEN_PROMPT, RemedyKind.LOWER_TOKEN_LIMIT, RemedyKind.LONGER_CONTEXT),
}


def reported_error(event: Failed, endpoint: str, model: str | None) -> StreamError:
    """The error for a report.

    Args:
        event: The report.
        endpoint: The server's name.
        model: The model that was asked.

    Example:
        >>> from nbstream.events import Failed
        >>> str(reported_error(Failed("No credit.", kind="quota"), "api.example", "m"))
        'api.example reported an error: No credit. Check your plan and billing.'
    """
    line = " ".join(event.message.split())[:300].rstrip(".")
    return error_class(event.kind)(
        f"{endpoint} reported an error: {line}.",
        remedies=event.remedies or _remedies(event, model),
        code=event.code,
        retryable=event.retryable,
        retry_after=event.retry_after,
    )


def _remedies(event: Failed, model: str | None) -> tuple[Remedy, ...]:
    if event.retryable and event.kind == "rate_limit" and event.retry_after:
        return (Remedy(RemedyKind.WAIT, event.retry_after),)
    if event.retryable:
        return (Remedy(RemedyKind.RETRY_LATER),)
    if event.kind == "not_found" and model:
        return (Remedy(RemedyKind.CHECK_MODEL, model),)
    return tuple(map(Remedy, _REMEDIES.get(event.kind, ())))
