"""`nbs.upload`: a file is sent to the provider once, and questions name it by its id. Thin: read, resolve, submit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from nbstream.attachments.reading import read
from nbstream.errors import TotalTimeoutError, UsageError
from nbstream.settings.config import settings
from nbstream.settings.target import DEMO_MODEL, chosen_model, resolve_target, target_options
from nbstream.streaming.engine import engine
from nbstream.text.secret import takes_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from openai import AsyncOpenAI

    from nbstream.request import Target
    from nbstream.streaming.engine import Engine
    from nbstream.text.secret import Secret

__all__ = ["upload"]

_LARGEST = 512_000_000
_SECONDS = 600.0


@takes_key
def upload(
    file: str | Path | bytes,
    *,
    name: str | None = None,
    purpose: str = "user_data",
    model: str | None = None,
    base_url: str | None = None,
    api_key: str | Secret | Callable[[], Any] | None = None,
    client: AsyncOpenAI | None = None,
) -> str:
    """Send a file to the provider once, so that many questions can be about it.

    Args:
        file: A path, or bytes.
        name: What the provider calls it; by default its own name.
        purpose: What it is for, in the provider's word.
        model: Model that will be asked, which may say where the file goes.
        base_url: Where it goes, as for `nbs.start`.
        api_key: The key for that.
        client: A client of your own.

    Returns:
        The id of the file, for `file=` of `nbs.start` and the others. The provider keeps it until you delete it there.

    Raises:
        UsageError: There is no such file, or an option cannot be; nothing was sent.
        StreamError: The server does not answer, does not accept the key, or keeps no files.

    Example:
        ```python
        report = nbs.upload("report.pdf")
        nbs.stream("Summarise it.", file=report)
        nbs.stream("What does it say of Norway?", file=report)
        ```
    """
    if isinstance(file, bytes | bytearray | memoryview):
        called, data = "file", bytes(file)
    else:
        called, data = read(file, _LARGEST)
    if not data:
        raise UsageError(f"{called} is empty")
    if base_url is None and client is None and chosen_model(settings(), model) == DEMO_MODEL:
        raise UsageError("the demo model keeps no files; give the file itself with file=")
    options: dict[str, Any] = {"model": model, "base_url": base_url, "api_key": api_key, "client": client}
    loop = engine()
    target = resolve_target(settings(), **target_options(options))
    return loop.wait_for(_send(loop, target, name or called, data, purpose))


async def _send(loop: Engine, target: Target, name: str, data: bytes, purpose: str) -> str:
    try:
        async with asyncio.timeout(_SECONDS):
            return await loop.clients.upload(target, name, data, purpose)
    except TimeoutError:
        raise TotalTimeoutError(f"{target.endpoint.name} did not take the file within {_SECONDS:g} s.") from None
