"""What an answer cost, where prices are known: what the user has said, or `genai-prices`, if it is installed.

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
    from nbstream.accounting.price import Price
    from nbstream.outcome import Usage
    from nbstream.request import StreamRequest

__all__ = ["AT_MOST", "cost_of", "installed", "price_later", "price_list", "read_prices", "source_of"]

_PRICE_LIST = "genai_prices"

AT_MOST = "at most"
"""What is said of a price that a batch may not reach."""

_IN_A_BATCH = {"processing": "batch"}


def cost_of(
    usage: Usage | None, model: str | None, base_url: str, request: StreamRequest | None = None
) -> float | None:
    """The price of one answer in US dollars; `None` if unknown. That of a batch is an upper bound unless it is known.

    Args:
        usage: The tokens that the server reported.
        model: The model that answered.
        base_url: Where it answered, because each provider has its own price for a model.
        request: What was asked, with the prices that the user has given.

    Example:
        ```python
        cost_of(result.usage, result.model, "https://api.openai.com/v1")    # 0.000405, or None
        ```
    """
    if usage is None or model is None:
        return None
    if request is not None and (own := _own_price(model, request)) is not None:
        return own.of(usage, batch=request.batch)
    prices = price_list()
    if prices is None:
        return None
    if request is not None and request.batch:
        return _listed(prices, usage, model, base_url, _IN_A_BATCH) or _listed(prices, usage, model, base_url)
    return _listed(prices, usage, model, base_url)


def _listed(prices: Any, usage: Usage, model: str, base_url: str, context: Any = None) -> float | None:
    """What a price list says."""
    cached = min(usage.cached_tokens or 0, usage.input_tokens)
    tokens = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        # More cached tokens than tokens is a server's mistake, which the price list would reject.
        "cache_read_tokens": cached,
    }
    if usage.cache_write_tokens:
        tokens["cache_write_tokens"] = min(usage.cache_write_tokens, usage.input_tokens - cached)
    try:
        options = {} if context is None else {"price_context": context}
        price = prices.calc_price(prices.Usage(**tokens), model, provider_api_url=base_url, **options)
        total = float(price.total_price)
    except Exception:  # noqa: BLE001  an unknown provider or model, or a price list of another version: no price
        return None
    return total if math.isfinite(total) else None


def source_of(model: str | None, request: StreamRequest) -> str:
    """Where the price of an answer is from, in a word or two.

    Args:
        model: The model that answered.
        request: What was asked.
    """
    own = _own_price(model, request)
    version = getattr(price_list(), "__version__", "")
    source = "your own" if own is not None else f"genai-prices {version}".rstrip()
    return f"{source}, {AT_MOST}" if request.batch and not _batches_priced(model, request, own) else source


def _batches_priced(model: str | None, request: StreamRequest, own: Price | None) -> bool:
    """Whether a batch has a price of its own."""
    if own is not None:
        return own.batch is not None
    from nbstream.outcome import Usage

    prices, base_url = price_list(), request.endpoint.base_url
    if prices is None or model is None:
        return False
    tokens = Usage(1_000_000, 1_000_000, 2_000_000)
    in_a_batch = _listed(prices, tokens, model, base_url, _IN_A_BATCH)
    return in_a_batch is not None and in_a_batch != _listed(prices, tokens, model, base_url)


async def price_later(usage: Usage | None, model: str | None, request: StreamRequest) -> float | None:
    """Like `cost_of`, without holding up the event loop while the prices are read for the first time."""
    if usage is None:
        return None
    if _own_price(model, request) is None:
        if not installed():
            return None
        await read_prices()
    return cost_of(usage, model, request.endpoint.base_url, request)


def _own_price(model: str | None, request: StreamRequest) -> Price | None:
    """What the user has said: of the model that answered, or else of the one that was asked."""
    names = [name for name in (model, request.model) if name in request.prices]
    return request.prices[names[0]] if names and names[0] is not None else None


async def read_prices() -> None:
    """Read the price list, if there is one, without holding up the event loop."""
    if installed() and not price_list.cache_info().currsize:
        reading = DaemonThread("nbstream-prices")  # not one of the loop's own, which would stay
        await asyncio.get_running_loop().run_in_executor(reading, price_list)
        reading.shutdown(wait=False)


@functools.cache
def installed() -> bool:
    """Whether a price list is installed, checked once."""
    return importlib.util.find_spec(_PRICE_LIST) is not None


@functools.cache
def price_list() -> Any:
    """The module, imported once: it reads thousands of prices, when it is first asked for one."""
    from nbstream.outcome import Usage

    try:
        prices = importlib.import_module(_PRICE_LIST)
    except ImportError:
        return None
    _listed(prices, Usage(1, 1, 2), "gpt-4o", "https://api.openai.com/v1")
    return prices
