"""How a whole batch goes wrong, if its first line asks for it. Knows neither how a batch runs nor HTTP."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from nbstream.demo.errors import overloaded, rate_limited
from nbstream.demo.fields import invalid, limit, optional

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from nbstream.demo.errors import ApiError

__all__ = ["BatchFault", "BatchFaultName"]

BatchFaultName = Literal["invalid", "expired", "some_errors", "garbled", "rate_limit", "overloaded"]
FIELDS = frozenset({"fault", "times", "retry_after", "seconds"})


@dataclass(frozen=True, slots=True)
class BatchFault:
    """What becomes of a batch, besides being answered.

    Attributes:
        name: What goes wrong: validation; half of it expires; every third line fails; lines of the output are cut,
            doubled or strange; or asking for its state is refused.
        times: How often asking for its state is refused.
        retry_after: The seconds to wait that such a refusal names.
        seconds: How long the batch takes, instead of what the server's pace makes of it.
    """

    name: BatchFaultName | None = None
    times: int = 2
    retry_after: float = 1.0
    seconds: float | None = None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> BatchFault:
        """What the demo's own field asks for, `"demo": {"batch": {"fault": …, "seconds": …}}` of a line's body.

        Raises:
            ApiError: It is not a fault that the demo knows.
        """
        given = optional(optional(body, "demo", dict) or {}, "batch", dict, "demo.") or {}
        where = "demo.batch."
        if unknown := set(given) - FIELDS:
            raise invalid("demo.batch", f"Unknown field of 'demo.batch': {', '.join(sorted(unknown))}.")
        name = optional(given, "fault", str, where)
        if name is not None and name not in get_args(BatchFaultName):
            known = ", ".join(get_args(BatchFaultName))
            raise invalid("demo.batch.fault", f"Invalid 'demo.batch.fault': expected one of {known}.")
        seconds, wait = optional(given, "seconds", float, where), optional(given, "retry_after", float, where)
        for field, value in (("seconds", seconds), ("retry_after", wait)):
            if value is not None and not 0 <= value < math.inf:
                raise invalid(where + field, f"Invalid '{where}{field}': expected 0 seconds or more.")
        times = limit(given, "times", where=where) or 2
        return cls(cast("BatchFaultName | None", name), times, 1.0 if wait is None else wait, seconds)

    def refusal(self, asked: int) -> ApiError | None:
        """The error with which the state is refused, if it was asked for so often before."""
        if asked >= self.times:
            return None
        if self.name == "rate_limit":
            return rate_limited(self.retry_after)
        return overloaded(self.retry_after) if self.name == "overloaded" else None
