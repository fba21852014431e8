"""What is wrong with some JSON, in a line: pydantic's errors, a place after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["faults_told"]

_MOST = 10


def faults_told(errors: Sequence[Mapping[str, Any]]) -> str:
    """The errors of a `ValidationError` as words; of many, the first ten.

    Example:
        >>> faults_told([{"loc": (0, "name"), "msg": "Field required"}, {"loc": (), "msg": "Invalid JSON"}])
        '0.name: Field required; Invalid JSON'
    """
    faults = []
    for error in errors[:_MOST]:
        place = ".".join(str(each) for each in error["loc"])
        faults.append(f"{place}: {error['msg']}" if place else str(error["msg"]))
    more = f"; and {len(errors) - _MOST} more" if len(errors) > _MOST else ""
    return "; ".join(faults) + more
