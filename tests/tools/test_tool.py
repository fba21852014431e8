"""What a model is told of a function, and what becomes of what it gives."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any

import pandas as pd  # noqa: TC002  pydantic reads the annotations
import pytest
from pydantic import BaseModel, Field

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.tools.given import told_tools
from nbstream.tools.tool import ArgumentsError, Tool


class Unit(enum.Enum):
    CELSIUS = "c"
    KELVIN = "k"


@dataclass
class Place:
    lat: float
    lon: float


class Span(BaseModel):
    first: int
    last: int = 7


@nbs.tool
def weather(
    city: str,
    unit: Unit = Unit.CELSIUS,
    days: Annotated[int, Field(ge=1, le=7, description="How many.")] = 1,
    model_config: str = "x",
    *,
    where: Place | None = None,
    span: Span | None = None,
) -> str:
    """The weather to come.

    Not of the past.

    Args:
        city: Which city.
    """
    return f"{city} {unit} {days} {model_config} {where} {span}"


def test_a_tool_is_told_in_the_words_of_each_api() -> None:
    chat = weather.definition("chat")
    assert (chat["type"], chat["function"]["name"]) == ("function", "weather")
    assert chat["function"]["description"] == "The weather to come.\n\nNot of the past."
    schema = chat["function"]["parameters"]
    assert schema["required"] == ["city"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["city"] == {"type": "string", "description": "Which city."}
    assert schema["properties"]["days"] == {
        "type": "integer",
        "default": 1,
        "minimum": 1,
        "maximum": 7,
        "description": "How many.",
    }
    assert "title" not in schema
    assert weather.definition("responses") == {"type": "function", **chat["function"]}


def test_arguments_have_the_types_of_the_parameters() -> None:
    given = '{"city": "Oslo", "unit": "k", "days": 3, "where": {"lat": 1, "lon": 2}, "span": {"first": 1}}'
    assert weather.arguments(given) == {
        "city": "Oslo",
        "unit": Unit.KELVIN,
        "days": 3,
        "model_config": "x",
        "where": Place(1.0, 2.0),
        "span": Span(first=1),
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{}", "city: Field required"),
        ("", "city: Field required"),
        ('{"city": 1}', "city: Input should be a valid string"),
        ('{"city": "Oslo", "days": 9}', "days: Input should be less than or equal to 7"),
        ('{"city": "Oslo", "town": "x"}', "town: Extra inputs are not permitted"),
        ('{"city": "Os', "Invalid JSON"),
        ("[]", "Input should be an object"),
        ("null", "Input should be an object"),
    ],
)
def test_arguments_that_do_not_fit_are_told(given: str, words: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        weather.arguments(given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tool_is_still_the_function() -> None:
    assert weather("Oslo", days=2).startswith("Oslo Unit.CELSIUS 2")
    assert weather.__doc__ is not None
    assert weather.__doc__.startswith("The weather to come.")
    assert repr(weather).startswith("<Tool weather(city")


def test_attributes_of_a_function_are_not_those_of_the_tool() -> None:
    def look(city: str) -> str:
        return city

    look.__dict__ |= {"safe": True, "name": "other", "note": 7}
    tool = Tool(look)
    assert (tool.safe, tool.name, tool.note) == (False, "look", 7)  # type: ignore[attr-defined]


def test_a_method_may_be_a_tool() -> None:
    class Table:
        def look(self, city: str) -> str:
            return f"{city} in {type(self).__name__}"

    tool = Tool(Table().look)
    assert list(tool.parameters["properties"]) == ["city"]
    assert tool.function(**tool.arguments('{"city": "Oslo"}')) == "Oslo in Table"


def untyped(city):
    return city


def of_a_frame(table: pd.DataFrame | None) -> None: ...
def of_many(*cities: str) -> None: ...
def of_a_class(value: pytest.Item) -> None: ...
def of_nobody_knows(value: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (untyped, "the parameter city of the tool untyped has no type; a model has to be told one: city: str"),
        (of_a_frame, "is a pandas DataFrame, which a model cannot give; let it give a name or a path"),
        (of_many, "the tool of_many takes *cities: "),
        (of_a_class, "the parameter value of the tool of_a_class is a Item, which JSON cannot express"),
        (of_nobody_knows, "a type of the tool of_nobody_knows cannot be read: name 'Nowhere' is not defined"),
        (lambda: 1, "a tool cannot be called '<lambda>'"),
        (int, "a tool is a function, not the class int"),
        (7, "a tool is a function, not something of type int"),
    ],
)
def test_what_cannot_be_a_tool_is_refused(function: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        nbs.tool(function)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_are_those_that_servers_take() -> None:
    assert nbs.tool(name="look_up", timeout=3, safe=True)(lambda: 1).timeout == 3
    for options in ({"name": "look up"}, {"name": "x" * 65}, {"timeout": 0}):
        with pytest.raises(UsageError):
            Tool(lambda: 1, **{"name": "f", **options})  # type: ignore[arg-type]


def test_what_is_given_is_functions_and_definitions() -> None:
    plain = {"type": "function", "function": {"name": "other"}}

    def add(a: int) -> int:
        return a

    functions, told = told_tools([weather, plain, add], "chat")
    assert [each.name for each in functions] == ["weather", "add"]
    assert [each["function"]["name"] for each in told] == ["weather", "other", "add"]
    with pytest.raises(UsageError, match="two tools are called weather"):
        told_tools([weather, weather], "chat")
    for wrong in ("weather", weather, {"type": "function"}):
        with pytest.raises(UsageError, match="tools are a list"):
            told_tools(wrong, "chat")  # type: ignore[arg-type]
