"""From a line of a batch's output to the answer of its row: decoded, checked and entered in the ledger as any other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from nbstream.many.asking.local import LocalAsker
from nbstream.many.asking.runner import PreparedRow, RowAnswer
from nbstream.outcome import StreamState
from nbstream.transport.batch_answer import BatchAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from nbstream.request import StreamRequest
    from nbstream.streaming.engine import Engine
    from nbstream.transport.batch_wire import AnswerLine

__all__ = ["BatchReading"]


class BatchReading:
    """Reads the answers of rows.

    Args:
        request: What every row is asked with, apart from its messages.
        engine: Decodes them.
        messages: Gives what rows ask, by their numbers.
    """

    def __init__(
        self,
        request: StreamRequest,
        engine: Engine,
        messages: Callable[[Sequence[int]], Mapping[int, tuple[Mapping[str, Any], ...]]],
    ) -> None:
        # It has been sent, paid and answered: nothing is asked before it is read, and it is read once.
        self._request = replace(
            request, stream=False, batch=True, max_retries=0, allow_secrets=True, recordings=None, admit=None
        )
        self._engine = engine
        self._messages = messages

    async def rows(self, keys: Mapping[bytes, int]) -> dict[bytes, PreparedRow]:
        """Rows with what they ask, by their keys.

        Args:
            keys: Their numbers.
        """
        messages = await asyncio.to_thread(self._messages, [*keys.values()])
        return {key: PreparedRow(number, key, messages.get(number, ())) for key, number in keys.items()}

    async def answer(self, row: PreparedRow, line: AnswerLine) -> RowAnswer:
        """What a line says of its row.

        Args:
            row: The row.
            line: The line.
        """
        if line.status is None:
            return self._not_executed(row, line)
        asked = await LocalAsker(self._request, self._engine, BatchAnswer(line)).ask(row)
        return replace(asked.answer, source="batch")

    def _not_executed(self, row: PreparedRow, line: AnswerLine) -> RowAnswer:
        if line.code == "batch_cancelled":
            return RowAnswer(row, StreamState.CANCELLED, attempts=0, source="batch")
        clean = self._request.endpoint.redact
        said = clean(line.message or line.code or "no reason given").rstrip(".")
        told = f"{self._request.endpoint.name} did not answer this row: {said}"
        return RowAnswer(row, StreamState.FAILED, error=told, kind=clean(line.code or ""), attempts=0, source="batch")
