"""What may be seen of an answer before one is chosen: its parts and how it ended, and nothing that tells who gave it.

Prices and speeds tell it, too, and so do the words of errors, which name servers and models.
"""

from __future__ import annotations

from dataclasses import replace

from nbstream.failures import StreamFailure
from nbstream.result import StreamResult

__all__ = ["blinded"]


def blinded(result: StreamResult) -> StreamResult:
    """The answer, growing or final, without anything that tells its model.

    Example:
        >>> from nbstream.result import StreamState
        >>> seen = blinded(StreamResult("Hi", StreamState.COMPLETED, "stop", model="gpt-5-mini", cost=0.01))
        >>> seen.text, seen.model, seen.cost
        ('Hi', None, None)
    """
    failed = None if result.error is None else StreamFailure("What happened is told once an answer is chosen.")
    pause = None if result.retry is None else replace(result.retry, reason="not available yet")
    return StreamResult(
        state=result.state, finish_reason=result.finish_reason, retry=pause, error=failed, parts=result.parts
    )
