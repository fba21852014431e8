"""Answers that take their time: work that ends when the client leaves, and frames written as they come.

Knows no API's shapes, and not where the frames come from.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, cast

from tornado.iostream import StreamClosedError

from nbstream.demo.errors import ApiError
from nbstream.demo.handlers.api import ApiHandler

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Sequence

    from tornado.http1connection import HTTP1Connection


class StreamHandler(ApiHandler):
    """Works for a client as long as it is there."""

    _work: asyncio.Future[None] | None = None

    async def work(self, answering: Coroutine[object, object, None]) -> None:
        """Answer. The work is its own task, because a client that leaves ends it wherever it waits."""
        self._work = asyncio.ensure_future(answering)
        try:
            with suppress(asyncio.CancelledError, StreamClosedError):
                await self._work
        except ApiError as error:
            self.refuse(error)

    def on_connection_close(self) -> None:
        """Stop working."""
        super().on_connection_close()
        if self._work is not None:
            self._work.cancel()

    async def send(self, frames: AsyncGenerator[Sequence[bytes]], most: int | None = None) -> None:
        """Write an event stream as it comes, up to `most` frames of it. Its end is left to the caller."""
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        # Without this the kernel holds small writes back until the client acknowledges the one before.
        cast("HTTP1Connection", self.request.connection).stream.set_nodelay(True)
        await self.flush()  # the first frame may be long in coming
        sent = 0
        async with aclosing(frames):
            async for batch in frames:
                kept = batch if most is None else batch[: most - sent]
                self.write(b"".join(kept))
                await self.flush()
                sent += len(kept)
                if sent == most:
                    break
