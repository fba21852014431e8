"""When frames are drawn, by the numbers."""

from itertools import pairwise

import pytest

from nbstream.display.throttle import Throttle


def test_the_first_frame_is_due_at_once():
    for now in (0.0, -5.0, 1e9):
        assert Throttle().delay(now) == 0.0


@pytest.mark.parametrize(
    ("rate", "cost", "interval"),
    [
        pytest.param(10, 0.0, 0.1, id="cheap frames keep the rate"),
        pytest.param(10, 0.02, 0.1, id="a fifth of the time is the limit"),
        pytest.param(10, 0.04, 0.2, id="dear frames come half as often"),
        pytest.param(10, 2.0, 10.0, id="very dear frames are rare"),
        pytest.param(1000, 0.0, 0.001, id="fast"),
    ],
)
def test_the_interval_grows_with_the_cost(rate, cost, interval):
    throttle = Throttle(max_rate=rate)
    throttle.drawn(5.0, 5.0 + cost)
    assert throttle.delay(5.0) == pytest.approx(interval)
    assert throttle.delay(5.0 + interval / 2) == pytest.approx(interval / 2)
    assert throttle.delay(5.0 + interval) == pytest.approx(0.0, abs=1e-9)
    assert throttle.delay(99.0) == 0.0


def test_an_expensive_frame_is_forgotten_after_a_cheap_one():
    throttle = Throttle(max_rate=10)
    throttle.drawn(0.0, 1.0)
    throttle.drawn(5.0, 5.0)
    assert throttle.delay(5.0) == pytest.approx(0.1)


def test_asking_changes_nothing():
    throttle = Throttle(max_rate=10)
    throttle.drawn(0.0, 0.0)
    assert [throttle.delay(0.05) for _ in range(5)] == [pytest.approx(0.05)] * 5


def test_however_much_arrives_the_rate_is_kept_and_nothing_starves():
    throttle, drawn = Throttle(max_rate=15), []
    for millisecond in range(10_000):
        now = millisecond / 1000
        if throttle.delay(now) == 0:
            throttle.drawn(now, now)
            drawn.append(now)
    assert 140 <= len(drawn) <= 150
    assert max(b - a for a, b in pairwise(drawn)) < 0.07
