"""Whether a relay works, and what is left for whoever asks: as values, and as a page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from nbstream.errors import MissingKeyError
from nbstream.relay.refused import Refused
from nbstream.text.money import shown_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbstream.relay.limits import Caller
    from nbstream.relay.relay import Relay

__all__ = ["health_of", "page_of"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>nbstream relay</title>
<meta name="viewport" content="width=device-width"><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.25rem; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.5rem; }}
dt {{ opacity: .7; }} dd {{ margin: 0; overflow-wrap: anywhere; }}
.ok, .bad {{ font-weight: 600; }}
.ok::before {{ content: "\\2713\\00a0"; color: light-dark(#1a7f37, #3fb950); }}
.bad::before {{ content: "\\2717\\00a0"; color: light-dark(#b42318, #f97066); }}
</style></head><body><main><h1>nbstream relay</h1><dl>{rows}</dl></main></body></html>
"""


async def health_of(relay: Relay, caller: Caller) -> dict[str, Any]:
    """How a relay is; nothing of it is a secret, and of other users it says only how many requests run.

    Args:
        relay: The relay.
        caller: Who asks.
    """
    problems = []
    try:
        if (key := relay.endpoint.api_key) is None:
            problems.append("it has no key")
        else:
            await key.fetch()
            if not key.present:
                problems.append("it has no key")
    except MissingKeyError as error:
        problems.append(error.happened)
    if not relay.policy.models:
        problems.append("it allows no models")
    left: dict[str, Any] = {}
    try:
        left = (await relay.remaining(caller))._asdict()
    except Refused as refused:
        problems.append(refused.message)
    return {
        "status": "problem" if problems else "ok",
        "problems": problems,
        "provider": relay.endpoint.name,
        "models": list(relay.policy.models),
        "running": relay.rate.count(),
        "user": caller.name,
        "remaining": left,
    }


def page_of(health: Mapping[str, Any], escape: Callable[[str], str]) -> str:
    """A page of it.

    Args:
        health: What `health_of` says.
        escape: Makes text fit for HTML.
    """
    left = health["remaining"]
    tokens, usd, resets = left.get("tokens"), left.get("usd"), left.get("resets_at")
    shown = [] if tokens is None else [f"{max(0, tokens):,} tokens"]
    shown += [] if usd is None else [shown_cost(usd)]
    until = f", until {dt.datetime.fromtimestamp(resets, dt.UTC):%d %B %Y, %H:%M} UTC" if resets else ""
    state = '<span class="ok">works</span>'
    if health["problems"]:
        state = "<br>".join(f'<span class="bad">{escape(problem)}</span>' for problem in health["problems"])
    rows = {
        "State": state,
        "Provider": escape(health["provider"]),
        "Models": escape(", ".join(health["models"]) or "none"),
        "Running now": str(health["running"]),
        "You": escape(health["user"]),
        "Left for you": escape(f"{' and '.join(shown)}{until}" if shown else "no limit is set"),
    }
    return _PAGE.format(rows="".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows.items()))
