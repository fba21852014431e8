"""What tokens cost: what the operator has set, else what `genai-prices` knows. Pure."""

from __future__ import annotations

import fnmatch
import math
from typing import TYPE_CHECKING, Any

from nbstream.result import Usage
from nbstream.streaming.cost import cost_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Prices", "read_prices"]

_NAMES = ("input", "output", "cached")
_A_MILLION = 1_000_000
_MOST_KNOWN = 1000


def read_prices(given: Any) -> dict[str, dict[str, float]]:
    """Read a configuration: US dollars for a million tokens, by model or pattern.

    Args:
        given: A mapping of models to mappings of `input`, `output` and, if it differs, `cached`.

    Raises:
        ValueError: It is something else; says what.

    Example:
        >>> read_prices({"gpt-5-*": {"input": 0.25, "output": 2}})
        {'gpt-5-*': {'input': 0.25, 'output': 2}}
    """
    for model, prices in given.items():
        if not isinstance(prices, dict) or not {"input", "output"} <= set(prices) <= set(_NAMES):
            raise ValueError(f"the prices of {model!r} must be input, output and perhaps cached")
        for name, price in prices.items():
            number = isinstance(price, int | float) and not isinstance(price, bool)
            if not number or not math.isfinite(price) or price < 0:
                raise ValueError(f"the price {name} of {model!r} must be a number, 0 or above, not {price!r}")
    return dict(given)


class Prices:
    """What tokens cost.

    Args:
        configured: What `read_prices` has read.

    Example:
        >>> Prices({"m": {"input": 1.0, "output": 10.0}}).cost("m", "http://localhost/v1", 1000, 100)
        0.002
    """

    def __init__(self, configured: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self._configured = configured or {}
        self._of_a_million: dict[tuple[str, str], tuple[float, float, float] | None] = {}

    def of_a_million(self, model: str, base_url: str) -> tuple[float, float, float] | None:
        """What a million tokens cost: of a prompt, of an answer, and of a prompt that came from a cache.

        It is looked up once, because a price list takes its time and the answer must not wait for it.

        Example:
            >>> Prices({"m": {"input": 1.0, "output": 10.0}}).of_a_million("m", "http://localhost/v1")
            (1.0, 10.0, 1.0)
        """
        if (model, base_url) not in self._of_a_million:
            if len(self._of_a_million) >= _MOST_KNOWN:  # where the operator allows models by pattern
                self._of_a_million.clear()
            counts = ((1000, 0), (0, 1000), (1000, 0, 1000))  # of a million at once some cost more
            prices = [self.cost(model, base_url, *each) for each in counts]
            known = [round(price * 1000, 9) for price in prices if price is not None]
            self._of_a_million[model, base_url] = (known[0], known[1], known[2]) if len(known) == 3 else None
        return self._of_a_million[model, base_url]

    def cost(self, model: str, base_url: str, given: int, made: int, cached: int = 0) -> float | None:
        """What a request costs, in US dollars; `None` if that is not known.

        Args:
            model: The model that is asked.
            base_url: The server.
            given: Tokens of the prompt.
            made: Tokens of the answer.
            cached: Tokens of the prompt that came from a cache.
        """
        set_ = next((each for name, each in self._configured.items() if fnmatch.fnmatchcase(model, name)), None)
        cached = min(cached, given)
        if set_ is None:
            return cost_of(Usage(given, made, given + made, cached), model, base_url)
        paid = (given - cached) * set_["input"] + cached * set_.get("cached", set_["input"]) + made * set_["output"]
        return paid / _A_MILLION
