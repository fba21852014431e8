"""`nbs.price`: what a model costs, where no price list knows it, or where you pay another price."""

from __future__ import annotations

from nbstream.accounting.price import Price, prices_from
from nbstream.settings.config import settings

__all__ = ["price"]


def price(
    model: str,
    *,
    input: float,  # noqa: A002  the field's own word
    output: float,
    cached: float | None = None,
    cache_write: float | None = None,
    batch: float | None = None,
) -> Price:
    """Say what a model costs, in US dollars for a million tokens; it applies to every later request of this kernel.

    It goes before the price list of `genai-prices` (`pip install "nbstream[cost]"`). The same as an entry of the
    setting `NBStream.prices`, which a configuration file may have.

    Args:
        model: The name of the model, as it is asked or as it answers.
        input: Tokens of the prompt.
        output: Tokens of the answer, reasoning included.
        cached: Tokens of the prompt that came from a cache; as `input` if not given.
        cache_write: Tokens of the prompt that were written to a cache; as `input` if not given.
        batch: What share of these prices a batch pays, such as 0.5.

    Returns:
        The price.

    Raises:
        UsageError: A price is negative, or no finite number; nothing is changed.

    Example:
        ```python
        nbs.price("our-llama", input=0.10, output=0.40)
        ```
    """
    made = Price(input, output, cached, cache_write, batch)
    config = settings()
    config.prices = {**config.prices, **prices_from({model: made})}
    return made
