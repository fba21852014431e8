"""The one place that talks to the OpenAI SDK: it opens the HTTP stream.

The SDK builds the request, authenticates and pools connections; `http_bytes` reads the bytes, and `decoded` makes
events of them. Works with openai 2.x (on httpx) and 3.x (on httpx2), so it imports neither HTTP library. The only time
limit here is the one for connecting.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
from typing import TYPE_CHECKING, Any

import jiter
import openai

from nbstream.errors import AuthenticationError, MissingKeyError, NotAStreamError, NotFoundError, StreamError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.settings.capabilities import LearnedCapabilities, capabilities_of
from nbstream.text.plain import plain
from nbstream.text.suggestion import closest
from nbstream.transport import chat_request, responses
from nbstream.transport.adaptation import adaptation
from nbstream.transport.decoded import decoded
from nbstream.transport.http_bytes import HttpBytes
from nbstream.transport.http_chunks import join_chunks
from nbstream.transport.translate import as_sent, error_body, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from nbstream.request import Endpoint, StreamRequest, Target
    from nbstream.settings.capabilities import Capabilities
    from nbstream.transport.event_stream import EventStream

__all__ = ["ClientPool", "prepare"]

_WITHOUT_KEY = (Remedy(RemedyKind.SET_KEY), Remedy(RemedyKind.NAME_SERVER), Remedy(RemedyKind.TRY_DEMO))

# The statuses with which servers reject a field.
_REFUSALS = {400, 422}
_LISTING_SECONDS = 2.0


class ClientPool:
    """Opens streams over HTTP; keeps one pooled client for each endpoint and key: a new one pays TCP and TLS again.

    It is both a `ByteSource` and a `StreamSource`. All its methods belong to one event loop, because the SDK's
    connections do.

    Args:
        linger: Seconds that a server may take to finish its response after the end of the answer.

    Attributes:
        linger: As given.
        capabilities: What the endpoints take, as far as it is known or was learned from what they refused.
        listed: The models that each base URL has listed when it was last asked.
    """

    def __init__(self, linger: float = 0.25) -> None:
        self.linger = linger
        self.capabilities = LearnedCapabilities()
        self.listed: dict[str, tuple[str, ...]] = {}
        self._clients: dict[Endpoint, openai.AsyncOpenAI] = {}

    def open(self, request: StreamRequest) -> AbstractAsyncContextManager[EventStream]:
        """Send the request and hand over the stream of its events; close the connection on the way out.

        Raises:
            StreamError: The stream could not be opened, or broke while it was read.
        """
        return decoded(self, request)

    async def open_bytes(self, request: StreamRequest) -> HttpBytes:
        """Send the request and return the response, whose body is still on its way.

        Raises:
            StreamError: There is no response, or one with an error status.
        """
        async with self._model_suggested(request):
            return await self._opened(request)

    async def _opened(self, request: StreamRequest) -> HttpBytes:
        tried: dict[Capabilities, openai.APIStatusError] = {}
        known = capabilities = self.capabilities.of(request.endpoint.base_url, request.model)
        with translated(request):
            while True:
                try:
                    stream = await self._sent(request, capabilities)
                except openai.APIStatusError as error:
                    if error.status_code not in _REFUSALS:
                        raise
                    tried[capabilities] = error.with_traceback(None)
                    again, now_known = adaptation(request, capabilities, error_body(error))
                    self._learn(request, capabilities, now_known)
                    if again is None:
                        raise
                    if again in tried:  # neither name is taken: the first refusal is of the one that the user knows
                        raise tried[again] from None
                    capabilities = again
                else:
                    self._learn(request, known, capabilities)
                    return stream

    def _learn(self, request: StreamRequest, before: Capabilities, after: Capabilities) -> None:
        if after != before:
            self.capabilities.learn(request.endpoint.base_url, request.model, before, after)

    async def _sent(self, request: StreamRequest, capabilities: Capabilities) -> HttpBytes:
        opening = self._sending(request, capabilities)
        response = await opening.__aenter__()
        # The SDK's own iterator over the bytes only hands them on, and costs as much as reading the clock.
        return HttpBytes(response.http_response, as_sent(request.endpoint, response.http_request), opening, self.linger)

    def _sending(self, request: StreamRequest, capabilities: Capabilities) -> AbstractAsyncContextManager[Any]:
        """The SDK's way to send the request, not yet begun."""
        client = self.client_for(request)
        timeout = openai.Timeout(None, connect=request.limits.connect)  # silence is watched by the session
        if request.position is not None:
            retrieving: Any = client.responses.with_streaming_response.retrieve
            response_id, after = request.position.response_id, request.position.sequence_number
            resuming: AbstractAsyncContextManager[Any] = retrieving(
                response_id, stream=True, starting_after=after, timeout=timeout
            )
            return resuming
        if request.api == "chat":
            body = chat_request.request_body(request, capabilities)
            creator: Any = client.chat.completions
        else:
            body = responses.request_body(request)
            creator = client.responses
        # Given as parameters, the SDK would look through all messages for things to rename: 0.1 ms for each of them.
        named = {"model": body.pop("model"), **({"messages": []} if request.api == "chat" else {})}
        body |= {name: _without_models(body[name]) for name in ("messages", "input") if name in body}
        creating = creator.with_streaming_response.create
        sending: AbstractAsyncContextManager[Any] = creating(
            **named, stream=request.stream, extra_body=body, timeout=timeout
        )
        return sending

    def client_for(self, target: Target) -> openai.AsyncOpenAI:
        """The SDK's client for a target: the pooled one, made at first use, or the user's own.

        Raises:
            StreamError: There is no key, or one that cannot be sent.
        """
        endpoint = target.endpoint
        if target.client is not None:
            return target.client.with_options(max_retries=0)
        if endpoint.api_key is None and capabilities_of(endpoint.base_url).needs_key:
            raise MissingKeyError(f"No key for {endpoint.name}.", remedies=_WITHOUT_KEY)
        client = self._clients.get(endpoint)
        if client is None:
            # Local servers want no key, but the SDK wants a string.
            key = endpoint.api_key.reveal() if endpoint.api_key else "no-key"
            if not (key.isascii() and key.isprintable()):  # the HTTP library would print the key in its own error
                raise AuthenticationError(
                    f"The key for {endpoint.name} holds a line break, an ellipsis or another character that no key "
                    "has; nothing was sent.",
                    remedies=[Remedy(RemedyKind.COPY_KEY)],
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

    async def models(self, target: Target) -> list[str]:
        """Ask an endpoint which models it has (`GET /models`).

        Raises:
            StreamError: It does not answer, does not accept the key, or answers with something else.

        Example:
            ```python
            assert target.model in await ClientPool().models(target)
            ```
        """
        name = target.endpoint.name
        timeout = openai.Timeout(None, connect=target.limits.connect)  # the caller watches the silence
        try:
            with translated(target):
                listing = self.client_for(target).models.with_raw_response
                response = await listing.list(timeout=timeout)
            names = [str(model["id"]) for model in jiter.from_json(response.content)["data"]]
        except NotFoundError:
            raise NotFoundError(
                f"{name} has no /models (404).", remedies=[Remedy(RemedyKind.CHECK_ADDRESS)], status=404
            ) from None
        except (ValueError, LookupError, TypeError):
            raise NotAStreamError(
                f"{name} answered with something that is not a list of models.",
                remedies=[Remedy(RemedyKind.CHECK_ADDRESS)],
            ) from None

        self.listed[target.endpoint.base_url] = tuple(names)
        return names

    @contextlib.asynccontextmanager
    async def _model_suggested(self, request: StreamRequest) -> AsyncIterator[None]:
        """Where a server does not know the model, name the one that its list has instead."""
        try:
            yield
        except NotFoundError as error:
            if "model" in error.happened.lower().replace("/models", ""):
                with contextlib.suppress(StreamError, TimeoutError):
                    async with asyncio.timeout(_LISTING_SECONDS):
                        names = await self.models(request)
                    if meant := closest(request.model, names, 0.6):
                        error.args = (f"{error.happened} Did you mean {plain(meant)}?",)
            raise

    async def close(self) -> None:
        """Close every pooled connection."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()


def prepare() -> None:
    """Import what the SDK itself imports with its first request."""
    with contextlib.suppress(ImportError):  # of the HTTP library's own, on a loop like ours
        importlib.import_module("anyio._backends._asyncio")
    client = openai.AsyncOpenAI(api_key="none", base_url="http://localhost")
    _ = client.chat.completions.with_streaming_response, client.responses.with_streaming_response


def _headers_against_environment(key: str) -> dict[str, Any]:
    """Headers that withhold what the SDK takes from the environment when it is meant for another endpoint.

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
