"""What an answer cost, where prices are known: by `genai-prices`, if it is installed. Values in, a number out.

Never a guess: a server that the price list does not name has prices of its own, whatever its models are called.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import math
from typing import TYPE_CHECKING, Any

from nbstream.streaming.daemon_thread import DaemonThread

if TYPE_CHECKING:
    from nbstream.result import Usage

__all__ = ["cost_of", "installed", "price_later", "price_list"]

_PRICE_LIST = "genai_prices"


def cost_of(usage: Usage | None, model: str | None, base_url: str) -> float | None:
    """The price of one answer in US dollars; `None` if unknown.

    Args:
        usage: The tokens that the server reported.
        model: The model that answered.
        base_url: Where it answered, because each provider has its own price for a model.

    Example:
        ```python
        cost_of(result.usage, result.model, "https://api.openai.com/v1")    # 0.000405, or None
        ```
    """
    prices = price_list()
    if prices is None or usage is None or model is None:
        return None
    tokens = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        # More cached tokens than tokens is a server's mistake, which the price list would reject.
        "cache_read_tokens": min(usage.cached_tokens or 0, usage.input_tokens),
    }
    try:
        price = prices.calc_price(prices.Usage(**tokens), model, provider_api_url=base_url)
        total = float(price.total_price)
    except Exception:  # noqa: BLE001  an unknown provider or model, or a price list of another version: no price
        return None
    return total if math.isfinite(total) else None


async def price_later(usage: Usage | None, model: str | None, base_url: str) -> float | None:
    """Like `cost_of`, without holding up the event loop while the prices are read for the first time."""
    if usage is None or not installed():
        return None
    if not price_list.cache_info().currsize:
        reading = DaemonThread("nbstream-prices")  # not one of the loop's own, which would stay
        await asyncio.get_running_loop().run_in_executor(reading, price_list)
        reading.shutdown(wait=False)
    return cost_of(usage, model, base_url)


@functools.cache
def installed() -> bool:
    """Whether a price list is installed, checked once."""
    return importlib.util.find_spec(_PRICE_LIST) is not None


@functools.cache
def price_list() -> Any:
    """The module, imported once: it reads thousands of prices."""
    try:
        return importlib.import_module(_PRICE_LIST)
    except ImportError:
        return None
