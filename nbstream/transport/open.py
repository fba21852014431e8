"""The one place that talks to the OpenAI SDK: it opens the HTTP stream and reads its bytes.

The SDK builds the request, authenticates and pools connections; the bytes are decoded by `wire`. Works with openai 2.x
(on httpx) and 3.x (on httpx2), so it imports neither HTTP library. It must not know assembly, display or time limits
other than the one for connecting.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any, Protocol

import jiter
import openai

from nbstream.errors import (
    AuthenticationError,
    ConnectionLostError,
    MissingKeyError,
    NotAStreamError,
    NotFoundError,
    RequestRejectedError,
)
from nbstream.events import ReasoningDelta, TextDelta
from nbstream.request import Position
from nbstream.transport import chat_completions, responses
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.gathering import Gathering
from nbstream.transport.http_chunks import join_chunks
from nbstream.transport.responses import ResponsesAdapter
from nbstream.transport.translate import as_sent, translated
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from nbstream.events import Event
    from nbstream.request import Endpoint, StreamRequest
    from nbstream.transport.wire import Adapter

__all__ = ["ClientPool", "EventStream"]

_MISSING_KEY = (
    "No key for {name}. Set OPENAI_API_KEY (or nbs.configure(api_key=…)), or name a compatible server with "
    "--base-url URL, or try the built-in demo model with -m demo."
)

# How long a server may take to finish its response after the end of the answer; some never do.
_LINGER_SECONDS = 0.25


class EventStream(Protocol):
    """An open stream: batches of events, one batch for each piece of bytes that the network delivers."""

    request_id: str | None

    def position(self) -> Position | None:
        """Where the answer can be taken up again if the stream breaks now; `None` if it cannot."""
        ...

    def __aiter__(self) -> AsyncIterator[list[Event]]:
        """Iterate over the batches; a batch may be empty (a keep-alive)."""
        ...


class ClientPool:
    """Opens streams; keeps one pooled client for each endpoint and key, for a new one pays TCP and TLS again.

    All its methods belong to one event loop, for the SDK's connections do.
    """

    def __init__(self) -> None:
        self._clients: dict[Endpoint, openai.AsyncOpenAI] = {}
        # Endpoints that have refused `stream_options`: asking them again would cost a request each time.
        self._without_usage: set[Endpoint] = set()

    @contextlib.asynccontextmanager
    async def open(self, request: StreamRequest) -> AsyncIterator[EventStream]:
        """Send the request and hand over the stream; close the connection on the way out.

        Raises:
            StreamError: The stream could not be opened, or broke while it was read.
        """
        include_usage = "stream_options" not in request.params and request.endpoint not in self._without_usage
        async with contextlib.AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(self._open_once(request, include_usage=include_usage))
            except RequestRejectedError as error:
                if not include_usage or "stream_options" not in error.message:
                    raise
                self._without_usage.add(request.endpoint)
                stream = await stack.enter_async_context(self._open_once(request, include_usage=False))
            yield stream

    @contextlib.asynccontextmanager
    async def _open_once(self, request: StreamRequest, *, include_usage: bool) -> AsyncIterator[EventStream]:
        with translated(request):
            opening, adapter = self._sending(request, include_usage=include_usage)
            response = await opening.__aenter__()
        stream = _Response(response, WireDecoder(adapter, as_sent(request.endpoint, response.http_request)), request)
        try:
            yield stream
            await stream.read_out()
        finally:
            try:
                await stream.close()
            finally:
                await opening.__aexit__(None, None, None)

    def _sending(self, request: StreamRequest, *, include_usage: bool) -> tuple[Any, Adapter]:
        """The SDK's way to send the request, not yet begun, and the translator of what will come."""
        client = self.client_for(request)
        timeout = openai.Timeout(None, connect=request.limits.connect)  # silence is watched by the session
        if request.position is not None:
            translator: ResponsesAdapter = request.position.translator.resumed()
            retrieving = client.responses.with_streaming_response.retrieve
            response_id, after = request.position.response_id, request.position.sequence_number
            return retrieving(response_id, stream=True, starting_after=after, timeout=timeout), translator
        adapter: Adapter
        if request.api == "chat":
            body = chat_completions.request_body(request, include_usage=include_usage)
            creator: Any = client.chat.completions
            adapter = ChatCompletionsAdapter()
        else:
            body = responses.request_body(request)
            creator = client.responses
            adapter = ResponsesAdapter()
        # Given as parameters, the SDK would look through all messages for things to rename: 0.1 ms for each of them.
        named = {"model": body.pop("model"), **({"messages": []} if request.api == "chat" else {})}
        body |= {name: _without_models(body[name]) for name in ("messages", "input") if name in body}
        creating = creator.with_streaming_response.create
        return creating(**named, stream=True, extra_body=body, timeout=timeout), adapter

    def client_for(self, request: StreamRequest) -> openai.AsyncOpenAI:
        """The client that the request goes out by, which is made once for each endpoint and key."""
        endpoint = request.endpoint
        if request.client is not None:
            return request.client.with_options(max_retries=0)
        if endpoint.api_key is None and endpoint.is_openai:
            raise MissingKeyError(_MISSING_KEY.format(name=endpoint.name))
        client = self._clients.get(endpoint)
        if client is None:
            # Local servers want no key, but the SDK wants a string.
            key = endpoint.api_key.reveal() if endpoint.api_key else "no-key"
            if not (key.isascii() and key.isprintable()):  # the HTTP library would print the key in its own error
                raise AuthenticationError(
                    f"The key for {endpoint.name} holds a line break, an ellipsis or another character that no key "
                    "has; nothing was sent. Copy it again."
                )
            # A proxy for the outside world would look for a local server on its own machine.
            http_client = openai.DefaultAsyncHttpxClient(
                trust_env=not endpoint.is_local, event_hooks={"request": [join_chunks]}
            )
            client = openai.AsyncOpenAI(
                api_key=key,
                base_url=endpoint.base_url,
                max_retries=0,
                http_client=http_client,
                default_headers=None if endpoint.environment_applies else _headers_against_environment(key),
            )
            self._clients[endpoint] = client
        return client

    async def models(self, request: StreamRequest) -> list[str]:
        """Ask the endpoint of `request` which models it has (`GET /models`).

        Raises:
            StreamError: It does not answer, does not accept the key, or answers with something else.

        Example:
            ```python
            assert request.model in await ClientPool().models(request)
            ```
        """
        name = request.endpoint.name
        timeout = openai.Timeout(None, connect=request.limits.connect)  # the caller watches the silence
        try:
            with translated(request):
                listing = self.client_for(request).models.with_raw_response
                response = await listing.list(timeout=timeout)
            return [str(model["id"]) for model in jiter.from_json(response.content)["data"]]
        except NotFoundError:
            raise NotFoundError(
                f"{name} has no /models (404). Check the base URL; most end in /v1.", status=404
            ) from None
        except (ValueError, LookupError, TypeError):
            raise NotAStreamError(
                f"{name} answered with something that is not a list of models. Check the base URL; most end in /v1."
            ) from None

    async def close(self) -> None:
        """Close every pooled connection."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()


class _Response:
    """An `EventStream` over the bytes of one HTTP response."""

    def __init__(self, response: Any, decoder: WireDecoder, request: StreamRequest) -> None:
        self.request_id: str | None = response.headers.get("x-request-id")
        self._chunks: AsyncGenerator[bytes] = response.iter_bytes().__aiter__()
        self._decoder = decoder
        self._request = request

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        broken = False
        gathering = Gathering(asyncio.get_running_loop())
        while not self._decoder.ended and not broken:
            gathering.watch()
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                break
            except Exception:  # noqa: BLE001  openai 2.x lets the HTTP library's own errors through
                broken = True  # whatever reading bytes raises; what it holds on to is let go before anything is raised
            else:
                pause = gathering.pause(len(chunk))
                events = self._decoder.feed(chunk)
                yield events
                # The beginning is never held up, nor the end.
                if pause and events and isinstance(events[-1], TextDelta | ReasoningDelta):
                    await asyncio.sleep(pause)
        yield self._decoder.break_off() if broken else self._decoder.close()
        if broken:
            name = self._request.endpoint.name
            raise ConnectionLostError(f"The connection to {name} broke off.", retryable=True)

    def position(self) -> Position | None:
        """Where the answer can be taken up again: only numbered responses that go on in the background can."""
        adapter = self._decoder.adapter
        if self._request.params.get("background") is not True or not isinstance(adapter, ResponsesAdapter):
            return None
        if adapter.ended or adapter.response_id is None or adapter.sequence_number is None:
            return None
        return Position(adapter.response_id, adapter.sequence_number, adapter, adapter.pending_half)

    async def close(self) -> None:
        """Let go of the bytes, for a failed stream may be looked at long afterwards."""
        with contextlib.suppress(Exception):
            await self._chunks.aclose()

    async def read_out(self) -> None:
        """Let a connection whose answer is complete finish, so that it can be used again; it is given up if not."""
        if self._decoder.ended:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_LINGER_SECONDS):
                    async for _ in self._chunks:
                        pass


def _headers_against_environment(key: str) -> dict[str, Any]:
    """Headers that keep back what the SDK takes from the environment, for an endpoint that it is not meant for.

    `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` and `OPENAI_CUSTOM_HEADERS` may hold secrets of another server.
    """
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    custom = [line.partition(":")[0].strip() for line in lines if ":" in line]
    headers: dict[str, Any] = {name: openai.Omit() for name in ("OpenAI-Organization", "OpenAI-Project", *custom)}
    return headers | {name: f"Bearer {key}" for name in custom if name.lower() == "authorization"}


def _without_models(value: Any) -> Any:
    """The value with the SDK's own objects, such as the calls of an earlier answer, as JSON; old SDKs need that."""
    if isinstance(value, dict):
        return {name: _without_models(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_models(each) for each in value]
    dump = None if isinstance(value, str) else getattr(value, "model_dump", None)
    return value if dump is None else dump(mode="json", exclude_unset=True)
