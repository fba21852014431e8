"""What a model is told of a function: the JSON schema of its parameters, from the signature and the docstring.

The schema and the check of what a model gives are pydantic's, so that both agree.
"""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

__all__ = ["Parameters", "parameters_of"]

_FRAMES = {"pandas", "polars", "numpy", "pyarrow", "xarray", "geopandas", "modin"}


class Parameters(NamedTuple):
    """The parameters of a function.

    Attributes:
        description: What the function does, in the words of its docstring.
        schema: The JSON schema of an object with all of them.
        model: Checks such an object; its fields have the parameters' names as aliases.
        names: The parameter of each field of the model.
    """

    description: str
    schema: dict[str, Any]
    model: type[BaseModel]
    names: dict[str, str]


def parameters_of(function: Callable[..., Any], name: str) -> Parameters:
    """The parameters of a function that a model is to call.

    Args:
        function: The function; every parameter has a type that JSON can express.
        name: What to call it in messages.

    Raises:
        UsageError: A parameter has no type, or one that a model cannot give.

    Example:
        >>> def add(a: int, b: int = 0) -> int:
        ...     '''Add two numbers.
        ...
        ...     Args:
        ...         b: The second one.
        ...     '''
        >>> parameters_of(add, "add").schema["properties"]["b"]
        {'default': 0, 'description': 'The second one.', 'type': 'integer'}
    """
    from pydantic import ConfigDict, Field, create_model
    from pydantic.errors import PydanticUserError

    description, said = _docstring(function)
    types = _types_of(function, name)
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for number, parameter in enumerate(_parameters(function, name)):
        if parameter.name not in types:
            raise UsageError(
                f"the parameter {parameter.name} of the tool {name} has no type; a model has to be told one: "
                f"{parameter.name}: str"
            )
        kind = types[parameter.name]
        _refuse_frames(kind, parameter.name, name)
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        # Fields with names of their own, because a parameter may be called as an attribute of models is.
        field = f"p{number}"
        names[field] = parameter.name
        _refuse_inexpressible(kind, parameter.name, name)
        about: dict[str, Any] = {"description": said[parameter.name]} if parameter.name in said else {}
        fields[field] = kind, Field(default, alias=parameter.name, **about)
    try:
        model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema = model.model_json_schema(by_alias=True, schema_generator=_generator())
    except (PydanticUserError, TypeError, ValueError) as error:
        raise UsageError(f"the parameters of the tool {name} cannot be told to a model: {_line_of(error)}") from None
    schema.pop("title", None)
    schema.pop("description", None)
    return Parameters(description, schema, model, names)


def _parameters(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise UsageError(f"the parameters of {name} cannot be read, so it cannot be a tool") from None
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise UsageError(
                f"the tool {name} takes {parameter}; a model gives each parameter by its name, so name them all"
            )
    return parameters


def _types_of(function: Callable[..., Any], name: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except Exception as error:  # noqa: BLE001  whatever evaluating an annotation raises
        raise UsageError(f"a type of the tool {name} cannot be read: {_line_of(error)}") from None


def _refuse_frames(kind: Any, parameter: str, name: str) -> None:
    """A model gives JSON; what holds a whole table is better named than given."""
    for part in (kind, *typing.get_args(kind)):
        package = str(getattr(part, "__module__", "")).partition(".")[0]
        if package in _FRAMES:
            raise UsageError(
                f"the parameter {parameter} of the tool {name} is a {package} {getattr(part, '__name__', part)}, which "
                "a model cannot give; let it give a name or a path, and look the data up in the function"
            )


def _refuse_inexpressible(kind: Any, parameter: str, name: str) -> None:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        TypeAdapter(kind).json_schema()
    except (PydanticUserError, TypeError, ValueError):
        words = getattr(kind, "__name__", str(kind))
        raise UsageError(
            f"the parameter {parameter} of the tool {name} is a {words}, which JSON cannot express; use str, int, "
            "float, bool, lists, dicts, enums, dataclasses or pydantic models"
        ) from None


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """What the docstring says of the function, and of each parameter."""
    from docstring_parser import parse

    parsed = parse(inspect.getdoc(function) or "")
    description = "\n\n".join(filter(None, (parsed.short_description, parsed.long_description)))
    return description, {each.arg_name: each.description for each in parsed.params if each.description}


def _generator() -> type[Any]:
    from pydantic.json_schema import GenerateJsonSchema

    class Untitled(GenerateJsonSchema):
        """Without titles that only repeat names: a model is billed for each word of a schema."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            del schema
            return False

        def emit_warning(self, kind: Any, detail: str) -> None:
            if kind != "non-serializable-default":  # which is the function's own affair
                super().emit_warning(kind, detail)

    return Untitled


def _line_of(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
