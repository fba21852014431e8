"""Puts the key into a request at the last moment, and takes it out of what is kept of the request once it is sent.

The SDK would keep the key in its client, and the HTTP library keeps the headers of a request while the response
arrives. Of both, a traceback or a debugger may show everything.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nbstream.settings.credential import Credential

__all__ = ["PLACEHOLDER", "forget_key", "key_in_own_header", "put_key", "wants_own_header"]

PLACEHOLDER = "no-key"
"""What the SDK is given for a key: it wants one, and local servers want none."""

_HEADERS = {b"authorization", b"api-key"}

_BEGINNING_OF_TOKENS = "eyJ"
"""How the tokens of Entra begin, which are for `Authorization` everywhere."""

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
    if key.present and request.headers.get("authorization") == f"Bearer {PLACEHOLDER}":
        request.headers["authorization"] = f"Bearer {key.reveal()}"
    return request


def key_in_own_header(key: Credential, base_url: str) -> Callable[[Any], Awaitable[None]]:
    """Authenticates by the header `api-key`, as the deployments of Azure want it; an event hook of the HTTP client.

    The library takes this header along when a server redirects to another one, so it is taken out there.

    Args:
        key: The key.
        base_url: The server it is for.
    """
    server = urlsplit(base_url).netloc.lower()

    async def put(request: Any) -> None:
        request.headers.pop("api-key", None)
        if request.headers.get("authorization") == f"Bearer {PLACEHOLDER}":
            del request.headers["authorization"]
        if request.url.netloc.decode().lower() == server:
            request.headers["api-key"] = key.reveal()

    return put


def wants_own_header(key: Credential, base_url: str) -> bool:
    """Whether the key for an address goes into a header of its own.

    Args:
        key: The key.
        base_url: The address. Azure's newer ones, with `/openai/v1`, take keys as everyone does.
    """
    return "/openai/deployments/" in f"{urlsplit(base_url).path}/" and not key.reveal().startswith(_BEGINNING_OF_TOKENS)


async def forget_key(request: Any) -> None:
    """Have the key forgotten as soon as the headers have been sent; an event hook of the HTTP client.

    Args:
        request: The request that is about to be sent.
    """
    request.extensions["trace"] = functools.partial(_traced, request.extensions.get("trace"))


async def _traced(others: Callable[..., Awaitable[None]] | None, event: str, info: dict[str, Any]) -> None:
    if event.endswith(_SENT):
        headers = info["request"].headers
        headers[:] = [header for header in headers if header[0].lower() not in _HEADERS]
    if others is not None:
        await others(event, info)
