"""Rows in whatever they come, and the prompts that are made of them."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbstream.errors import UsageError
from nbstream.many.rows.row_prompts import MissingValueError, prompts_of
from nbstream.many.rows.rows import is_missing, rows_of


def at(rows, number):
    found = rows.at(number)
    assert found is not None
    return found


FRAME: dict[str, list[Any]] = {"city": ["Oslo", "Rome"], "people": [709, 2800]}


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ([{"city": "Oslo", "people": 709}, {"city": "Rome", "people": 2800}], [0, 1]),
        (({"city": city, "people": people} for city, people in zip(*FRAME.values(), strict=True)), [0, 1]),
        (pd.DataFrame(FRAME, index=["a", "a"]), ["a", "a"]),
        (pl.DataFrame(FRAME), [0, 1]),
    ],
    ids=["list", "generator", "pandas", "polars"],
)
def test_tables_are_read_by_place(given, labels):
    rows = rows_of(given)
    assert rows.names == ("city", "people")
    prompts = prompts_of("{{ city }}: {{ people * 2 }} {{ row['city'][0] }}", rows, {})
    read = list(rows)
    assert [prompts.of(row).prompt for row in read] == ["Oslo: 1418 O", "Rome: 5600 R"]
    assert [row.label for row in read] == labels
    if rows.total is not None:
        assert prompts.of(at(rows, 1)).prompt == "Rome: 5600 R"


@pytest.mark.parametrize(
    "given",
    [
        ["a", "b"],
        ("a", "b"),
        np.array(["a", "b"]),
        pd.Series(["a", "b"], index=[7, 7]),
        pl.Series(["a", "b"]),
        iter("ab"),
    ],
    ids=["list", "tuple", "numpy", "pandas", "polars", "iterator"],
)
def test_values_are_called_value_or_what_the_template_calls_them(given):
    rows = rows_of(given)
    prompts = prompts_of("{{ word }}!", rows, {})
    assert [prompts.of(row).prompt for row in rows] == ["a!", "b!"]


def test_a_series_has_its_own_name():
    rows = rows_of(pd.Series(["a"], name="review"))
    assert prompts_of("{{ review }} {{ value }}", rows, {}).of(at(rows, 0)).prompt == "a a"


def test_names_of_the_notebook_are_there_but_a_column_comes_first():
    rows = rows_of([{"city": "Oslo"}])
    names = {"city": "Berlin", "language": "Latin"}
    assert prompts_of("{{ city }} in {{ language }}", rows, names).of(at(rows, 0)).prompt == "Oslo in Latin"


@pytest.mark.parametrize(
    "missing", [None, float("nan"), pd.NA, pd.NaT, np.float32("nan"), np.datetime64("NaT")], ids=repr
)
def test_what_is_missing_is_never_put_into_a_prompt(missing):
    assert is_missing(missing)
    rows = rows_of([{"city": missing}])
    with pytest.raises(MissingValueError, match=r"\{\{ city \}\} is missing in this row"):
        prompts_of("Where is {{ city }}?", rows, {}).of(at(rows, 0))
    filled = prompts_of("{{ 'nowhere' if missing(city) else city }}", rows, {"missing": is_missing})
    assert filled.of(at(rows, 0)).prompt == "nowhere"


@pytest.mark.parametrize("value", [0, "", False, "NaN", [None], np.array([1.0, float("nan")])], ids=repr)
def test_what_is_not_missing_is_text(value):
    assert not is_missing(value)


def test_a_row_without_the_column_says_so_and_has_no_other_rows_value():
    rows = rows_of([{"city": "Oslo"}, {"town": "Rome"}])
    prompts = prompts_of("{{ city }}", rows, {"city": "of the notebook"})
    assert prompts.of(at(rows, 0)).prompt == "Oslo"
    with pytest.raises(UsageError, match=r"this row has no city, which \{\{ city \}\} needs"):
        prompts.of(at(rows, 1))


def test_a_function_makes_prompts_and_its_failure_is_the_rows():
    rows = rows_of([{"n": 1}, {"n": 0}])
    prompts = prompts_of(lambda row: f"{1 / row['n']}", rows, {})
    assert prompts.of(at(rows, 0)).prompt == "1.0"
    with pytest.raises(UsageError, match="failed for this row: ZeroDivisionError"):
        prompts.of(at(rows, 1))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("text", "not a text"),
        ({"city": ["Oslo"]}, "not a dictionary"),
        (3, "not int"),
        (pd.DataFrame({"city": []}), "there are no rows: the DataFrame is empty"),
        (pl.DataFrame({"city": ["Oslo"]}).lazy(), r"give frame.collect\(\)"),
    ],
    ids=["text", "dictionary", "number", "empty", "lazy"],
)
def test_what_holds_no_rows_is_refused(given, words):
    with pytest.raises(UsageError, match=words):
        rows_of(given)


def test_a_column_of_which_there_are_two_is_refused():
    frame = pd.DataFrame([["a", "b"]], columns=["x", "x"])
    with pytest.raises(UsageError, match="several columns called x"):
        prompts_of("{{ x }}", rows_of(frame), {})
