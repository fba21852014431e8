"""The demo answers a JSON schema with values that fit it, the same each time, on both APIs."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  pydantic looks it up
import enum
import json
import uuid  # noqa: TC003
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypedDict

import nbstream as nbs
from nbstream.demo.values import json_for

if TYPE_CHECKING:
    import openai


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class City:
    name: str
    country: str
    people: int


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class Everything(BaseModel):
    colour: Colour
    kind: Literal["a", "b"]
    share: Annotated[float, Field(ge=0, lt=1)]
    even: Annotated[int, Field(multiple_of=4, gt=9, le=40)] = 12
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3}$")]
    short: Annotated[str, Field(max_length=3)]
    long: Annotated[str, Field(min_length=40)]
    when: dt.datetime
    day: dt.date
    key: uuid.UUID
    maybe: int | None
    pair: tuple[int, str]
    by_name: dict[str, float]
    cities: Annotated[list[City], Field(min_length=2, max_length=2)]
    unknown: Any


class Named(TypedDict):
    name: str


def value_for(kind: Any, question: str = "") -> Any:
    adapter = TypeAdapter(kind)
    text = json_for(adapter.json_schema(), question)
    assert json_for(adapter.json_schema(), question) == text
    return adapter.validate_json(text)


@pytest.mark.parametrize(
    "kind", [Everything, Tree, City, Named, list[City], list[list[int]], dict[str, City], int, str, bool, None, Colour]
)
def test_a_value_fits(kind: Any) -> None:
    value_for(kind)


@pytest.mark.parametrize(
    ("question", "rows"),
    [("", 3), ("The five largest cities", 5), ("12 cities", 12), ("Cities since 1990", 3), ("2,000 rows", 2000)],
)
def test_a_list_is_as_long_as_the_question_says(question: str, rows: int) -> None:
    cities = value_for(list[City], question)
    assert len(cities) == rows == len({city.name for city in cities})
    assert cities[:2] == [City("Oslo", "Norway", 717_710), City("Bergen", "Norway", 291_940)]


def test_a_value_can_be_asked_not_to_fit() -> None:
    schema = TypeAdapter(list[City]).json_schema()
    assert json.loads(json_for(schema, "", misfit=True))[0] == {"name": "Oslo", "country": "Norway", "people": "many"}
    assert json.loads(json_for(TypeAdapter(Named).json_schema(), "", misfit=True)) == {"name": None}


@pytest.mark.sdk
@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.usefixtures("demo")
def test_rows_stream_and_a_misfit_is_repaired(api: str) -> None:
    options: Any = {"model": "demo", "api": api, "display": False}
    reading = nbs.items("The four largest cities", City, **options)
    assert [city.name for city in reading] == ["Oslo", "Bergen", "Copenhagen", "Aarhus"]
    with pytest.raises(nbs.StreamError, match=r"0\.people: Input should be a valid integer"):
        nbs.stream("Two cities", schema=list[City], demo={"misfits": 1}, **options)
    repaired = nbs.stream("Two cities", schema=list[City], demo={"misfits": 1}, repair=1, **options)
    assert (len(repaired.parsed), len(repaired.rounds)) == (2, 2)


def test_the_sdk_parses_what_the_demo_says(client: openai.OpenAI) -> None:
    asked: Any = {"model": "demo", "messages": [{"role": "user", "content": "Six"}], "response_format": Tree}
    assert client.chat.completions.parse(**asked).choices[0].message.parsed == value_for(Tree, "Six")
    response = client.responses.parse(model="demo", input="Six", text_format=Tree)
    assert response.output_parsed == value_for(Tree, "Six")
