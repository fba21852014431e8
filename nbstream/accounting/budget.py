"""How much an answer, or a kernel, may spend, as a value. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from nbstream.failures import UsageError

__all__ = ["Budget", "checked_amount"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent; `None` sets no limit.

    Attributes:
        dollars: US dollars, by all the requests of one answer.
        seconds: How long all the requests of one answer may take together.
        kernel: US dollars, by all the requests of the kernel.
    """

    dollars: float | None = None
    seconds: float | None = None
    kernel: float | None = None

    def __bool__(self) -> bool:
        return (self.dollars, self.seconds, self.kernel) != (None, None, None)


def checked_amount(name: str, value: Any, unit: str) -> float | None:
    """An amount that may be spent.

    Args:
        name: What it is called.
        value: What was given.
        unit: What it is counted in.

    Raises:
        UsageError: It is no finite number above 0.

    Example:
        >>> checked_amount("budget", 0.05, "dollars")
        0.05
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise UsageError(f"the {name} must be a number of {unit} above 0, not {value!r}")
    return float(value)
