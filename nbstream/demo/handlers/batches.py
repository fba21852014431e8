"""Batches: made, looked up, listed, cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.demo.fields import invalid
from nbstream.demo.handlers.stream import StreamHandler

if TYPE_CHECKING:
    from collections import deque

    from nbstream.demo.record import RequestRecord
    from nbstream.demo.running_batches import RunningBatches

__all__ = ["BatchHandler", "BatchesHandler", "CancelBatchHandler"]


class _BatchServiceHandler(StreamHandler):
    """What the requests about batches share."""

    def initialize(  # type: ignore[override]  # tornado calls it with this route's own arguments
        self,
        *,
        batches: RunningBatches,
        records: deque[RequestRecord],
    ) -> None:
        """Take where batches are kept."""
        super().initialize(records=records)
        self._batches = batches
        self._service = batches.service


class BatchesHandler(_BatchServiceHandler):
    """All batches."""

    async def post(self) -> None:
        """Make one, and let it go on."""
        await self.work(self._create())

    async def get(self) -> None:
        """List them."""
        await self.work(self._list())

    async def _create(self) -> None:
        self.finish_json(self._batches.start(self.json_object()).present())

    async def _list(self) -> None:
        query: dict[str, Any] = {}
        if (after := self.get_query_argument("after", None)) is not None:
            query["after"] = after
        if (number := self.get_query_argument("limit", None)) is not None:
            if not (number.isascii() and number.isdecimal() and len(number) < 10):
                raise invalid("limit", "Invalid 'limit': expected a number.")
            query["limit"] = int(number)
        self.finish_json(self._service.listed(query))


class BatchHandler(_BatchServiceHandler):
    """One batch."""

    async def get(self, batch_id: str) -> None:
        """Describe it."""
        await self.work(self._describe(batch_id))

    async def _describe(self, batch_id: str) -> None:
        batch = self._service.get(batch_id)
        batch.asked()
        self.finish_json(batch.present())


class CancelBatchHandler(_BatchServiceHandler):
    """The early end of a batch."""

    async def post(self, batch_id: str) -> None:
        """Begin to cancel it."""
        await self.work(self._cancel(batch_id))

    async def _cancel(self, batch_id: str) -> None:
        batch = self._service.get(batch_id)
        batch.cancel()
        self.finish_json(batch.present())
