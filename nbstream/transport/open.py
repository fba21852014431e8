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

from nbstream.errors import ConnectionLostError, NotAStreamError, NotFoundError, StreamError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.request import EMBEDDED_URL
from nbstream.settings.capabilities import LearnedCapabilities
from nbstream.text.plain import plain
from nbstream.text.suggestion import closest
from nbstream.transport import own_client
from nbstream.transport.adaptation import adaptation
from nbstream.transport.answer_images import has_answer_images
from nbstream.transport.bounded_body import read_body, unknown_encoding
from nbstream.transport.clients import check_key, new_client, trusted_by_default
from nbstream.transport.decoded import decoded
from nbstream.transport.error_document import document_of
from nbstream.transport.http_bytes import HttpBytes
from nbstream.transport.refusal import address_remedy
from nbstream.transport.request_body import request_body
from nbstream.transport.surroundings import heeded
from nbstream.transport.token_count import UNREAD, token_count
from nbstream.transport.translate import as_sent, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from nbstream.request import Endpoint, StreamRequest, Target
    from nbstream.settings.capabilities import Capabilities
    from nbstream.transport.event_stream import EventStream

__all__ = ["ClientPool", "prepare"]

# The statuses with which servers reject a field, and also images.
_REFUSALS = {400, 422}
_REFUSALS_OF_IMAGES = {404, 415, 500}
_LISTING_SECONDS = 2.0

_PATHS = {"chat": "/chat/completions", "responses": "/responses"}

# A server may name one other field after the other.
_MOST_ADAPTATIONS = 4

_UNAUTHORIZED = 401

_LARGEST_LIST = 8 * 1024 * 1024


class ClientPool:
    """Opens streams over HTTP; keeps one pooled client for each endpoint and key: a new one pays TCP and TLS again.

    Where a variable that clients heed has changed, such as a proxy's, another one is made.

    It is both a `ByteSource` and a `StreamSource`. All its methods belong to one event loop, because the SDK's
    connections do.

    Args:
        linger: Seconds that a server may take to finish its response after the end of the answer.

    Attributes:
        linger: As given.
        capabilities: What the endpoints take, as far as it is known or was learned from what they refused.
        listed: The models that each base URL listed when it was last asked.
    """

    def __init__(self, linger: float = 0.25) -> None:
        self.linger = linger
        self.capabilities = LearnedCapabilities()
        self.listed: dict[str, tuple[str, ...]] = {}
        self._clients: dict[tuple[Endpoint, frozenset[tuple[str, str]]], openai.AsyncOpenAI] = {}

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
        another_key = False
        with translated(request):
            await _have_key(request)
            while True:
                try:
                    stream = await self._sent(request, capabilities)
                except openai.APIStatusError as error:
                    if error.status_code == _UNAUTHORIZED and not another_key and await _another_key(request):
                        another_key = True
                        continue
                    if error.status_code not in _REFUSALS and not _may_refuse_images(request, error.status_code):
                        raise
                    tried[capabilities] = error.with_traceback(None)
                    again, now_known = adaptation(request, capabilities, document_of(error).error)
                    self._learn(request, capabilities, now_known)
                    if again is None or len(tried) > _MOST_ADAPTATIONS:
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
        with own_client.asking():
            response = await self._asked(request, capabilities)
        sent_to = as_sent(request.endpoint, response.http_request)
        for name in ("authorization", "api-key"):
            response.http_request.headers.pop(name, None)  # it has done its work
        # The SDK's own iterator over the bytes only hands them on, and costs as much as reading the clock.
        stream = HttpBytes(response.http_response, sent_to, self.linger)
        offered = response.http_request.headers.get("accept-encoding", "")
        if (coding := unknown_encoding(stream.headers)) is not None and coding not in offered:
            await stream.close(complete=False)
            raise _compressed(request.endpoint, coding)
        return stream

    async def _asked(self, request: StreamRequest, capabilities: Capabilities) -> Any:
        """The SDK's response, whose body is unread."""
        client: Any = self.client_for(request)
        timeout = openai.Timeout(None, connect=request.limits.connect)  # silence is watched by the session
        if request.position is not None:
            resumed, after = request.position.response_id, request.position.sequence_number
            retrieving = client.responses.with_streaming_response.retrieve
            return await retrieving(resumed, stream=True, starting_after=after, timeout=timeout).__aenter__()
        body = request_body(request, capabilities)
        if request.client is None:  # the method of the API would look for things to rename in all that it is given
            body["stream"] = request.stream
            return await client.post(
                _PATHS[request.api], cast_to=object, body=body, options=UNREAD | {"timeout": timeout}
            )
        # The user's own client may have been wrapped by somebody who follows what is asked.
        api = client.chat.completions if request.api == "chat" else client.responses
        named = {"model": body.pop("model"), **({"messages": []} if request.api == "chat" else {})}
        creating = api.with_streaming_response.create
        return await creating(**named, stream=request.stream, extra_body=body, timeout=timeout).__aenter__()

    def client_for(self, target: Target) -> openai.AsyncOpenAI:
        """The SDK's client for a target: the pooled one, made at first use, or the user's own.

        Raises:
            StreamError: No client can be made: there is no key, or the environment is broken.
        """
        if target.client is not None:
            return own_client.prepared(target.client)
        made_for = target.endpoint, heeded(os.environ)
        client = self._clients.get(made_for)
        if client is None:
            client = self._clients[made_for] = new_client(target.endpoint)
        return client

    async def ready_client(self, target: Target) -> openai.AsyncOpenAI:
        """The client for a target, once there is a key to send: some are fetched when they are needed.

        Raises:
            StreamError: No client can be made, or the key cannot be had.
        """
        await _have_key(target)
        return self.client_for(target)

    async def models(self, target: Target) -> list[str]:
        """Ask an endpoint which models it has (`GET /models`).

        Raises:
            StreamError: It does not answer, does not accept the key, or answers with something else.

        Example:
            ```python
            assert target.model in await ClientPool().models(target)
            ```
        """
        if target.endpoint.base_url == EMBEDDED_URL:
            return ["demo"]
        name = target.endpoint.name
        timeout = openai.Timeout(None, connect=target.limits.connect)  # the caller watches the silence
        try:
            with translated(target):
                client = await self.ready_client(target)
                listing = client.models.with_streaming_response.list(timeout=timeout)
                async with contextlib.AsyncExitStack() as opened:
                    with own_client.asking():
                        response = await opened.enter_async_context(listing)
                    if (coding := unknown_encoding(response.headers)) is not None:
                        raise _compressed(target.endpoint, coding)
                    clean = as_sent(target.endpoint, response.http_request).redaction()
                    try:
                        body = await read_body(response.http_response, _LARGEST_LIST)
                    except Exception:  # noqa: BLE001  whatever reading raises: each HTTP library has errors of its own
                        raise ConnectionLostError(f"The connection to {name} broke off.", retryable=True) from None
            names = [clean(str(model["id"])) for model in jiter.from_json(body)["data"]]
        except NotFoundError:
            raise NotFoundError(
                f"{name} has no /models (404).", remedies=[address_remedy(target.endpoint)], status=404
            ) from None
        except (ValueError, LookupError, TypeError):
            raise NotAStreamError(
                f"{name} answered with something that is not a list of models.",
                remedies=[address_remedy(target.endpoint)],
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

    async def count(self, request: StreamRequest) -> int:
        """The tokens of a prompt, as the server counts them, without asking the model.

        Raises:
            StreamError: The server does not answer, does not accept the key, or does not count.
        """
        capabilities = self.capabilities.of(request.endpoint.base_url, request.model)
        return await token_count(await self.ready_client(request), request, capabilities)

    async def upload(self, target: Target, name: str, data: bytes, purpose: str) -> str:
        """Send a file (`POST /files`), and return its id.

        Raises:
            StreamError: The server does not answer, does not accept the key, or keeps no files.
        """
        endpoint = target.endpoint
        timeout = openai.Timeout(None, connect=target.limits.connect)
        try:
            with translated(target), own_client.asking():
                files: Any = (await self.ready_client(target)).files
                made = await files.create(file=(name, data), purpose=purpose, timeout=timeout)
        except NotFoundError:
            raise NotFoundError(
                f"{endpoint.name} has no /files (404).", remedies=[address_remedy(endpoint)], status=404
            ) from None
        if not isinstance(file_id := getattr(made, "id", None), str):
            raise NotAStreamError(f"{endpoint.name} did not say which id the file has.")
        return file_id

    async def close(self) -> None:
        """Close every pooled connection."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()


async def _have_key(target: Target) -> None:
    """Fetch the key, where it comes from a file, a keyring or a function."""
    if target.client is None and (key := target.endpoint.api_key) is not None:
        await key.fetch()
        check_key(target.endpoint)


async def _another_key(target: Target) -> bool:
    """Whether there is another key than the one that was refused: it may have expired earlier than it said."""
    return target.client is None and target.endpoint.api_key is not None and await target.endpoint.api_key.fetch_again()


def prepare() -> None:
    """Import what the SDK itself imports with its first request."""
    with contextlib.suppress(ImportError):  # of the HTTP library's own, on a loop like ours
        importlib.import_module("anyio._backends._asyncio")
    http_client = openai.DefaultAsyncHttpxClient(verify=trusted_by_default())
    client = openai.AsyncOpenAI(api_key="none", base_url="http://localhost", http_client=http_client)
    _ = client.chat.completions.with_streaming_response, client.responses.with_streaming_response


def _may_refuse_images(request: StreamRequest, status: int) -> bool:
    """Whether a server that says so may be asked without the images of earlier answers."""
    return status in _REFUSALS_OF_IMAGES and has_answer_images(request.messages)


def _compressed(endpoint: Endpoint, coding: str) -> NotAStreamError:
    return NotAStreamError(
        f"{endpoint.name} sent its answer compressed in a way that was not asked for ({endpoint.redact(coding)[:40]}).",
        remedies=[Remedy(RemedyKind.CHECK_PROXY), Remedy(RemedyKind.CHECK_SERVER)],
    )
