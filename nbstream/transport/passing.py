"""Passes requests on to a server as they are, and hands back its bytes as they come: what a relay is made of.

Nothing is decoded, retried or adapted. The key is put in at the last moment, as for every other request.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import openai

from nbstream.errors import UnreachableError
from nbstream.text.address import query_of
from nbstream.transport.bounded_body import read_body
from nbstream.transport.clients import check_key, new_http_client
from nbstream.transport.http_key import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from nbstream.request import Endpoint

__all__ = ["Passed", "Passing"]

_UNAUTHORIZED = 401
_LARGEST_REFUSAL = 64 * 1024


class Passed:
    """A response of the server.

    Args:
        response: The HTTP library's response, whose body has not been read.

    Attributes:
        status: The HTTP status.
        headers: The headers, by any case of their names.
    """

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces of the body, as they come.

        Raises:
            Exception: The body broke off: an error of the HTTP library.
        """
        pieces: AsyncIterator[bytes] = self._response.aiter_bytes()
        return pieces

    async def refusal(self) -> bytes:
        """The beginning of the body, of a response that is an error."""
        with contextlib.suppress(Exception):  # the status is what counts
            return await read_body(self._response, _LARGEST_REFUSAL)
        return b""


class Passing:
    """Passes requests on to one server; belongs to one event loop.

    Args:
        endpoint: The server, and the key for it.
        headers: What goes with each request beside the key.
    """

    def __init__(self, endpoint: Endpoint, headers: Mapping[str, str] | None = None) -> None:
        self.endpoint = endpoint
        self._headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",  # the usage in it is read while it passes
            **(headers or {}),
            "Authorization": f"Bearer {PLACEHOLDER}",
        }
        self._client: Any = None

    @contextlib.asynccontextmanager
    async def open(self, path: str, body: bytes, connect: float = 10.0) -> AsyncIterator[Passed]:
        """Send a request; the connection is closed on the way out, or kept for the next if the body was read.

        Args:
            path: Below the address of the server.
            body: As it is.
            connect: Seconds to wait for a connection. Nothing else is limited: the client watches the silence.

        Raises:
            StreamError: There is no key, or no connection.
        """
        async with contextlib.AsyncExitStack() as stack:
            response = await self._sent(path, body, connect, stack)
            if response.status_code == _UNAUTHORIZED and await self._another_key():
                await response.aclose()
                response = await self._sent(path, body, connect, stack)
            yield Passed(response)

    async def _sent(self, path: str, body: bytes, connect: float, stack: contextlib.AsyncExitStack) -> Any:
        key = self.endpoint.api_key
        if key is not None:
            await key.fetch()
        check_key(self.endpoint)
        if self._client is None:
            self._client = new_http_client(self.endpoint)
        address = f"{query_of(self.endpoint.base_url)[0].rstrip('/')}/{path}"  # the client adds the query
        timeout = openai.Timeout(None, connect=connect)
        request = self._client.build_request("POST", address, content=body, headers=self._headers, timeout=timeout)
        try:
            response = await self._client.send(request, stream=True)
        except Exception as error:  # noqa: BLE001  each HTTP library has errors of its own, and their words may hold addresses
            name = type(error).__name__
            raise UnreachableError(f"No connection to {self.endpoint.name} ({name}).", retryable=True) from None
        stack.push_async_callback(response.aclose)
        return response

    async def _another_key(self) -> bool:
        key = self.endpoint.api_key
        return key is not None and await key.fetch_again()

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
