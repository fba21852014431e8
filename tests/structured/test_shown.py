"""What is shown of JSON that arrives: it only grows, costs what the text does, and nothing in it acts."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import pytest
from pydantic import BaseModel

from nbstream.markdown import render
from nbstream.structured.items import ItemReader
from nbstream.structured.schema import AnswerSchema
from nbstream.structured.shown import ShownAnswer


class City(BaseModel):
    name: str
    people: int | None = None


class Nested(BaseModel):
    cities: list[City]


def pieces(text: str, chance: random.Random) -> list[str]:
    cuts = sorted(chance.sample(range(len(text) + 1), min(len(text), chance.randrange(40))))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def value_of(chance: random.Random, depth: int = 0) -> Any:
    match chance.randrange(7 if depth < 3 else 5):
        case 0:
            return chance.choice(["", "a", '"', "\\", "],[", '\\"', "{", "ü🙂", "\n"]) * chance.randrange(4)
        case 1:
            return chance.randrange(-9, 9)
        case 2:
            return chance.choice([True, False, None])
        case 3 | 4:
            return chance.random()
        case 5:
            return [value_of(chance, depth + 1) for _ in range(chance.randrange(3))]
    return {f"k{number}": value_of(chance, depth + 1) for number in range(chance.randrange(3))}


@pytest.mark.parametrize("seed", range(20))
def test_elements_are_found_however_the_text_is_cut(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        items = [value_of(chance, chance.choice([0, 3])) for _ in range(chance.randrange(6))]
        items += [{"k": value_of(chance, 3)} for _ in range(chance.randrange(6))]
        whole = json.dumps(items, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 1]))
        before, behind = chance.choice([("", ""), ('{"value": ', "}"), ('Here is "it": ', ' "done"')])
        text = f"{before}{whole}{behind}"
        reader = ItemReader()
        found = [item for piece in pieces(text, chance) for item in reader.feed(piece)]
        assert (found, reader.ended) == (items, True)


def test_an_element_that_is_not_json_is_left_out_and_the_others_are_not() -> None:
    text = '[{"a": 1}, {"a": nothing}, {"b": ","}, {"c": [2]}, {"d": 3}, {"e"'
    whole = [{"a": 1}, {"b": ","}, {"c": [2]}, {"d": 3}]
    for cut in range(len(text)):
        reader = ItemReader()
        assert reader.feed(text[:cut]) + reader.feed(text[cut:]) == whole


@pytest.mark.parametrize("size", [1, 4, 12, 40])
def test_a_list_in_small_pieces_costs_little_more_than_in_one(size: int) -> None:
    rows = 300
    text = json.dumps([{"name": f"City {number}", "people": 1000 * number} for number in range(rows)])
    cut = [text[at : at + size] for at in range(0, len(text), size)]
    reader, found, calls = ItemReader(), 0, 0

    def note(_: Any, event: str, __: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for piece in cut:
            found += len(reader.feed(piece))
    finally:
        sys.setprofile(before)
    assert found == rows
    assert calls <= 4 * len(cut) + 14 * rows


def test_whatever_stands_between_elements_is_looked_at_once() -> None:
    text = '[{"a": 1}' + " \n" * 40 + ',\n\n{"a": "}"}  , {"b": {"c": [2]}} ,3, {"d": "x}, {"},{"e": 5}  ]  , {"f": 6}'
    whole = [{"a": 1}, {"a": "}"}, {"b": {"c": [2]}}, 3, {"d": "x}, {"}, {"e": 5}]
    for size in (1, 2, 3, 5, 8, len(text)):
        reader = ItemReader()
        assert [each for at in range(0, len(text), size) for each in reader.feed(text[at : at + size])] == whole
        assert reader.ended


@pytest.mark.parametrize("seed", range(5))
def test_damaged_text_raises_nothing(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        text = "".join(chance.choices('[]{},:"\\ 1atrue\n', k=chance.randrange(60)))
        reader, shown = ItemReader(), ShownAnswer(AnswerSchema(list[City]))
        for piece in pieces(text, chance):
            reader.feed(piece)
        assert shown.of(text, whole=True).startswith("| name | people |")


def test_rows_appear_as_they_become_whole_and_stay() -> None:
    text = json.dumps({"value": [{"name": f"City *{number}* |", "people": number} for number in range(50)]})
    shown = ShownAnswer(AnswerSchema(list[City]))
    before = ""
    for end in range(0, len(text), 7):
        now = shown.of(text[:end], whole=False)
        assert now.startswith(before)
        before = now
    whole = shown.of(text, whole=True)
    assert whole.splitlines()[1] == "| --- | ---: |", "numbers are at the right"
    assert len(whole.splitlines()) == 52
    assert render(whole).count("<td>City *7* |</td>") == 1
    assert ShownAnswer(AnswerSchema(list[City])).of(text, whole=True) == whole


def test_what_is_no_list_of_flat_objects_is_code() -> None:
    for schema in (list[list[int]], City, {"type": "object", "properties": {}}):
        shown = ShownAnswer(AnswerSchema(schema))
        assert shown.of('{"a"', whole=False) == '```json\n{"a"'
        assert shown.of('{"a": 1}', whole=True) == '```json\n{"a": 1}\n```'
    assert AnswerSchema(list[City]).columns == AnswerSchema(Nested).columns == ("name", "people")
    only = {"type": "object", "properties": {"rows": {"type": "array", "items": {"properties": {"x": {}}}}}}
    assert AnswerSchema(only).columns == ("x",)


def test_a_hostile_value_does_nothing() -> None:
    hostile = "<img src=x onerror=alert(1)> [a](javascript:b) `x` $x$ \\| | ![i](http://e.example)"
    text = json.dumps([{"name": hostile, "people": None}])
    html = render(ShownAnswer(AnswerSchema(list[City])).of(text, whole=True))
    assert "<img" not in html
    assert "javascript" not in html.replace("[a](javascript:b)", "")
    assert html.count("<td") == 2
