"""Who may use how much, and how often: values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from traitlets import TraitError

from nbstream.relay.limits import Caller, Limits, limits_of, read_limits, span_of
from nbstream.relay.prices import Prices, read_prices
from nbstream.relay.rate import Rate
from nbstream.relay.refused import Refused
from nbstream.relay.settings import NBStreamRelay

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYBODY = {"*": {"tokens": 10}}
GROUPS = {"group:a": {"tokens": 20, "usd": 1.0}, "group:b": {"tokens": 30}}


@pytest.mark.parametrize(
    ("configured", "groups", "tokens", "usd"),
    [
        ({}, (), None, None),
        (EVERYBODY, (), 10, None),
        (EVERYBODY, ("other",), 10, None),
        ({**EVERYBODY, **GROUPS}, ("a",), 20, 1.0),
        ({**EVERYBODY, **GROUPS}, ("a", "b"), 30, None),
        ({**EVERYBODY, **GROUPS, "user:ada": {"tokens": 5}}, ("a", "b"), 5, None),
        ({**EVERYBODY, "user:bob": {"tokens": 5}}, (), 10, None),
    ],
)
def test_a_users_own_limits_come_first_then_the_most_generous_groups(
    configured: Mapping[str, Any], groups: tuple[str, ...], tokens: int | None, usd: float | None
) -> None:
    limits = limits_of(Caller("ada", groups), read_limits(configured))
    assert (limits.tokens, limits.usd) == (tokens, usd)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ada": {}},
        {"*": 7},
        {"*": {"tokens": -1}},
        {"*": {"tokens": 1.5}},
        {"*": {"usd": float("nan")}},
        {"*": {"usd": float("inf")}},
        {"*": {"usd": True}},
        {"*": {"token": 7}},
        {"*": {"period": "week"}},
    ],
)
def test_limits_that_cannot_be_are_refused_where_they_are_set(wrong: dict[str, Any]) -> None:
    with pytest.raises(TraitError):
        NBStreamRelay(quotas=wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"m": 1.0},
        {"m": {"input": 1.0}},
        {"m": {"input": -1.0, "output": 1.0}},
        {"m": {"input": float("nan"), "output": 1.0}},
        {"m": {"input": "1", "output": 1.0}},
        {"m": {"input": 1.0, "output": 1.0, "cache": 1.0}},
    ],
)
def test_prices_that_cannot_be_are_refused_where_they_are_set(wrong: dict[str, Any]) -> None:
    with pytest.raises(TraitError):
        NBStreamRelay(prices=wrong)


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(TraitError) as caught:
        NBStreamRelay(base_url="https://me:hunter2@gateway.example/v1")
    assert "hunter2" not in str(caught.value)


def test_what_is_cached_may_cost_less() -> None:
    prices = Prices(read_prices({"m-*": {"input": 10.0, "output": 20.0, "cached": 1.0}}))
    assert prices.cost("m-1", "http://x/v1", 1000, 100, 400) == pytest.approx(0.0084)
    assert prices.cost("m-1", "http://x/v1", 1000, 0, 5000) == pytest.approx(0.001)  # a provider's mistake
    assert prices.cost("other", "http://x/v1", 1000, 100) is None


def test_months_and_days_end_by_utc() -> None:
    noon = 1_772_280_000.0  # 28 February 2026, 12:00 UTC
    assert span_of("month", noon) == (1_769_904_000.0, 1_772_323_200.0)
    assert span_of("day", noon) == (1_772_236_800.0, 1_772_323_200.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_requests_are_counted_by_user_within_a_minute() -> None:
    clock, limits = Clock(), Limits(requests_per_minute=2)
    rate = Rate(clock)

    def ask(user: str) -> None:
        with rate.running(user, limits):
            pass

    for clock.now in (0.0, 20.0):
        ask("ada")
    clock.now = 30.0
    with pytest.raises(Refused) as caught:
        ask("ada")
    assert caught.value.headers()["Retry-After"] == "30"
    ask("bob")
    clock.now = 60.0
    ask("ada")


def test_no_more_run_at_once_than_may() -> None:
    rate, limits = Rate(), Limits(concurrent=1)
    with rate.running("ada", limits):
        with pytest.raises(Refused), rate.running("ada", limits):
            pass
        with rate.running("bob", limits):
            assert rate.count() == 2
    with rate.running("ada", limits):
        assert rate.count("ada") == 1
    assert rate.count() == 0
