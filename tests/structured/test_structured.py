"""Answers that are held to a schema, over real HTTP on both APIs."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

import nbstream as nbs
from nbstream.testing import chat_body, error_body, responses_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.testing import FaultServer

pytestmark = [pytest.mark.sdk, pytest.mark.parametrize("api", ["chat", "responses"])]


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class City(BaseModel):
    name: str
    size: Size = Size.SMALL


@dataclass
class Pair:
    a: int
    b: str


@pytest.fixture
def asking(loopback: FaultServer, api: str) -> Callable[..., nbs.StreamResult]:
    def ask(*texts: str, **options: Any) -> nbs.StreamResult:
        for text in texts:
            loopback.send((chat_body if api == "chat" else responses_body)(*text))
        named: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "max_retries": 0, "display": False}
        return nbs.stream("Which?", **{"api": api, **named, **options})

    return ask


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (City, '{"name": "Oslo", "size": "l"}', City(name="Oslo", size=Size.LARGE)),
        (Pair, 'Here it is:\n```json\n{"a": 1, "b": "x"}\n```', Pair(1, "x")),
        (list[City], '{"value": [{"name": "Oslo"}]}', [City(name="Oslo")]),
        (list[City], '[{"name": "Oslo"}]', [City(name="Oslo")]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        ({"type": "object", "properties": {}}, '{"any": [1]}', {"any": [1]}),
    ],
)
def test_the_answer_is_an_object(
    asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer, schema: Any, text: str, value: Any
) -> None:
    result = asking(text, schema=schema)
    assert (result.parsed, result.text) == (value, text)
    sent = loopback.requests[0].json
    told = sent["response_format"]["json_schema"] if api == "chat" else sent["text"]["format"]
    assert told["schema"]["type"] == "object"
    assert (sent["response_format"] if api == "chat" else sent["text"]["format"])["type"] == "json_schema"


def test_what_does_not_fit_has_failed_with_what_is_wrong(asking: Callable[..., nbs.StreamResult], api: str) -> None:
    with pytest.raises(nbs.StreamError) as caught:
        asking('[{"name": 1}, {}]', schema=list[City])
    assert caught.value.kind == "invalid_answer"
    assert str(caught.value).startswith(
        "The answer does not fit the schema: 0.name: Input should be a valid string; 1.name: Field required."
    )
    assert "repair=1" in str(caught.value)
    assert caught.value.result.text == '[{"name": 1}, {}]'
    assert caught.value.result.parsed is None
    assert api


def test_the_model_is_asked_to_correct_it(
    asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer
) -> None:
    result = asking('{"name": 1}', '{"name": "Oslo"}', schema=City, repair=1)
    assert result.parsed == City(name="Oslo")
    assert len(result.rounds) == 2
    sent = loopback.requests[1].json
    last = sent["messages"][-1]["content"] if api == "chat" else sent["input"][-1]["content"]
    assert "name: Input should be a valid string" in str(last)
    with pytest.raises(nbs.StreamError, match="does not fit"):
        asking("no", "still no", schema=City, repair=1)


def test_a_cut_answer_says_so(asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer) -> None:
    cut = chat_body('{"name', finish_reason="length") if api == "chat" else responses_body('{"na', status="incomplete")
    loopback.send(cut)
    with pytest.raises(nbs.StreamError, match=r"The token limit was reached before the JSON was complete.*max_tokens"):
        asking(schema=City)


def test_a_server_without_schemas_is_told_in_words(
    asking: Callable[..., nbs.StreamResult], api: str, loopback: FaultServer
) -> None:
    field = "response_format" if api == "chat" else "text.format"
    for _ in range(2):
        loopback.send(error_body(f"Unsupported parameter: '{field}'"), status=400)
    assert asking('{"name": "Oslo"}', schema=City, model="odd", system="Be brief.").parsed == City(name="Oslo")
    kinds = [
        ((each.json.get("response_format") or each.json.get("text", {}).get("format")) or {}).get("type")
        for each in loopback.requests
    ]
    assert kinds == ["json_schema", "json_object", None]
    last = loopback.requests[2].json
    told = last["messages"][0]["content"] if api == "chat" else last["instructions"]
    assert told.startswith("Be brief.\n\nAnswer with JSON that fits this schema, and nothing else:\n{")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schema": "City"}, "a schema is a type or a JSON schema, not 'City'"),
        ({"schema": pytest.Item}, "Item cannot be told to a model: _pytest.nodes.Item is neither a type of JSON, nor"),
        ({"schema": City, "repair": -1}, "repair must be a whole number, 0 or above, not -1"),
    ],
)
def test_what_cannot_be_a_schema_is_refused(
    asking: Callable[..., nbs.StreamResult], api: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(nbs.errors.UsageError) as caught:
        asking(**options)
    assert words in str(caught.value)
    assert api
