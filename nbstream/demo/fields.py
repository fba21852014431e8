"""The fields of a JSON object, taken by name and type, and the refusals of bad ones. Knows no API's field names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from nbstream.demo.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LARGEST_NUMBER = 2**53  # JSON has no bound for integers, floats have

T = TypeVar("T")
NOUNS: dict[type, str] = {str: "a string", bool: "a boolean", int: "an integer", float: "a number"}
NOUNS |= {list: "an array", dict: "an object"}


def optional(body: Mapping[str, Any], name: str, kind: type[T], where: str = "") -> T | None:
    """The field `name` if it is there and not null; of another type it is an error that names it."""
    value = body.get(name)
    if value is None:
        return None
    if kind is float and type(value) is int:
        value = float(max(-LARGEST_NUMBER, min(value, LARGEST_NUMBER)))
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ApiError(
            400,
            f"Invalid type for '{where}{name}': expected {NOUNS[kind]}, but got {noun(value)} instead.",
            param=where + name,
            code="invalid_type",
        )
    return value


def limit(body: Mapping[str, Any], *names: str, where: str = "") -> int | None:
    """The first of several names for a number from 1 up."""
    for name in names:
        value = optional(body, name, int, where)
        if value is not None:
            if value < 1:
                message = f"Invalid '{where}{name}': expected 1 or more, but got {value}."
                raise invalid(where + name, message)
            return value
    return None


def noun(value: object) -> str:
    """What a JSON value is, in words."""
    return NOUNS.get(type(value), "null")


def invalid(param: str, message: str, code: str = "invalid_value") -> ApiError:
    """The refusal of one field's value."""
    return ApiError(400, message, param=param, code=code)


def missing(param: str) -> ApiError:
    """The refusal of a request without a field it needs."""
    return ApiError(400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")
