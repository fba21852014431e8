"""What a model costs, as its user says it: dollars for a million tokens of each kind. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.outcome import Usage

__all__ = ["Price", "prices_from"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model, in US dollars for a million tokens.

    Attributes:
        input: Tokens of the prompt.
        output: Tokens of the answer, reasoning included.
        cached: Tokens of the prompt that came from a cache; as `input` if not given.
        cache_write: Tokens of the prompt that were written to a cache; as `input` if not given.
        batch: What share of it a batch pays, such as 0.5; nobody knows if it is not given.

    Raises:
        UsageError: One of them is negative, or no finite number.

    Example:
        >>> from nbstream.outcome import Usage
        >>> Price(1.0, 10.0).of(Usage(1_000_000, 100_000, 1_100_000))
        2.0
    """

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None
    batch: float | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None and each.name in {"cached", "cache_write", "batch"}:
                continue
            what = "the share that a batch pays" if each.name == "batch" else f"the price of {each.name} tokens"
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError(
                    f"{what} must be a number{'' if each.name == 'batch' else ' of dollars'}, not {value!r}"
                )
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{what} must be 0 or above, and finite, not {value!r}")

    def of(self, usage: Usage, *, batch: bool = False) -> float:
        """What so many tokens cost, in US dollars.

        Args:
            usage: How many of each kind.
            batch: Whether they were of a batch.
        """
        cached = min(usage.cached_tokens or 0, usage.input_tokens)
        written = min(usage.cache_write_tokens or 0, usage.input_tokens - cached)
        plain = usage.input_tokens - cached - written
        millionths = (
            plain * self.input
            + cached * (self.input if self.cached is None else self.cached)
            + written * (self.input if self.cache_write is None else self.cache_write)
            + usage.output_tokens * self.output
        )
        return millionths / _MILLION * (self.batch if batch and self.batch is not None else 1.0)


def prices_from(given: Mapping[Any, Any]) -> dict[str, Price]:
    """Prices as they stand in a configuration file: by the names of models, each a mapping or a `Price`.

    Raises:
        UsageError: One is no price.

    Example:
        >>> prices_from({"llama3.2": {"input": 0, "output": 0}})["llama3.2"].output
        0
    """
    return {_name(model): _price(value) for model, value in given.items()}


def _name(model: Any) -> str:
    if not isinstance(model, str) or not model.strip():
        raise UsageError(f"a price is for the name of a model, not for {model!r}")
    return model.strip()


def _price(value: Any) -> Price:
    if isinstance(value, Price):
        return value
    known = [each.name for each in fields(Price)]
    if not isinstance(value, dict) or not {"input", "output"} <= set(value):
        raise UsageError(f'a price is dollars for a million tokens, as in {{"input": 1, "output": 2}}, not {value!r}')
    if unknown := sorted(str(name) for name in value if name not in known):
        meant = did_you_mean(unknown[0], known) or f"; there are {', '.join(known)}"
        raise UsageError(f"no price has a part {unknown[0]!r}{meant}")
    return Price(**value)
