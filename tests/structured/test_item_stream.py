"""`nbs.items`: each element of a list as soon as it is whole and fits, whatever the rest does."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from typing import Any

import pytest

import nbstream as nbs
from nbstream.errors import InvalidAnswerError, StreamError, UsageError
from nbstream.testing import FaultServer, ScriptedBytes, chat_body, chat_chunk

pd = pytest.importorskip("pandas")


@dataclass
class City:
    name: str
    people: int


CITIES = [City("Oslo", 700_000), City("Bergen", 290_000), City("Trondheim", 210_000)]


def text_of(cities: list[Any]) -> str:
    rows = [vars(city) if isinstance(city, City) else city for city in cities]
    return json.dumps({"value": rows})


def ask(*pieces: str, finish_reason: str | None = "stop") -> Any:
    body = chat_body(*pieces, finish_reason=finish_reason, done=finish_reason is not None)
    return nbs.items("Cities?", City, source=ScriptedBytes(body), model="m", api="chat", display=False)


def test_elements_are_given_out_any_number_of_times() -> None:
    cities = ask(text_of(CITIES))
    assert list(cities) == CITIES
    assert list(cities) == CITIES
    assert cities.handle.result().parsed == CITIES


def test_elements_are_given_out_on_an_event_loop() -> None:
    async def collect() -> list[City]:
        return [city async for city in ask(text_of(CITIES))]

    assert asyncio.run(collect()) == CITIES


@pytest.mark.sdk
def test_an_element_is_given_out_while_the_next_one_is_written(loopback: FaultServer) -> None:
    text, gate = text_of(CITIES), threading.Event()
    cut = text.index("Bergen")
    loopback.send(chat_chunk(text[:cut]), gate, chat_body(text[cut:]))
    reading = iter(nbs.items("?", City, base_url=loopback.base_url, model="m", api="chat", display=False))
    assert next(reading) == CITIES[0]
    gate.set()
    assert list(reading) == CITIES[1:]


def test_however_the_text_is_cut_the_elements_are_the_same() -> None:
    text = text_of(CITIES)
    assert list(ask(*text)) == CITIES
    for at in range(len(text)):
        assert list(ask(text[:at], text[at:])) == CITIES


def test_what_does_not_fit_is_left_out_and_told_in_the_end() -> None:
    reading = iter(ask(text_of([CITIES[0], {"name": "Bergen", "people": "many"}, CITIES[2]])))
    assert [next(reading), next(reading)] == [CITIES[0], CITIES[2]]
    with pytest.raises(InvalidAnswerError, match="people"):
        next(reading)


@pytest.mark.parametrize(
    ("kind", "elements"),
    [(int, [1, 2]), (str, ["a", "b]"]), (list[int], [[1], [2, 3]]), ({"type": "object"}, [{"a": 1}, {"b": [2]}])],
)
def test_any_type_can_be_an_element(kind: Any, elements: list[Any]) -> None:
    body = chat_body(json.dumps({"value": elements}))
    assert list(nbs.items("?", kind, source=ScriptedBytes(body), model="m", api="chat", display=False)) == elements


def test_the_text_so_far_is_read_once_for_each_growth() -> None:
    async def read() -> list[str]:
        return [text async for text in ask(text_of(CITIES)).handle.texts()]

    text = text_of(CITIES)
    grown = list(ask(*text).handle.texts())
    assert grown == sorted(grown, key=len)
    assert grown[-1] == text
    assert asyncio.run(read())[-1] == text
    with pytest.raises(StreamError):
        list(ask(text, finish_reason=None).handle.texts())


# --- as a table -------------------------------------------------------------------------------------------------------


def test_elements_make_a_table() -> None:
    frame = ask(text_of(CITIES)).to_pandas()
    assert frame.to_dict("records") == [vars(city) for city in CITIES]
    assert frame.attrs == {"complete": True}


@pytest.mark.parametrize("finish_reason", ["length", None])
def test_a_table_that_was_cut_says_so(finish_reason: str | None) -> None:
    text = text_of(CITIES)
    cities = ask(text[: text.index("Trondheim")], finish_reason=finish_reason)
    with pytest.warns(UserWarning, match="the table is not complete: "):
        frame = cities.to_pandas()
    assert list(frame["name"]) == ["Oslo", "Bergen"]
    assert frame.attrs == {"complete": False}


def test_a_stream_that_fails_before_there_is_anything_raises() -> None:
    with pytest.raises(StreamError):
        ask("[").to_pandas()


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"schema": City}, {"repair": 1}])
def test_what_would_change_elements_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"items takes no {next(iter(options))}"):
        nbs.items("?", City, model="demo", display=False, **options)


@pytest.mark.parametrize("kind", [None, "City", print])
def test_what_is_no_type_is_refused(kind: Any) -> None:
    with pytest.raises(UsageError, match="a schema is a type or a JSON schema"):
        nbs.items("?", kind, model="demo", display=False)
