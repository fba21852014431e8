"""Which models a server has: `GET /models`, asked on the engine as a stream would be. Thin: resolve and submit."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from nbstream.config import resolve, settings
from nbstream.engine import Engine, engine
from nbstream.errors import TotalTimeoutError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from nbstream.request import StreamRequest

__all__ = ["list_models"]

_SECONDS = 15.0
_MOST, _LONGEST = 2_000, 200

# What says where a request goes, of the options of a stream.
_OF_THE_ENDPOINT = ("model", "base_url", "api_key", "client")


def list_models(options: Mapping[str, Any]) -> Future[tuple[str, ...]]:
    """Ask for the models of the server that a stream with these options would go to.

    Args:
        options: Options of `nbs.start`; those that do not say where to ask are passed over.

    Returns:
        A future of the names, in alphabetical order. It raises a `StreamError` if the server does not answer, does not
        accept the key, or has no such list.

    Raises:
        UsageError: An option cannot be.

    Example:
        ```python
        list_models({"base_url": "http://localhost:11434/v1"}).result()    # ('llama3.2', 'qwen3')
        ```
    """
    config = settings()
    named = {name: options[name] for name in _OF_THE_ENDPOINT if options.get(name)}
    # A server can be asked before a model of it is chosen.
    named.setdefault("model", config.model or os.environ.get("NBSTREAM_MODEL") or "any")
    loop = engine()
    return loop.submit(_ask(loop, resolve(config, "models", **named)))


async def _ask(engine: Engine, request: StreamRequest) -> tuple[str, ...]:
    try:
        async with asyncio.timeout(_SECONDS):
            names = await engine.clients.models(request)
    except TimeoutError:
        raise TotalTimeoutError(f"{request.endpoint.name} did not list its models within {_SECONDS:g} s.") from None
    return tuple(sorted({name for name in names if len(name) <= _LONGEST})[:_MOST])
