"""What an answer is held to, as a type or a JSON schema, and the object that its text stands for."""

from __future__ import annotations

import inspect
import json
import re
import typing
from typing import TYPE_CHECKING, Any

from nbstream.errors import UsageError
from nbstream.text.faults import faults_told

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["AnswerSchema", "MisfitError"]

# Providers want an object at the top, so anything else travels as its only field.
_WRAPPED = "value"


# What pydantic says of a class that it knows nothing of.
_NO_SCHEMA = re.compile(r"Unable to generate pydantic-core schema for (?:<class '(?:__main__\.)?)?(.+?)(?:'>)?\. Set ")


class MisfitError(ValueError):
    """A text is not what the schema describes; the words are for the reader and for the model."""


class AnswerSchema:
    """What an answer is held to.

    Args:
        kind: A pydantic model, a dataclass, a `TypedDict`, `list[Model]` or another type that JSON can express; or a
            JSON schema as a dictionary, whose answers are checked to be JSON and nothing more.

    Raises:
        UsageError: It is none of these.

    Example:
        >>> AnswerSchema(list[int]).parse('{"value": [1, 2]}')
        [1, 2]
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self._adapter: TypeAdapter[Any] | None = None
        if isinstance(kind, dict):
            schema = kind
        else:
            self._adapter = _adapter_of(kind)
            schema = self._adapter.json_schema()
        self.given: dict[str, Any] = schema
        """The schema of what it stands for, which may be no object."""
        self._wraps = schema.get("type") != "object" and "$ref" not in schema
        self.name = _name_of(kind)
        self.schema: dict[str, Any] = _wrapped(schema) if self._wraps else schema

    @property
    def strict(self) -> bool:
        """Whether a provider can be told to hold the answer to it exactly: each object names all it has."""
        return _is_strict(self.schema)

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of the fields, if the answer is a list of flat objects; the list may be the only field of one."""
        properties = self.schema.get("properties", {})
        lists = [each for each in properties.values() if isinstance(each, dict) and each.get("type") == "array"]
        if len(properties) != 1 or len(lists) != 1:
            return None
        item = self._resolved(lists[0].get("items"))
        fields = item.get("properties", {})
        flat = all(self._resolved(each).get("type") not in {"object", "array"} for each in fields.values())
        return tuple(fields) if fields and flat else None

    @property
    def numbers(self) -> frozenset[str]:
        """Which of the columns hold nothing but numbers."""
        [array] = self.schema["properties"].values() if self.columns else [{}]
        fields = self._resolved(array.get("items")).get("properties", {})
        return frozenset(name for name, each in fields.items() if self._is_number(each))

    def _is_number(self, schema: Any) -> bool:
        told = self._resolved(schema)
        kinds = {self._resolved(each).get("type") for each in told.get("anyOf") or [told]} - {"null"}
        return bool(kinds) and kinds <= {"integer", "number"}

    def _resolved(self, schema: Any) -> dict[str, Any]:
        if not isinstance(schema, dict):
            return {}
        named = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        found = self.schema.get("$defs", {}).get(named, schema)
        return found if isinstance(found, dict) else {}

    def parse(self, text: str) -> Any:
        """The object that a whole answer stands for.

        Args:
            text: The answer; a fence around the JSON, and words before and after it, are left out.

        Raises:
            MisfitError: It is not JSON, or does not fit.
        """
        try:
            value = json.loads(_json_in(text))
        except ValueError as error:
            raise MisfitError(f"The answer is not JSON: {error}.") from None
        return self.checked(value)

    def checked(self, value: Any) -> Any:
        """The object that a JSON value stands for.

        Raises:
            MisfitError: It does not fit.
        """
        if self._wraps and isinstance(value, dict) and value.keys() == {_WRAPPED}:
            value = value[_WRAPPED]
        if self._adapter is None:
            return value
        from pydantic import ValidationError

        try:
            return self._adapter.validate_json(json.dumps(value))  # JSON has no dates and enums, which Python does have
        except ValidationError as error:
            raise MisfitError(faults_told(error.errors(include_url=False))) from None

    def record(self, value: Any) -> dict[str, Any]:
        """The fields of an object that fits, by name; what has no fields is the only one.

        Example:
            >>> AnswerSchema(int).record(7)
            {'value': 7}
        """
        plain = value if self._adapter is None else self._adapter.dump_python(value)
        return plain if isinstance(plain, dict) else {_WRAPPED: plain}


def _adapter_of(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    if kind is None or isinstance(kind, str) or inspect.isroutine(kind):
        raise UsageError(f"a schema is a type or a JSON schema, not {kind!r}")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        adapter.json_schema()
    except (PydanticUserError, TypeError, ValueError) as error:
        words, wrong = getattr(kind, "__name__", str(kind)), str(error).splitlines()[0]
        if unknown := _NO_SCHEMA.match(wrong):
            wrong = f"{unknown[1]} is neither a type of JSON, nor a pydantic model, a dataclass or a TypedDict"
        raise UsageError(f"{words} cannot be told to a model: {wrong}") from None
    return adapter


def _name_of(kind: Any) -> str:
    named = kind.get("title") if isinstance(kind, dict) else getattr(kind, "__name__", None)
    inner = next((each.__name__ for each in typing.get_args(kind) if inspect.isclass(each)), None)
    words = f"{inner}s" if inner and named in {"list", None} else str(named or "answer")
    return "".join(character if character.isalnum() or character in "_-" else "_" for character in words)[:64]


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {name: value for name, value in schema.items() if name != "$defs"}
    shared = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {
        "type": "object",
        "properties": {_WRAPPED: inner},
        "required": [_WRAPPED],
        "additionalProperties": False,
        **shared,
    }


def _is_strict(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(schema.get("properties", {}))
    ):
        return False
    return "default" not in schema and all(map(_is_strict, schema.values()))


def _json_in(text: str) -> str:
    """The JSON in a text: without a fence around it, and without words before and after it."""
    stripped = text.strip()
    if stripped[:1] in {"{", "["}:
        return stripped
    starts = [at for opener in "{[" if (at := stripped.find(opener)) >= 0]
    if not starts:
        return stripped
    start = min(starts)
    end = stripped.rfind("}" if stripped[start] == "{" else "]")
    return stripped[start : end + 1] if end > start else stripped[start:]
