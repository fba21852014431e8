"""Asks rows on this process's engine. They are drawn nowhere; ledger, budgets, moderation and recordings see them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.accounting.budget import Budget
from nbstream.accounting.budgeted import Budgeted
from nbstream.api import follow_up_of, gate_of
from nbstream.errors import QuotaError, RateLimitError
from nbstream.many.asking.paced import Asked
from nbstream.many.asking.runner import RowAnswer
from nbstream.moderation.gates import moderated_after
from nbstream.outcome import StreamState, add_up
from nbstream.parts import TextPart, joined
from nbstream.streaming.retry import RetryPolicy
from nbstream.streaming.rounds import FollowUps, Rounds
from nbstream.streaming.surfaces import Surfaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.many.asking.runner import PreparedRow
    from nbstream.request import StreamRequest
    from nbstream.result import Retry, StreamResult
    from nbstream.streaming.engine import Engine
    from nbstream.streaming.rounds import FollowUp
    from nbstream.transport.event_stream import StreamSource

__all__ = ["LocalAsker", "source_of"]


def source_of(request: StreamRequest, engine: Engine) -> StreamSource:
    """What sends the requests of all the rows of a map: what they may cost, they may cost together.

    Args:
        request: What every row is asked with.
        engine: Runs it.
    """
    source: StreamSource = request.source or engine
    budget = request.budget
    if budget is None or (budget.dollars is None and budget.kernel is None):
        return source
    return Budgeted(source, replace(budget, seconds=None), engine.book, "With this row the map")


class LocalAsker:
    """A `RowAsker` on the engine's loop.

    Args:
        request: What every row is asked with, apart from its messages.
        engine: Runs it.
        source: Sends the requests, see `source_of`.
    """

    def __init__(self, request: StreamRequest, engine: Engine, source: StreamSource) -> None:
        self._request = request
        self._engine = engine
        self._source = source
        self._asked: dict[int, Rounds] = {}

    async def ask(self, row: PreparedRow) -> Asked:
        """Ask a row and return its answer."""
        request = replace(self._request, messages=row.messages, warnings=(*self._request.warnings, *row.warnings))
        source = self._source
        if request.budget is not None and request.budget.seconds is not None:
            source = Budgeted(source, Budget(seconds=request.budget.seconds), self._engine.book)
        request = moderated_after(request, "")
        last = _LastText()
        surfaces = Surfaces()
        _, gate = gate_of(request, surfaces, None)
        rounds = Rounds(
            request,
            surfaces,
            source,
            retries=_RowRetries(request.max_retries),
            follow_up=_followed(request, surfaces, last),
            gate=gate,
            watch=self._engine.watch(taped=False),
            alive=self._engine.alive,
        )
        rounds.log.discard()
        self._asked[row.number] = rounds
        try:
            await self._engine.ready(request)
            result = await rounds.run()
        finally:
            del self._asked[row.number]
        return answer_of(row, result, last.text, holds_schema=request.schema is not None)

    def text_of(self, number: int) -> str:
        """The text so far of a row that is asked."""
        rounds = self._asked.get(number)
        return "" if rounds is None else rounds.snapshot(drawn=False).text

    def cancel(self) -> None:
        """End all that is asked now."""
        for rounds in [*self._asked.values()]:
            rounds.cancel()

    async def close(self) -> None:
        """It holds nothing: the clients are the engine's."""


class _RowRetries(RetryPolicy):
    """As for any answer, but a rate limit is the affair of the whole map: all its rows wait, once."""

    def next(self, error: object, attempt: int) -> Retry | None:
        """The pause before the next attempt; `None` for no retry."""
        return None if isinstance(error, RateLimitError) else super().next(error, attempt)  # type: ignore[arg-type]


class _LastText:
    """Keeps the text of the last round that is complete: what an object is made of."""

    def __init__(self) -> None:
        self.text: str | None = None

    async def next(
        self, request: StreamRequest, result: StreamResult, _: Callable[[StreamResult], object]
    ) -> StreamResult:
        """Look at it; see `nbstream.streaming.rounds.FollowUp`."""
        own = result.parts if request.earlier is None else result.parts[len(request.earlier.parts) :]
        self.text = joined(own, TextPart)
        return result


def _followed(request: StreamRequest, surfaces: Surfaces, last: _LastText) -> FollowUp | None:
    _, follow_up = follow_up_of(request, surfaces)
    if follow_up is None or request.schema is None:
        return follow_up
    return FollowUps(last, follow_up)


def _unusable(result: StreamResult, holds_schema: bool) -> tuple[str, str] | None:  # noqa: FBT001  of the request
    """Why a complete answer gives the row no value, if so, as a word and as a line."""
    if result.refusal:
        return "refusal", f"the model refused: {' '.join(result.refusal.split())}"
    if result.finish_reason == "content_filter" and (holds_schema or not result.text):
        return "filtered", "the answer was filtered"
    if result.tool_calls and (holds_schema or not result.text) and result.finish_reason == "tool_calls":
        return "tool_calls", "the answer ends with calls of tools, and has no text"
    return None


def answer_of(row: PreparedRow, result: StreamResult, last_text: str | None, *, holds_schema: bool) -> Asked:
    """What a result comes to for the row."""
    state, error = result.state, result.error
    value = last_text if last_text != result.text else None
    wrong = None if error is None else " ".join(str(error).split())
    kind = None if error is None else error.kind
    if state is StreamState.COMPLETED and (unusable := _unusable(result, holds_schema)) is not None:
        state, (kind, wrong) = StreamState.FAILED, unusable
    answer = RowAnswer(
        row,
        state,
        text=result.text,
        value=value if state is StreamState.COMPLETED else None,
        error=wrong,
        kind=kind,
        usage=add_up(each.usage for each in result.all_rounds),
        cost=result.total_cost,
        model=result.model,
        finish_reason=result.finish_reason,
        attempts=result.attempts,
    )
    is_refused = isinstance(error, RateLimitError) and not isinstance(error, QuotaError) and not result.parts
    return Asked(answer, is_refused, error.retry_after if error is not None else None)
