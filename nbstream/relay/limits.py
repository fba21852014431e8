"""How much each user may use, and in which period. Pure: configuration and names in, limits out."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Caller", "Limits", "Period", "limits_of", "read_limits", "span_of"]

Period: TypeAlias = Literal["day", "month", "total"]

_PERIODS = ("day", "month", "total")
_EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as Jupyter or JupyterHub says; nothing that a request claims itself.

    Attributes:
        name: The name of the user.
        groups: The groups that the user is in.
    """

    name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one user may use. `None` sets no limit.

    Attributes:
        tokens: Tokens of prompts and answers together, in a period.
        usd: US dollars, in a period.
        requests_per_minute: Requests in any minute.
        concurrent: Requests at once.
        period: When counting begins anew, by UTC.
    """

    tokens: int | None = None
    usd: float | None = None
    requests_per_minute: int | None = None
    concurrent: int | None = None
    period: Period = "month"


_COUNTS = tuple(each.name for each in fields(Limits) if each.name != "period")


def read_limits(given: Any, period: Period = "month") -> dict[str, Limits]:
    """Read a configuration: limits by `"*"` (everybody), `"group:NAME"` or `"user:NAME"`.

    Args:
        given: A mapping of these to mappings of limits.
        period: The period of those that name none.

    Raises:
        ValueError: It is something else; says what.

    Example:
        >>> read_limits({"*": {"tokens": 1000}})["*"].tokens
        1000
    """
    read: dict[str, Limits] = {}
    for who, limits in given.items():
        if not isinstance(who, str) or not (who == _EVERYBODY or who.partition(":")[0] in {"group", "user"}):
            raise ValueError(f'{who!r} must be "*", "group:NAME" or "user:NAME"')
        if not isinstance(limits, dict):
            raise ValueError(f"the limits of {who!r} must be a dictionary")  # noqa: TRY004  one error for all
        for name, value in limits.items():
            if name not in {*_COUNTS, "period"}:
                raise ValueError(f"{who!r} has no limit called {name!r}; there are {', '.join(_COUNTS)} and period")
            if name == "period" and value not in _PERIODS:
                raise ValueError(f"the period of {who!r} must be one of {', '.join(_PERIODS)}")
            if name != "period" and not _is_limit(value, whole=name != "usd"):
                raise ValueError(f"{name} of {who!r} must be a number, 0 or above, not {value!r}")
        read[who] = Limits(**{"period": period, **limits})
    return read


def _is_limit(value: Any, *, whole: bool) -> bool:
    if value is None:
        return True
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0


def limits_of(caller: Caller, configured: Mapping[str, Limits]) -> Limits:
    """The limits of a user: the user's own, else the most generous of the user's groups, else everybody's.

    Args:
        caller: The user.
        configured: What `read_limits` has read.

    Example:
        >>> groups = read_limits({"group:a": {"tokens": 10}, "group:b": {"tokens": 20}})
        >>> limits_of(Caller("ada", ("a", "b")), groups).tokens
        20
    """
    if (own := configured.get(f"user:{caller.name}")) is not None:
        return own
    of_groups = [configured[f"group:{group}"] for group in caller.groups if f"group:{group}" in configured]
    if not of_groups:
        return configured.get(_EVERYBODY, Limits())
    most: dict[str, Any] = {name: _most(getattr(each, name) for each in of_groups) for name in _COUNTS}
    return Limits(**most, period=of_groups[0].period)


def _most(values: Iterable[float | None]) -> float | None:
    """The highest of several limits, of which none is higher than any."""
    listed = list(values)
    numbers = [value for value in listed if value is not None]
    return max(numbers) if len(numbers) == len(listed) else None


def span_of(period: Period, now: float) -> tuple[float, float | None]:
    """When the period that is now began, and when it ends, in seconds since 1970.

    Example:
        >>> span_of("day", 90_000.0)
        (86400.0, 172800.0)
        >>> span_of("total", 90_000.0)
        (0.0, None)
    """
    if period == "total":
        return 0.0, None
    day = dt.datetime.fromtimestamp(now, dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return day.timestamp(), (day + dt.timedelta(days=1)).timestamp()
    first = day.replace(day=1)
    return first.timestamp(), (first + dt.timedelta(days=32)).replace(day=1).timestamp()
