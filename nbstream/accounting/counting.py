"""Has the provider count the tokens of a request, part by part. Nothing is asked of the model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbstream.accounting.plan import plan_of
from nbstream.accounting.planned_parts import parts_of
from nbstream.errors import StreamError
from nbstream.moderation.gates import secrets_of
from nbstream.moderation.secrets import told
from nbstream.request import EMBEDDED_URL
from nbstream.streaming.cost import read_prices
from nbstream.streaming.engine import engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.accounting.plan import Plan
    from nbstream.accounting.planned_parts import PlannedPart
    from nbstream.request import StreamRequest
    from nbstream.streaming.engine import Engine

__all__ = ["planned"]

_SECONDS = 15.0
# Each part is one more request. A plan of very many parts is counted as a whole.
_MOST_PARTS = 24


def planned(request: StreamRequest, *, counted: bool = True) -> Plan:
    """The plan of a request, with the tokens that the provider counts.

    Args:
        request: What would be sent.
        counted: Whether to ask the provider to count; otherwise nothing at all is sent.
    """
    loop = engine()
    return loop.wait_for(_planned(loop, request, counted=counted))


async def _planned(loop: Engine, request: StreamRequest, *, counted: bool) -> Plan:
    await read_prices()
    if not counted:
        return plan_of(request)
    if (why := _not_counted(request)) is not None:
        return plan_of(request, counted=why)
    try:
        async with asyncio.timeout(_SECONDS):
            parts = parts_of(request)
            whole = await loop.clients.count(request)
            counts = await _counts(loop, parts, whole)
    except TimeoutError:
        return plan_of(request, counted=f"{request.endpoint.name} did not answer within {_SECONDS:g} s")
    except StreamError as error:
        return plan_of(request, counted=error.happened.rstrip("."))
    return plan_of(request, counts=counts, tokens=whole, counted=request.endpoint.name)


def _not_counted(request: StreamRequest) -> str | None:
    """Why nobody is asked, if so."""
    if request.source is not None:
        return "the source of the stream is no server"
    if found := secrets_of(request):
        return f"the prompt seems to hold {told(found)}, and is not sent to be counted"
    if request.endpoint.base_url == EMBEDDED_URL:
        return "the demo model has no server here"
    if request.api == "chat":
        return f"{request.endpoint.name} is asked over Chat Completions, which does not count"
    return None


async def _counts(loop: Engine, parts: Sequence[PlannedPart], whole: int) -> list[int | None]:
    """The tokens of each part: by how much the whole is more than the request without it. The question is the rest."""
    if len(parts) > _MOST_PARTS:
        return [None] * len(parts)
    others = [part.without for part in parts]
    asked = [loop.clients.count(request) for request in others if request is not None]
    counted = iter(await asyncio.gather(*asked))
    counts = [None if request is None else max(0, whole - next(counted)) for request in others]
    rest = whole - sum(count for count in counts if count is not None)
    return [
        max(0, rest) if count is None and part.kind == "question" else count
        for part, count in zip(parts, counts, strict=True)
    ]
