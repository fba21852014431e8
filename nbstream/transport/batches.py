"""Batches made, asked after, found again and cancelled through the SDK.

Source: the OpenAI API reference, "Batch".
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import jiter
import openai

from nbstream.errors import NotAStreamError, NotFoundError, StreamError, TotalTimeoutError
from nbstream.transport import own_client
from nbstream.transport.batch_wire import ENDPOINTS, batch_state
from nbstream.transport.bounded_body import read_body
from nbstream.transport.fields import objects
from nbstream.transport.refusal import address_remedy
from nbstream.transport.translate import translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from nbstream.request import Endpoint, Target
    from nbstream.transport.batch_wire import BatchState
    from nbstream.transport.open import ClientPool

__all__ = ["batch_of", "batches", "cancel_batch", "create_batch", "no_batches"]

_LARGEST = 8 * 1024 * 1024
_SECONDS = 60.0
_PAGE = 100
_UNKNOWN_PATH = {404, 405, 501}


async def create_batch(pool: ClientPool, target: Target, file_id: str, metadata: Mapping[str, str]) -> BatchState:
    """Have a file of requests answered (`POST /batches`), which is what is paid for.

    Args:
        pool: Has the clients.
        target: Who answers, and by which API.
        file_id: The file.
        metadata: What to attach to it, so that it can be found again.

    Raises:
        StreamError: The server does not answer, does not accept the key, or takes no batches. After a lost connection
            or a time limit, the batch may exist all the same.
    """
    asked = {"input_file_id": file_id, "endpoint": ENDPOINTS[target.api], "completion_window": "24h"}
    try:
        return _state(target, await _asked(pool, target, "create", **asked, metadata=dict(metadata)))
    except NotFoundError as error:
        if file_id in error.happened:
            raise
        raise no_batches(target.endpoint, "/batches", error) from None
    except StreamError as error:
        raise no_batches(target.endpoint, "/batches", error) from None


async def batch_of(pool: ClientPool, target: Target, batch_id: str) -> BatchState:
    """How a batch is now (`GET /batches/{id}`).

    Raises:
        StreamError: The server does not answer, does not accept the key, or has no such batch.
    """
    return _state(target, await _asked(pool, target, "retrieve", batch_id))


async def cancel_batch(pool: ClientPool, target: Target, batch_id: str) -> BatchState:
    """Have a batch end early (`POST /batches/{id}/cancel`). It takes a while, and keeps what is answered.

    Raises:
        StreamError: The server does not answer, or the batch has ended.
    """
    return _state(target, await _asked(pool, target, "cancel", batch_id))


async def batches(pool: ClientPool, target: Target) -> AsyncIterator[BatchState]:
    """All batches that there are (`GET /batches`), the newest first, read page by page.

    Raises:
        StreamError: The server does not answer, does not accept the key, or takes no batches.
    """
    after: dict[str, str] = {}
    while True:
        try:
            page = await _asked(pool, target, "list", limit=_PAGE, **after)
        except StreamError as error:
            raise no_batches(target.endpoint, "/batches", error) from None
        found = [state for each in objects(page.get("data")) if (state := batch_state(each)) is not None]
        for state in found:
            yield state
        if not page.get("has_more") or not found or found[-1].id == after.get("after"):
            return
        after = {"after": found[-1].id}


def no_batches(endpoint: Endpoint, path: str, error: StreamError) -> StreamError:
    """The error itself, or what it means where a server does not have the path.

    Args:
        endpoint: The server.
        path: What was asked for.
        error: What it answered.
    """
    if error.status not in _UNKNOWN_PATH:
        return error
    what = f"{endpoint.name} has no {path} ({error.status}), so it takes no batches; nothing was asked or paid."
    return NotFoundError(what, remedies=[address_remedy(endpoint)], status=error.status)


async def _asked(pool: ClientPool, target: Target, what: str, *arguments: Any, **named: Any) -> dict[str, Any]:
    name = target.endpoint.name
    timeout = openai.Timeout(None, connect=target.limits.connect)
    try:
        async with asyncio.timeout(_SECONDS):
            with translated(target), own_client.asking():
                asking: Any = (await pool.ready_client(target)).batches.with_streaming_response
                async with getattr(asking, what)(*arguments, **named, timeout=timeout) as response:
                    body = await _read(response)
        told = jiter.from_json(body)
    except TimeoutError:
        raise TotalTimeoutError(f"{name} did not answer within {_SECONDS:g} s.", retryable=True) from None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise NotAStreamError(
            f"{name} answered with something that is no batch.", remedies=[address_remedy(target.endpoint)]
        )
    return told


async def _read(response: Any) -> bytes:
    try:
        return await read_body(response.http_response, _LARGEST)
    except Exception:  # noqa: BLE001  whatever reading raises: each HTTP library has errors of its own
        return b""


def _state(target: Target, told: dict[str, Any]) -> BatchState:
    if (state := batch_state(told)) is None:
        name = target.endpoint.name
        raise NotAStreamError(
            f"{name} answered with something that is no batch.", remedies=[address_remedy(target.endpoint)]
        )
    return state
