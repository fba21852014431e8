"""What is known of an answer that came through a relay: what it cost there, and what is left after it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbstream.result import StreamResult

__all__ = ["with_quota"]


def with_quota(result: StreamResult, stream: Any) -> StreamResult:
    """A result with its cost and with what is left, where the relay has said what that takes.

    Args:
        result: The answer of one request, ended.
        stream: What it came from.

    Example:
        >>> from nbstream.result import StreamResult
        >>> with_quota(StreamResult("Hi"), None).quota is None
        True
    """
    quota = getattr(stream, "quota", None)
    if quota is None:
        return result
    cost = quota.cost_of(result.usage) if result.cost is None else result.cost
    return replace(result, cost=cost, quota=quota.after(result.usage, cost))
