"""One request through the SDK and a whole session, for tests of what happens on the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from nbstream.display.surface import NullSurface
from nbstream.request import Endpoint, StreamRequest, TimeLimits
from nbstream.streaming.rounds import Rounds
from nbstream.transport.open import ClientPool

if TYPE_CHECKING:
    from nbstream.display.surface import Surface
    from nbstream.result import StreamResult
    from nbstream.settings.credential import Credential

__all__ = ["LONG", "PATIENCE", "SHORT", "a_request", "ask", "verdict"]

PATIENCE = 90.0

# A time limit that is to pass, and one that is not, in seconds.
SHORT, LONG = 2.0, 60.0


def a_request(base_url: str, *, api_key: Credential | None = None, **values: Any) -> StreamRequest:
    """A request that is sent only once, unless `values` say otherwise."""
    asked = {"messages": ({"role": "user", "content": "Hi"},), "model": "m", "api": "chat", "max_retries": 0, **values}
    return StreamRequest(endpoint=Endpoint(base_url, api_key), **asked)


def ask(
    base_url: str,
    *,
    surface: Surface | None = None,
    first_token: float = LONG,
    stall: float = LONG,
    times: int = 1,
    **values: Any,
) -> StreamResult:
    """Send a request, several times one after the other if asked to, and return how the last one ended."""

    async def run() -> StreamResult:
        pool = ClientPool()
        request = a_request(base_url, limits=TimeLimits(first_token=first_token, stall=stall), **values)
        pool.client_for(request)  # making a client takes long enough to be seen in a short limit
        try:
            for _ in range(times):
                result = await Rounds(request, surface or NullSurface(), pool).run()
            return result
        finally:
            await pool.close()

    return asyncio.run(asyncio.wait_for(run(), PATIENCE))


def verdict(result: StreamResult) -> tuple[str, str, str]:
    """State, text and kind of error, if any."""
    return str(result.state), result.text, result.error.kind if result.error is not None else ""
