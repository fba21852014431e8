"""What a relay says in the headers of an answer: what is left for the user, and what tokens cost. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nbstream.outcome import Quota

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["quota_from"]

_TOKENS, _USD = "x-nbstream-remaining-tokens", "x-nbstream-remaining-usd"
_RESETS_AT, _PRICE = "x-nbstream-resets-at", "x-nbstream-price"


def quota_from(headers: Mapping[str, str]) -> Quota | None:
    """Read them; `None` if there are none, as from every other server.

    Args:
        headers: The headers, by lower-case name.

    Example:
        >>> quota_from({"x-nbstream-remaining-tokens": "1200", "x-nbstream-price": "1;10;0.1"})
        Quota(tokens=1200, usd=None, resets_at=None, price=(1.0, 10.0, 0.1))
        >>> quota_from({"x-nbstream-remaining-tokens": "many"}) is None
        True
    """
    tokens, usd, resets_at = (_number(headers.get(name)) for name in (_TOKENS, _USD, _RESETS_AT))
    price = [_number(each) for each in (headers.get(_PRICE) or "").split(";")]
    known = [each for each in price if each is not None and each >= 0]
    if tokens is None and usd is None and len(known) != 3:
        return None
    priced = (known[0], known[1], known[2]) if len(known) == 3 else None
    return Quota(None if tokens is None else int(tokens), usd, resets_at, priced)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e15 else None
