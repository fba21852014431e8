"""Asks through a client of the user's own, whose refusals are bounded like all others while nbstream uses it.

The user's client stays what it was: what is added to it does nothing for requests that are not nbstream's.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from nbstream.transport.bounded_body import ENCODINGS, bound_refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import openai

__all__ = ["asking", "prepared"]

_asking: ContextVar[bool] = ContextVar("nbstream_asking", default=False)


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Mark the requests that are made in here as nbstream's."""
    before = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(before)


def prepared(client: openai.AsyncOpenAI) -> openai.AsyncOpenAI:
    """A client of the user's, for nbstream's requests: without retries of its own, and with refusals that are bounded.

    Args:
        client: The `AsyncOpenAI`, or something that passes for one.
    """
    options: dict[str, Any] = {"max_retries": 0}
    http_client: Any = getattr(client, "_client", None)  # the SDK has no public name for it
    hooks = getattr(http_client, "event_hooks", None)
    if isinstance(hooks, dict):
        responses = list(hooks.get("response", ()))
        if _bound_own not in responses:
            http_client.event_hooks = {**hooks, "response": [*responses, _bound_own]}
        offered = str(getattr(http_client, "headers", {}).get("accept-encoding", ""))
        chosen = {name.lower() for name in getattr(client, "default_headers", ())}
        # The library offers what is installed; of "br" and "zstd" the output cannot be bounded.
        if "accept-encoding" not in chosen and {"br", "zstd"} & {each.strip() for each in offered.split(",")}:
            options["default_headers"] = {"Accept-Encoding": ENCODINGS}
    return client.with_options(**options)


async def _bound_own(response: Any) -> None:
    if _asking.get():
        await bound_refusal(response)
