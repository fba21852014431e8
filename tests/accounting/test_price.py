"""What a model costs, as its user says it."""

from __future__ import annotations

import math
from typing import Any

import pytest

import nbstream as nbs
from nbstream.accounting.price import Price, prices_from
from nbstream.errors import UsageError
from nbstream.outcome import Usage
from nbstream.settings.config import settings


@pytest.mark.parametrize("wrong", [-1, -0.001, math.nan, math.inf, "1", True, None])
@pytest.mark.parametrize("part", ["input", "output"])
def test_no_price_is_negative_or_no_number(part: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"the price of {part} tokens must be"):
        nbs.price("m", **{"input": 1, "output": 2, part: wrong})
    assert settings().prices == {}


@pytest.mark.parametrize("part", ["cached", "cache_write"])
def test_parts_that_may_be_left_out_are_checked_too(part: str) -> None:
    with pytest.raises(UsageError, match=f"the price of {part} tokens must be 0 or above"):
        nbs.price("m", **{"input": 1, "output": 2, part: math.nan})
    nbs.price("m", input=1, output=2, cached=0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"m": {"input": 1}}, "dollars for a million tokens"),
        ({"m": 3}, "dollars for a million tokens"),
        ({"m": {"input": 1, "output": 2, "cache": 1}}, "did you mean cached"),
        ({"": {"input": 1, "output": 2}}, "name of a model"),
        ({3: {"input": 1, "output": 2}}, "name of a model"),
        ({"m": {"input": math.nan, "output": 2}}, "must be 0 or above"),
    ],
)
def test_a_configuration_file_is_held_to_the_same(given: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        prices_from(given)
    with pytest.raises(UsageError, match=words):
        nbs.configure(prices=given)
    assert settings().prices == {}


def test_each_kind_of_tokens_has_its_price() -> None:
    price = Price(10, 100, cached=1, cache_write=20)
    assert price.of(Usage(1_000_000, 0, 1_000_000)) == 10
    assert price.of(Usage(0, 1_000_000, 1_000_000)) == 100
    assert price.of(Usage(1_000_000, 0, 1_000_000, cached_tokens=500_000, cache_write_tokens=500_000)) == 10.5
    assert Price(10, 100).of(Usage(1_000_000, 0, 1_000_000, cached_tokens=500_000)) == 10
    assert price.of(Usage(10, 0, 10, cached_tokens=99, cache_write_tokens=99)) == pytest.approx(10 / 1e6)


def test_prices_are_settings(shell: Any) -> None:
    shell.run_cell('%config NBStream.prices = {"a": {"input": 1, "output": 2}}').raise_error()
    nbs.price("b", input=3, output=4)
    assert settings().prices == {"a": Price(1, 2), "b": Price(3, 4)}
    nbs.price("b", input=5, output=6)
    assert settings().prices["b"].input == 5


@pytest.mark.usefixtures("demo")
def test_they_go_before_a_price_list_for_the_model_asked_and_the_one_that_answers() -> None:
    quiet: dict[str, Any] = {"model": "demo", "display": False}
    assert nbs.stream("hello", **quiet).cost is None
    nbs.price("demo", input=0, output=1_000_000)
    result = nbs.stream("hello", **quiet)
    assert result.usage is not None
    assert result.cost == result.usage.output_tokens
