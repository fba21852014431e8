"""Fields of JSON that a file holds, checked as they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["count_of", "field_of", "number_of", "without_none", "word_of"]

T = TypeVar("T")

_LARGEST = 1e15


def field_of(data: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    """A field that may be missing.

    Raises:
        TypeError: It is there, and of another type.
    """
    value = data.get(name)
    if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise TypeError(f"{name} is not of type {kind.__name__}")
    return value


def number_of(data: Mapping[str, Any], name: str) -> float | None:
    """A number that may be missing.

    Raises:
        TypeError: It is something else.
        ValueError: No number of seconds or dollars is as large.
    """
    value = data.get(name)
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
        raise TypeError(f"{name} is not a number")
    if value is not None and abs(value) > _LARGEST:  # seconds and dollars are added up
        raise ValueError(f"{name} is out of range")
    return value


def count_of(value: Any) -> int:
    """A number of tokens.

    Raises:
        TypeError: It is something else.
    """
    if type(value) is not int or abs(value) > _LARGEST:
        raise TypeError("a count is not a whole number")
    return value


def word_of(data: Mapping[str, Any], name: str) -> str:
    """A text that must be there.

    Raises:
        LookupError: It is missing.
        TypeError: It is something else.
    """
    value = field_of(data, name, str)
    if value is None:
        raise LookupError(f"it has no {name}")
    return value


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something.

    Example:
        >>> without_none({"code": None, "status": 429})
        {'status': 429}
    """
    return {name: value for name, value in values.items() if value is not None}
