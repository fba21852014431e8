"""Checks JSON against a schema that a server wrote, which may be hostile: nothing is fetched, no pattern is tried."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from nbstream.text.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["SchemaFaultError", "faults_by", "object_from"]

_LONGEST_SCHEMA = 200_000  # characters
_LONGEST_FAULT, _MOST_FAULTS = 300, 3


class SchemaFaultError(ValueError):
    """A server's schema cannot be used."""


def faults_by(schema: Any) -> Callable[[Mapping[str, Any]], str]:
    """What tells what is wrong with an object; nothing if it fits.

    Patterns are left to the server that wrote them, because a pattern can be made to take hours.

    Args:
        schema: A JSON schema of an object.

    Raises:
        SchemaFaultError: It is none, or too large.

    Example:
        >>> faults = faults_by({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
        >>> faults({"n": 1}), faults({"n": "x"}), faults({})
        ('', "n: 'x' is not of type 'integer'", "'n' is a required property")
    """
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import extend, validator_for
    from referencing import Registry

    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise SchemaFaultError("it is not the schema of an object")
    try:
        size = len(json.dumps(schema))
        kind = validator_for(schema, default=Draft202012Validator)
        kind.check_schema(schema)
    except (SchemaError, RecursionError, TypeError, ValueError):
        raise SchemaFaultError("it is not a JSON schema") from None
    if size > _LONGEST_SCHEMA:
        raise SchemaFaultError(f"it has {size:,} characters")
    own = {"pattern": _nothing, "patternProperties": _nothing, "unevaluatedProperties": _nothing}
    more = kind.VALIDATORS.get("additionalProperties", _nothing)
    own["additionalProperties"] = lambda *what: iter(()) if "patternProperties" in what[3] else more(*what)
    validator = extend(kind, own)(schema, registry=Registry())

    def faults(given: Mapping[str, Any]) -> str:
        try:
            found = list(itertools.islice(validator.iter_errors(given), _MOST_FAULTS))
        except Exception:  # noqa: BLE001  whatever a reference that leads nowhere or round raises: the server checks, too
            return ""
        return "; ".join(map(_told, found))

    return faults


def object_from(given: str | dict[str, Any]) -> dict[str, Any]:
    """The object that a model, or a reader, has written.

    Raises:
        ValueError: It is none.
    """
    if isinstance(given, dict):
        return given
    try:
        value = json.loads(given.strip() or "{}")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("Input should be an object")  # noqa: TRY004  as pydantic says it of functions
    return value


def _nothing(*_: Any) -> Iterator[Any]:
    return iter(())


def _told(error: Any) -> str:
    place = ".".join(map(str, error.absolute_path))
    words = " ".join(plain(encodable(f"{place}: {error.message}" if place else error.message)).split())
    return words if len(words) <= _LONGEST_FAULT else f"{words[: _LONGEST_FAULT - 1]}…"
