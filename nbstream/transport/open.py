"""The one place that talks to the OpenAI SDK: it opens the HTTP stream and translates every error on the way.

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
    RateLimitError,
    RequestRejectedError,
    ServerError,
    StalledError,
    StreamError,
    UnreachableError,
)
from nbstream.transport import chat_completions, responses
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.fields import error_in, failed
from nbstream.transport.responses import ResponsesAdapter
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from nbstream.events import Event
    from nbstream.request import Endpoint, StreamRequest

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
        client = self._client_for(request)
        if request.api == "chat":
            body = chat_completions.request_body(request, include_usage=include_usage)
            creator: Any = client.chat.completions
            adapter: ChatCompletionsAdapter | ResponsesAdapter = ChatCompletionsAdapter()
        else:
            body = responses.request_body(request)
            creator = client.responses
            adapter = ResponsesAdapter()
        timeout = openai.Timeout(None, connect=request.limits.connect)  # silence is watched by the session
        named = {name: body.pop(name) for name in ("model", "messages", "input") if name in body}
        opening = creator.with_streaming_response.create(**named, stream=True, extra_body=body, timeout=timeout)
        with _translated(request):
            response = await opening.__aenter__()
        try:
            yield _Response(response, WireDecoder(adapter, request.endpoint), request.endpoint)
        finally:
            await opening.__aexit__(None, None, None)

    def _client_for(self, request: StreamRequest) -> openai.AsyncOpenAI:
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
            direct = openai.DefaultAsyncHttpxClient(trust_env=False) if endpoint.is_local else None
            client = openai.AsyncOpenAI(
                api_key=key,
                base_url=endpoint.base_url,
                max_retries=0,
                http_client=direct,
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
            with _translated(request):
                listing = self._client_for(request).models.with_raw_response
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

    def __init__(self, response: Any, decoder: WireDecoder, endpoint: Endpoint) -> None:
        self.request_id: str | None = response.headers.get("x-request-id")
        self._response = response
        self._decoder = decoder
        self._endpoint = endpoint

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        chunks = self._response.iter_bytes().__aiter__()
        while not self._decoder.ended:
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                break
            except Exception:  # noqa: BLE001  openai 2.x lets the HTTP library's own errors through
                # Whatever reading bytes raises, it means that the connection broke.
                raise ConnectionLostError(
                    f"The connection to {self._endpoint.name} broke off. "
                    "What had arrived is kept; run the cell again to retry."
                ) from None
            yield self._decoder.feed(chunk)
        else:
            await _read_out(chunks)
        yield self._decoder.close()


async def _read_out(chunks: AsyncIterator[bytes]) -> None:
    """Let a connection whose answer is complete finish, so that it can be used again; it is given up if it does not."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_LINGER_SECONDS):
            async for _ in chunks:
                pass


def _headers_against_environment(key: str) -> dict[str, Any]:
    """Headers that keep back what the SDK takes from the environment, for an endpoint that it is not meant for.

    `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` and `OPENAI_CUSTOM_HEADERS` may hold secrets of another server.
    """
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    custom = [line.partition(":")[0].strip() for line in lines if ":" in line]
    headers: dict[str, Any] = {name: openai.Omit() for name in ("OpenAI-Organization", "OpenAI-Project", *custom)}
    return headers | {name: f"Bearer {key}" for name in custom if name.lower() == "authorization"}


@contextlib.contextmanager
def _translated(request: StreamRequest) -> Iterator[None]:
    """Turn the SDK's errors into nbstream's: the only place that does.

    The SDK's error is not chained: a traceback would print what the server said, and that may repeat the key.
    """
    name = request.endpoint.name
    try:
        yield
    except openai.APIStatusError as error:
        raise _from_status(error, request) from None
    except openai.APITimeoutError:
        limit = request.limits.connect
        raise StalledError(f"No connection to {name} within {limit:g} s. Check the base URL and the network.") from None
    except openai.APIConnectionError as error:
        raise _unreachable(error, request) from None
    except (openai.OpenAIError, TypeError, ValueError) as error:  # the latter two: a parameter that is not JSON
        raise RequestRejectedError(
            f"The request to {name} could not be made: {request.endpoint.redact(str(error))}"
        ) from None


def _unreachable(error: openai.APIConnectionError, request: StreamRequest) -> UnreachableError:
    reason = str(error.__cause__ or error).rstrip(".") or type(error.__cause__).__name__
    name = request.endpoint.name
    advice = "Is the server running?" if request.endpoint.is_local else "Check the base URL and the network."
    return UnreachableError(f"No connection to {name} ({request.endpoint.redact(reason)}). {advice}")


def _from_status(error: openai.APIStatusError, request: StreamRequest) -> StreamError:
    endpoint, status = request.endpoint, error.status_code
    body = error.body if isinstance(error.body, dict) else {}
    if isinstance(error.body, str) and not error.body.lstrip().startswith("<"):
        body = {"message": error.body}
    reported = failed(error_in(body) or body, endpoint.redact)
    said = "" if reported.message == "no message" else f": {' '.join(reported.message.split())[:300].rstrip('.')}"
    head = f"{endpoint.name} answered {status}{said}."
    if status in {401, 403}:
        advice = "Check the key (OPENAI_API_KEY or nbs.configure(api_key=…)) and that it belongs to this endpoint."
        if endpoint.api_key is None and request.client is None:
            advice = f"No key was sent. Set one with nbs.configure(base_url=…, api_key=…) for {endpoint.name}."
        return AuthenticationError(f"{head} {advice}", status=status, code=reported.code)
    if status == 404:
        return NotFoundError(f"{head} {_not_found_advice(request, reported.code)}", status=status, code=reported.code)
    if status == 429:
        quota = reported.code == "insufficient_quota"
        advice = "Check your plan and billing." if quota else "Wait a little and run the cell again."
        return RateLimitError(f"{head} {advice}", status=status, code=reported.code)
    if status >= 500:
        return ServerError(f"{head} The server has a problem; try again later.", status=status, code=reported.code)
    return RequestRejectedError(
        f"{head} Change the request (model, options, prompt).", status=status, code=reported.code
    )


def _not_found_advice(request: StreamRequest, code: str | None) -> str:
    if code == "model_not_found":
        return f"Check the model's name ({request.model})."
    if request.api == "responses" and not request.endpoint.is_openai:
        return "If this server has no /responses, use --api chat."
    return f"Check the model's name ({request.model}) and the base URL."
