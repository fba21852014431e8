"""A row as one line: short, plain, whatever a model has written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from nbstream.many.table.row_line import fields_of, row_line
from nbstream.text.plain import one_line
from tests.many.table.jobs import DONE, FAILED, RUNNING, STOPPED, Row


class Mood(BaseModel):
    mood: str
    score: float


@dataclass
class Place:
    mood: str
    score: float


def test_a_line_is_short_and_has_nothing_that_acts() -> None:
    assert one_line("One\r\n\ttwo\x1b[31m\x07 three", 80) == "One two␛[31m three"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
    assert one_line(" " * 500 + "late", 10) == "…", "what is far behind is not looked for"
    assert one_line("half: \ud83d", 80) == "half: \ufffd"


def test_a_row_of_a_megabyte_is_a_short_line() -> None:
    megabyte = "<script>" * 130_000
    row = Row(7, "label " * 1000, megabyte, DONE, megabyte, megabyte)
    number, index, state, asked, [cell], error = row_line(row, ())
    assert (number, state, error) == (7, "done", "")
    assert (len(index), len(asked), len(cell)) == (40, 120, 240)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (Row(0), "queued"),
        (Row(0, state=RUNNING), "running"),
        (Row(0, state=DONE, source="asked"), "done"),
        (Row(0, state=DONE, source="batch"), "done"),
        (Row(0, state=DONE, source="checkpoint"), "checkpoint"),
        (Row(0, state=DONE, source="duplicate"), "duplicate"),
        (Row(0, state=FAILED, source="duplicate"), "failed"),
        (Row(0, state=STOPPED), "stopped"),
    ],
)
def test_the_state_is_a_word(row: Row, word: str) -> None:
    assert row_line(row, ())[2] == word


@pytest.mark.parametrize("value", [Mood(mood="good", score=0.5), Place("good", 0.5), {"mood": "good", "score": 0.5}])
def test_each_field_has_a_cell(value: Any) -> None:
    assert row_line(Row(0, state=DONE, text="{…}", value=value), ("mood", "score", "other"))[4] == ["good", "0.5", ""]


def test_fields_fill_while_the_answer_arrives() -> None:
    columns = ("mood", "tags")
    lines = [
        row_line(Row(0, state=RUNNING, text=text), columns)[4]
        for text in ("", '{"mo', '{"mood": "go', '{"mood": "good", "tags": ["a", "b')
    ]
    assert lines == [["", ""], ["", ""], ["go", ""], ["good", '["a", "b"]']]
    assert fields_of(Row(0, state=RUNNING, text="[1, 2")) == {}
    assert fields_of(Row(0, state=RUNNING, text="not JSON")) == {}


def test_an_index_is_told_only_where_it_says_more_than_the_number() -> None:
    assert [row_line(Row(3, index), ())[1] for index in (3, "b", 30)] == ["", "b", "30"]
