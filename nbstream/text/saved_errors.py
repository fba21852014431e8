"""Errors and remedies as JSON values and back: chats and recordings keep them. Checked on the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.errors import StreamError, error_class
from nbstream.remedies import Remedy, RemedyKind
from nbstream.text.json_fields import field_of, without_none, word_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbstream.failures import StreamFailure

__all__ = ["error_from_dict", "error_to_dict", "remedies_from_dict", "remedies_to_dict"]

_REMEDIES = set(RemedyKind)


def error_to_dict(error: StreamFailure) -> dict[str, Any]:
    """The error as JSON values.

    Example:
        >>> error_to_dict(StreamError("No.", status=400))
        {'kind': 'error', 'message': 'No.', 'status': 400}
    """
    values = {"kind": error.kind, "message": error.happened, "code": error.code, "status": error.status}
    return without_none(values) | remedies_to_dict(error.remedies)


def error_from_dict(data: Mapping[str, Any] | None) -> StreamError | None:
    """Read an error; one of an unknown kind is a plain `StreamError`.

    Raises:
        LookupError: Its kind or message is missing.
        TypeError: Something is of another type.
    """
    if not data:
        return None
    try:
        kind = error_class(word_of(data, "kind"))
    except KeyError:
        kind = StreamError
    return kind(
        word_of(data, "message"),
        remedies=remedies_from_dict(data),
        code=field_of(data, "code", str),
        status=field_of(data, "status", int),
    )


def remedies_to_dict(remedies: Iterable[Remedy]) -> dict[str, Any]:
    """The field `remedies`, if there are any."""
    values = [without_none({"kind": str(each.kind), "value": each.value}) for each in remedies]
    return {"remedies": values} if values else {}


def remedies_from_dict(data: Mapping[str, Any]) -> tuple[Remedy, ...]:
    """Read the field `remedies`; an unknown remedy is left out, because it has no wording here.

    Raises:
        LookupError: Something is missing.
        TypeError: Something is of another type.
    """
    remedies = []
    for each in field_of(data, "remedies", list) or []:
        kind, value = word_of(each, "kind"), each.get("value")
        if not (value is None or isinstance(value, str | int | float)):
            raise TypeError("value")
        if kind in _REMEDIES:
            remedies.append(Remedy(RemedyKind(kind), value))
    return tuple(remedies)
