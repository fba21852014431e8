"""A fault that a request asks for: which one, and how often. Knows neither how it is done nor how often it was."""

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

FaultName = Literal["cut", "stall", "error", "rate_limit", "overloaded"]

FAULT_FIELDS = frozenset({"fault", "times", "retry_after"})


@dataclass(frozen=True, slots=True)
class Fault:
    """How a request is answered badly.

    Attributes:
        name: What goes wrong.
        times: How many requests of a conversation it strikes before one is answered well; None for every request.
        retry_after: The seconds to wait that a refusal names.
    """

    name: FaultName
    times: int | None = None
    retry_after: float = 1.0

    @classmethod
    def read(cls, demo: Mapping[str, Any]) -> Fault | None:
        """The fault that the demo's own body field asks for, if any.

        Raises:
            ApiError: It is not a fault that the demo knows.
        """
        name = optional(demo, "fault", str, "demo.")
        times = limit(demo, "times", where="demo.")
        retry_after = optional(demo, "retry_after", float, "demo.")
        if retry_after is not None and not 0 <= retry_after < math.inf:
            raise invalid("demo.retry_after", "Invalid 'demo.retry_after': expected 0 seconds or more.")
        if name is None:
            if (times, retry_after) != (None, None):
                raise invalid("demo", "Invalid 'demo': 'times' and 'retry_after' need a 'fault'.")
            return None
        if name not in get_args(FaultName):
            raise invalid("demo.fault", f"Invalid 'demo.fault': expected one of {', '.join(get_args(FaultName))}.")
        return cls(cast("FaultName", name), times, 1.0 if retry_after is None else retry_after)

    @property
    def breaks_off(self) -> bool:
        """Whether it strikes the connection, in the middle of an answer that is not to blame."""
        return self.name in {"cut", "stall"}

    def refusal(self) -> ApiError | None:
        """The error that answers the request at once, if this fault is one."""
        if self.name == "rate_limit":
            return rate_limited(self.retry_after)
        return overloaded(self.retry_after) if self.name == "overloaded" else None
