"""Checks JSON against a schema that a server wrote, which may be hostile: nothing is fetched, no pattern is tried."""

from __future__ import annotations

import itertools
import json
import threading
import time
from typing import TYPE_CHECKING, Any

from nbstream.text.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["SchemaFaultError", "faults_by", "object_from"]

_LONGEST_SCHEMA = 200_000  # characters
_LONGEST_FAULT, _MOST_FAULTS = 300, 3
_LONGEST_CHECK_SECONDS = 0.2  # of this thread's own
_MOST_UNIQUE = 1000  # characters: each item may be compared with each other
_LEFT_OUT = "pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties"
_UNCHECKED = "they take too long to be checked, because the tool's schema is too intricate"


class SchemaFaultError(Exception):
    """A server's schema cannot be used."""


class _TooLongError(Exception):
    """A check has taken too long."""


def faults_by(schema: Any, used: Callable[[], float] = time.thread_time) -> Callable[[Mapping[str, Any]], str]:
    """What tells what is wrong with an object; nothing if it fits.

    Patterns are left to the server that wrote them, because a pattern can be made to take hours. So can references to
    alternatives of references, so a check that takes too long is given up.

    Args:
        schema: A JSON schema of an object.
        used: The seconds that this thread has worked.

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
        if size > _LONGEST_SCHEMA:
            raise SchemaFaultError(f"it has {size:,} characters")
        kind = validator_for(schema, default=Draft202012Validator)
        kind.check_schema(schema)
        schema = _of_one_kind(schema)
    except (SchemaError, RecursionError, TypeError):
        raise SchemaFaultError("it is not a JSON schema") from None
    limit = threading.local()

    def bounded(check: Callable[..., Iterator[Any] | None]) -> Callable[..., Iterator[Any]]:
        def checked(*what: Any) -> Iterator[Any]:
            if used() > limit.until:
                raise _TooLongError
            return iter(check(*what) or ())

        return checked

    checks = {**kind.VALIDATORS, **dict.fromkeys(_LEFT_OUT, _nothing)}
    unique, more = kind.VALIDATORS.get("uniqueItems", _nothing), kind.VALIDATORS.get("additionalProperties", _nothing)
    checks["uniqueItems"] = lambda *what: unique(*what) if len(str(what[2])) < _MOST_UNIQUE else ()
    checks["additionalProperties"] = lambda *what: () if "patternProperties" in what[3] else more(*what)
    validator = extend(kind, {name: bounded(check) for name, check in checks.items()})(schema, registry=Registry())

    def faults(given: Mapping[str, Any]) -> str:
        limit.until = used() + _LONGEST_CHECK_SECONDS
        try:
            found = list(itertools.islice(validator.iter_errors(given), _MOST_FAULTS))
        except _TooLongError:
            return _UNCHECKED
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


def _of_one_kind(schema: Any) -> Any:
    """A schema whose parts are all checked as its whole is: a part of a kind of its own would be checked by another."""
    if isinstance(schema, list):
        return list(map(_of_one_kind, schema))
    if not isinstance(schema, dict):
        return schema
    kept = {name: each for name, each in schema.items() if name != "$schema" or not isinstance(each, str)}
    return {name: _of_one_kind(each) for name, each in kept.items()}


def _nothing(*_: Any) -> Iterator[Any]:
    return iter(())


def _told(error: Any) -> str:
    place = ".".join(map(str, error.absolute_path))
    return one_line(f"{place}: {error.message}" if place else error.message, _LONGEST_FAULT)
