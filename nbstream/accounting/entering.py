"""Makes the entry of a request that has ended: what is known of its tokens and its cost, or else what is certain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nbstream.accounting.entry import Entry
from nbstream.accounting.lower_bound import asked_at_least, parts_at_least, tokens_at_least
from nbstream.outcome import StreamState, Usage
from nbstream.streaming.cost import cost_of, source_of

if TYPE_CHECKING:
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["at_least", "entry_of"]

_NEVER_SENT = {"missing_key", "unreachable", "connect_timeout", "no_recording", "budget"}


def entry_of(kernel: str, stream: int, request: StreamRequest, result: StreamResult) -> Entry:
    """The entry of a request.

    Args:
        kernel: Which kernel asked.
        stream: The number of the answer.
        request: What was asked.
        result: How it ended; of an answer that takes several requests, the answer so far.
    """
    timing = result.timing
    return Entry(
        time=datetime.now(UTC) - timedelta(seconds=timing.total),
        kernel=kernel,
        answer=stream,
        round=len(result.all_rounds) or 1,
        attempts=result.attempts,
        model=result.model or request.model,
        host=request.endpoint.name,
        api=request.api,
        cell=request.cell,
        cell_id=request.cell_id,
        state=str(result.state),
        finish_reason=result.finish_reason,
        error=None if result.error is None else result.error.kind,
        replayed=result.recorded_at is not None,
        ttft=timing.ttft,
        tokens_per_second=timing.tokens_per_second,
        seconds=timing.total,
        response_id=result.response_id,
        **_taken(request, result),
    )


def at_least(usage: Usage, model: str | None, request: StreamRequest) -> float | None:
    """The lowest price of so many tokens: as if all of the prompt came from a cache.

    Args:
        usage: A lower bound of the tokens.
        model: The model that answers.
        request: What was asked.
    """
    cached = Usage(usage.input_tokens, usage.output_tokens, usage.total_tokens, cached_tokens=usage.input_tokens)
    prices = [cost_of(each, model, request.endpoint.base_url, request) for each in (usage, cached)]
    return min((price for price in prices if price is not None), default=None)


def _taken(request: StreamRequest, result: StreamResult) -> dict[str, Any]:
    """Its tokens and its cost."""
    usage = result.usage
    # What a server reports before it has said why the answer ends is a report on the way.
    if usage is not None and (result.state is StreamState.COMPLETED or result.finish_reason is not None):
        cost = result.cost
        return {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "cost": cost,
            "price_source": None if cost is None else source_of(result.model, request),
        }
    if _was_refused(result):
        return {"input_tokens": 0, "output_tokens": 0, "cost": 0.0, "price_source": "not answered"}
    bound = _bound(request, result)
    if bound is None:
        return {}
    cost = at_least(bound, result.model, request)
    return {
        "input_at_least": bound.input_tokens,
        "output_at_least": bound.output_tokens,
        "cost_at_least": cost,
        "price_source": None if cost is None else source_of(result.model, request),
    }


def _was_refused(result: StreamResult) -> bool:
    """Whether nothing was sent, or the server has refused what was."""
    error = result.error
    if error is None or result.timing.ttft is not None or result.usage is not None:
        return False
    return error.kind in _NEVER_SENT or (error.status is not None and 400 <= error.status < 500)


def _bound(request: StreamRequest, result: StreamResult) -> Usage | None:
    """A lower bound of the tokens; `None` if there was no answer, so that nothing is certain."""
    if result.timing.ttft is None and result.finish_reason is None and result.usage is None:
        return None
    begin = 0 if request.earlier is None else len(request.earlier.parts)
    written = parts_at_least(result.parts[begin:], reasoning=request.api == "chat")
    if request.position is None:  # what was there already is part of the prompt
        written = max(0, written - tokens_at_least(request.partial_answer))
    asked = asked_at_least(request.system, request.messages)
    if result.usage is not None:
        asked, written = max(asked, result.usage.input_tokens), max(written, result.usage.output_tokens)
    return Usage(asked, written, asked + written)
