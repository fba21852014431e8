"""Responses that were made before: looked up, streamed once more, cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbstream.demo.errors import ApiError
from nbstream.demo.fields import invalid
from nbstream.demo.handlers.stream import StreamHandler

if TYPE_CHECKING:
    from collections import deque

    from nbstream.demo.record import RequestRecord
    from nbstream.demo.response_store import ResponseStore

FLAGS = {"true": True, "false": False}


class StoredHandler(StreamHandler):
    """What the requests about a stored response share."""

    def initialize(  # type: ignore[override]  # tornado calls it with this route's own arguments
        self,
        *,
        store: ResponseStore,
        records: deque[RequestRecord],
    ) -> None:
        """Take where responses are stored."""
        super().initialize(records=records)
        self._store = store


class RetrieveHandler(StoredHandler):
    """A response as it is now, or its events, from the beginning or from where a stream was lost."""

    async def get(self, response_id: str) -> None:
        """Answer with the object or with the events."""
        await self.work(self._retrieve(response_id))

    async def _retrieve(self, response_id: str) -> None:
        stored = self._store.get(response_id)
        stream, after = self._read()
        if not stream:
            self.finish_json(stored.response.present())
            return
        if stored.generation is None:
            raise ApiError(400, "A response can only be streamed again if it was created with background=true.")
        if self.record is not None:
            self.record.stream = True
        await self.send(stored.generation.follow(after))
        self.finish()

    def _read(self) -> tuple[bool, int]:
        """Whether the events are asked for, and after which number."""
        flag, number = self.get_query_argument("stream", "false"), self.get_query_argument("starting_after", None)
        if (stream := FLAGS.get(flag)) is None:
            raise invalid("stream", "Invalid 'stream': expected true or false.")
        if number is None:
            return stream, -1
        if not stream:
            raise invalid("starting_after", "'starting_after' is only allowed when 'stream' is true.")
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise invalid("starting_after", "Invalid 'starting_after': expected the number of an event.")
        return stream, int(number)


class CancelHandler(StoredHandler):
    """The end of a response in the background."""

    async def post(self, response_id: str) -> None:
        """Cancel, and answer with what the response is then; a second time changes nothing."""
        await self.work(self._cancel(response_id))

    async def _cancel(self, response_id: str) -> None:
        stored = self._store.get(response_id)
        if stored.generation is None:
            raise ApiError(400, "A response can only be cancelled if it was created with background=true.")
        stored.cancel()
        if not stored.response.cancelled:
            raise ApiError(400, "A response that has ended cannot be cancelled.")
        self.finish_json(stored.response.present())
