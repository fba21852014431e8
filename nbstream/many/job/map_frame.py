"""The rows of a map as a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.many.rows.row_result import RowResult

__all__ = ["frame_of"]


def frame_of(rows: Iterable[RowResult]) -> Any:
    """Value, state, error, tokens and cost of each row in a pandas `DataFrame`, whose index is that of the input.

    Args:
        rows: What has become of each.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        from pandas import DataFrame
    except ImportError:
        raise UsageError("to_pandas() needs pandas: %pip install pandas") from None
    rows = list(rows)
    facts = {
        "value": [each.value for each in rows],
        "state": [str(each.state) for each in rows],
        "error": [each.error for each in rows],
        "input_tokens": [each.usage and each.usage.input_tokens for each in rows],
        "output_tokens": [each.usage and each.usage.output_tokens for each in rows],
        "cost": [each.cost for each in rows],
    }
    return DataFrame(facts, index=[each.index for each in rows])
