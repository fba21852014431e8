"""How many requests may be in flight: by value, with times that the test says."""

import pytest

from nbstream.errors import UsageError
from nbstream.many.asking.concurrency import Concurrency


def test_it_begins_with_twenty_and_grows_to_a_hundred():
    level = Concurrency.of("auto")
    assert level.limit == 20
    for _ in range(500):
        level.succeeded()
    assert level.limit == 100


def test_one_burst_of_refusals_is_one_episode():
    level = Concurrency(first=100)
    for each in range(50):
        level.refused(sent_at=each / 100, now=1.0 + each / 100, retry_after=3.0)
    assert (level.limit, level.pauses) == (80, 1)
    assert level.paused_until == pytest.approx(4.49)
    level.refused(sent_at=5.0, now=5.1, retry_after=2.0)
    assert (level.limit, level.pauses, level.paused_until) == (64, 2, 7.1)


def test_after_a_refusal_it_grows_slowly():
    level = Concurrency(first=50)
    level.refused(sent_at=0.0, now=1.0, retry_after=1.0)
    assert level.limit == 40
    for _ in range(41):
        level.succeeded()
    assert level.limit == 41


def test_without_a_time_it_waits_twice_as_long_after_each_episode_with_no_answer_in_between():
    level, waits = Concurrency(), []
    now = 0.0
    for _ in range(8):
        level.refused(sent_at=now, now=now + 0.1)
        waits.append(round(level.paused_until - now - 0.1, 3))
        now = level.paused_until
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    level.succeeded()
    level.refused(sent_at=now, now=now)
    assert level.paused_until == now + 1


def test_it_never_falls_below_one_and_keeps_what_was_given():
    level = Concurrency.of(2)
    for now in range(20):
        level.refused(sent_at=now, now=now + 0.5, retry_after=0.1)
    assert level.limit == 1
    for _ in range(100):
        level.succeeded()
    assert level.limit == 2


def test_it_can_be_set_while_it_runs():
    level = Concurrency()
    level.limit = 3
    level.succeeded()
    assert level.limit == 3
    level.let_find()
    level.succeeded()
    assert level.limit == 4


@pytest.mark.parametrize("wanted", [0, -1, 2.5, True, "many", None])
def test_what_is_no_number_is_refused(wanted):
    with pytest.raises(UsageError, match="whole number above 0"):
        Concurrency.of(wanted)
