"""The relay's endpoint over HTTP: what its handlers do, whoever says who asks."""

from __future__ import annotations

import asyncio
import html
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from nbstream.relay.health import health_of, page_of
from nbstream.relay.refused import Refused
from nbstream.relay.relay import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tornado.http1connection import HTTP1Connection

    from nbstream.relay.limits import Caller
    from nbstream.relay.policy import Operation
    from nbstream.relay.relay import Relay

__all__ = ["HealthHandler", "ModelsHandler", "OperationHandler", "RelayHandler", "relay_routes"]


class RelayHandler(RequestHandler):
    """What all of them have in common: errors in OpenAI's form. What derives from it says who asks."""

    relay: Relay

    def initialize(self, relay: Relay) -> None:
        """Take what the route gives."""
        self.relay = relay

    async def caller(self) -> Caller:
        """Who asks.

        Raises:
            Refused: Nobody that is known, or allowed.
        """
        raise NotImplementedError

    async def refuse(self, refused: Refused) -> None:
        """Answer with an error."""
        self.set_status(refused.status)
        for name, value in refused.headers().items():
            self.set_header(name, value)
        self.write(refused.document())

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say in OpenAI's form what ended the request before it was answered."""
        error = kwargs.get("exc_info", (None, None))[1]
        if status_code in {401, 403}:
            refused = Refused(
                status_code, "Jupyter does not know who asks; its token is missing or wrong.", "relay_identity"
            )
        elif isinstance(error, HTTPError) and status_code < 500:
            refused = Refused(status_code, f"The relay refused the request ({status_code}).", "relay_refused")
        else:
            refused = Refused(status_code, "The relay itself failed; its log says why.", "relay_failed")
        self.set_header("Content-Type", "application/json")
        RequestHandler.finish(self, refused.document())


class OperationHandler(RelayHandler):
    """`POST chat/completions` and `POST responses`."""

    operation: Operation
    _work: asyncio.Future[None] | None = None

    def initialize(self, relay: Relay, operation: Operation) -> None:  # type: ignore[override]
        """Take what the route gives."""
        super().initialize(relay)
        self.operation = operation

    async def post(self) -> None:
        """Answer. It is a task of its own, because a client that leaves ends it wherever it waits."""
        self._work = asyncio.ensure_future(self._answered())
        with suppress(asyncio.CancelledError, StreamClosedError, ClientGoneError):
            await self._work

    async def _answered(self) -> None:
        try:
            caller = await self.caller()
        except Refused as refused:
            await self.refuse(refused)
            return
        await self.relay.answer(caller, self.operation, self.request.body, self)

    def on_connection_close(self) -> None:
        """Stop."""
        super().on_connection_close()
        if self._work is not None:
            self._work.cancel()

    # --- the exchange -------------------------------------------------------------------------------------------------

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head of the response."""
        self.set_status(status)
        for name, value in headers.items():
            self.set_header(name, value)
        # Without this the system holds small writes back until the client acknowledges the one before.
        cast("HTTP1Connection", self.request.connection).stream.set_nodelay(True)

    async def send(self, data: bytes) -> None:
        """Send a piece of the body."""
        self.write(data)
        try:
            await self.flush()
        except StreamClosedError:
            raise ClientGoneError from None

    def abort(self) -> None:
        """Break the connection off."""
        cast("HTTP1Connection", self.request.connection).stream.close()


class ModelsHandler(RelayHandler):
    """`GET models`: those that may be asked."""

    async def get(self) -> None:
        """Answer, for whoever is known."""
        try:
            await self.caller()
        except Refused as refused:
            await self.refuse(refused)
            return
        listed = [{"id": name, "object": "model", "owned_by": "relay"} for name in self.relay.policy.models]
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps({"object": "list", "data": listed}))


class HealthHandler(RelayHandler):
    """`GET health`: whether the relay works, and what is left for whoever asks; as a page, or as JSON."""

    async def get(self) -> None:
        """Answer, for whoever is known."""
        try:
            caller = await self.caller()
        except Refused as refused:
            await self.refuse(refused)
            return
        health = await health_of(self.relay, caller)
        if "html" in self.request.headers.get("Accept", ""):
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            self.write(page_of(health, html.escape))
        else:
            self.set_header("Content-Type", "application/json")
            self.write(json.dumps(health))


def relay_routes(base: str, relay: Relay, derived: Callable[[type[RelayHandler]], type[RelayHandler]]) -> list[Any]:
    """The routes of a relay.

    Args:
        base: The path that they are below.
        relay: What answers.
        derived: Makes of each handler one that knows who asks.
    """
    base = base.rstrip("/")
    operation = derived(OperationHandler)
    return [
        (f"{base}/chat/completions", operation, {"relay": relay, "operation": "chat/completions"}),
        (f"{base}/responses", operation, {"relay": relay, "operation": "responses"}),
        (f"{base}/models", derived(ModelsHandler), {"relay": relay}),
        (f"{base}/health", derived(HealthHandler), {"relay": relay}),
    ]
