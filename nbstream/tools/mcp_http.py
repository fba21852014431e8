"""Reaches an MCP server at an address: its bodies have an end, and what became of each request is known.

The SDK reads bodies of any length, listens again as often as a server asks, and tells an error of the HTTP server from
one of the MCP server by nothing but its words. Event hooks of the HTTP client see to these.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import Any

from nbstream.tools.mcp_lines import LONGEST_MESSAGE
from nbstream.transport.bounded_body import ENCODINGS, bound_body, bound_refusal

__all__ = ["Delivery", "delivered", "http_client"]

_LISTEN_SECONDS = 1.0  # between two attempts to hear of news
_ACCEPTED = 202
_FAULTS = 500

_delivery: ContextVar[Delivery | None] = ContextVar("nbstream_mcp_delivery", default=None)


class Delivery:
    """What is known of one request.

    Attributes:
        begun: Whether any of it has been sent.
        doubtful: Whether it may have been done, though the answer is none.
        too_large: Whether the answer was, so that its rest was not read.
    """

    def __init__(self) -> None:
        self.begun = self.doubtful = self.too_large = False

    async def trace(self, event: str, _: Any) -> None:
        """Take note of what the HTTP client does."""
        self.begun = self.begun or event.endswith("send_request_headers.started")


def delivered() -> Delivery:
    """What is known of the request that is made from here."""
    delivery = Delivery()
    _delivery.set(delivery)
    return delivery


def http_client(headers: dict[str, str]) -> Any:
    """The HTTP client that the SDK is to use; a context manager.

    Args:
        headers: More headers for its requests.
    """
    from mcp.shared._httpx_utils import create_mcp_http_client

    client = create_mcp_http_client({"Accept-Encoding": ENCODINGS, **headers})
    client.event_hooks = {"request": [_Asking()], "response": [_answered]}
    return client


class _Asking:
    def __init__(self) -> None:
        self._listened_at = float("-inf")

    async def __call__(self, request: Any) -> None:
        if request.method == "GET":  # a server may say that there is no need to wait
            await asyncio.sleep(max(0.0, self._listened_at + _LISTEN_SECONDS - time.monotonic()))
            self._listened_at = time.monotonic()
        elif (delivery := _delivery.get()) is not None:
            request.extensions["trace"] = delivery.trace


async def _answered(response: Any) -> None:
    delivery = _delivery.get() or Delivery()
    kind = response.headers.get("content-type", "").lower()
    is_answer = kind.startswith(("application/json", "text/event-stream"))
    delivery.doubtful = response.status_code >= _FAULTS or (
        response.is_success and (response.status_code == _ACCEPTED or not is_answer)
    )
    if not response.is_success:
        await bound_refusal(response)
    elif not kind.startswith("text/event-stream"):  # of which the SDK bounds each event
        delivery.too_large = await bound_body(response, LONGEST_MESSAGE)
