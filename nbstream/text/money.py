"""Money, formatted for readers. Pure: a number in, words out."""

from __future__ import annotations

import math

__all__ = ["shown_cost"]


def shown_cost(dollars: float) -> str:
    """A price for readers: to the cent, or to two significant figures.

    Example:
        >>> [shown_cost(dollars) for dollars in (1.5, 0.0123, 0.000409, 0.0)]
        ['$1.50', '$0.012', '$0.00041', '$0']
    """
    if dollars <= 0:
        return "$0"
    digits = 2 if dollars >= 1 else max(2, 1 - math.floor(math.log10(dollars)))
    return f"${dollars:,.{digits}f}"
