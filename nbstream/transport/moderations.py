"""Asks a moderation endpoint (`POST /moderations`) through the SDK.

Source: the OpenAI API reference, "Create moderation".
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import jiter
import openai

from nbstream.errors import ConnectionLostError, NotAStreamError, NotFoundError
from nbstream.request import EMBEDDED_URL
from nbstream.text.plain import encodable
from nbstream.transport import own_client
from nbstream.transport.bounded_body import read_body, unknown_encoding
from nbstream.transport.fields import objects
from nbstream.transport.refusal import address_remedy
from nbstream.transport.translate import translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.request import Target
    from nbstream.transport.open import ClientPool

__all__ = ["moderated"]

_LARGEST = 4 * 1024 * 1024


async def moderated(pool: ClientPool, target: Target, texts: Sequence[str], model: str) -> list[dict[str, Any]]:
    """The results that the endpoint gives, one for each text.

    Args:
        pool: Has the clients.
        target: Whose endpoint.
        texts: What to moderate.
        model: The moderation model.

    Raises:
        StreamError: It does not answer, refuses, or answers with something else.
    """
    if target.endpoint.base_url == EMBEDDED_URL:
        from nbstream.transport.embedded import moderated_by_demo

        return moderated_by_demo(texts)
    name = target.endpoint.name
    timeout = openai.Timeout(None, connect=target.limits.connect)  # the caller watches the silence
    try:
        with translated(target):
            client = await pool.ready_client(target)
            asking = client.moderations.with_streaming_response.create(
                input=[encodable(text) for text in texts], model=model, timeout=timeout
            )
            async with contextlib.AsyncExitStack() as opened:
                with own_client.asking():
                    response = await opened.enter_async_context(asking)
                if unknown_encoding(response.headers) is not None:
                    raise NotAStreamError(f"{name} sent its verdict compressed in a way that was not asked for.")
                try:
                    body = await read_body(response.http_response, _LARGEST)
                except Exception:  # noqa: BLE001  whatever reading raises: each HTTP library has errors of its own
                    raise ConnectionLostError(f"The connection to {name} broke off.", retryable=True) from None
        answer = jiter.from_json(body)
    except NotFoundError:
        what = f"{name} has no /moderations (404)."
        raise NotFoundError(what, remedies=[address_remedy(target.endpoint)], status=404) from None
    except ValueError:
        answer = None
    return objects(answer.get("results")) if isinstance(answer, dict) else []
