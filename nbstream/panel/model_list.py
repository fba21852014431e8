"""Which models a server has: `GET /models`, asked on the engine as a stream would be. Thin: resolve and submit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from nbstream.errors import TotalTimeoutError
from nbstream.settings.config import settings
from nbstream.settings.target import resolve_target, target_options
from nbstream.streaming.engine import Engine, engine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from nbstream.request import Target

__all__ = ["list_models"]

_SECONDS = 15.0
_MOST, _LONGEST = 2_000, 200


def list_models(options: Mapping[str, Any]) -> Future[tuple[str, ...]]:
    """Ask for the models of the server that a stream with these options would go to.

    Args:
        options: Options of `nbs.start`; options that do not say where to ask are ignored.

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
    loop = engine()
    return loop.submit(_ask(loop, resolve_target(settings(), **target_options(options))))


async def _ask(engine: Engine, target: Target) -> tuple[str, ...]:
    try:
        async with asyncio.timeout(_SECONDS):
            names = await engine.clients.models(target)
    except TimeoutError:
        raise TotalTimeoutError(f"{target.endpoint.name} did not list its models within {_SECONDS:g} s.") from None
    return tuple(sorted({name for name in names if len(name) <= _LONGEST})[:_MOST])
