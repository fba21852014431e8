"""Puts the key into a request at the last moment, and takes it out of what is kept of the request once it is sent.

The SDK would keep the key in its client, and the HTTP library keeps the headers of a request while the response
arrives. Of both, a traceback or a debugger may show everything.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nbstream.settings.credential import Credential

__all__ = ["PLACEHOLDER", "forget_key", "put_key"]

PLACEHOLDER = "no-key"
"""What the SDK is given for a key: it wants one, and local servers want none."""

_HEADER = b"authorization"

# httpcore says with this event that the headers have been sent, and hands over its own request.
# https://www.encode.io/httpcore/extensions/#trace
_SENT = "send_request_body.started"


def put_key(key: Credential, request: Any) -> Any:
    """Authenticate a request that is about to be sent, unless a header of the environment's does so already.

    It is for the HTTP client's `auth`, because the library does not take that along when a server redirects to another
    one.

    Args:
        key: The key.
        request: The `httpx.Request` (openai 2.x) or `httpx2.Request` (3.x).
    """
    if request.headers.get("authorization") == f"Bearer {PLACEHOLDER}":
        request.headers["authorization"] = f"Bearer {key.reveal()}"
    return request


async def forget_key(request: Any) -> None:
    """Have the key forgotten as soon as the headers have been sent; an event hook of the HTTP client.

    Args:
        request: The request that is about to be sent.
    """
    request.extensions["trace"] = functools.partial(_traced, request.extensions.get("trace"))


async def _traced(others: Callable[..., Awaitable[None]] | None, event: str, info: dict[str, Any]) -> None:
    if event.endswith(_SENT):
        headers = info["request"].headers
        headers[:] = [header for header in headers if header[0].lower() != _HEADER]
    if others is not None:
        await others(event, info)
