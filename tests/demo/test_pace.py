"""Pace: what can be set, and a clock that does not drift. Time is virtual here."""

import asyncio
import math
import selectors
from itertools import pairwise

import pytest

from nbstream.demo import DemoServer, Pace
from nbstream.demo.pace import ENVIRONMENT, LARGEST_BATCH


class LateSelector(selectors.SelectSelector):
    """Waits in no time, and pretends that each wait took `late` seconds more than asked."""

    def __init__(self, late):
        super().__init__()
        self.now = 0.0
        self.late = late

    def select(self, timeout=None):
        if timeout:
            self.now += timeout + self.late
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, late):
        self.clock = LateSelector(late)
        super().__init__(self.clock)

    def time(self):
        return self.clock.now


def play(pace, tokens, late=0.0):
    """The batches and the virtual seconds at which each came."""

    async def collect():
        return [(loop.time(), list(batch)) async for batch in pace.batches(tokens)]

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(late)) as runner:
        loop = runner.get_loop()
        return runner.run(collect())


def test_the_first_token_comes_when_it_was_promised():
    assert play(Pace(0.35, 60), ["a", "b"])[0] == (pytest.approx(0.35, abs=1e-6), ["a"])


def test_every_token_comes_once_and_in_order():
    tokens = [str(number) for number in range(500)]
    assert [token for _, batch in play(Pace(0.1, 3000), tokens, late=0.004) for token in batch] == tokens


def test_jitter_never_changes_the_order():
    times = [Pace(0, 60).due(index) for index in range(1000)]
    assert times == sorted(times)
    assert len({round(after - before, 6) for before, after in pairwise(times)}) > 1


@pytest.mark.parametrize("rate", [60, 3000, 20_000])
def test_late_wake_ups_do_not_add_up(rate):
    tokens = ["x"] * 2 * rate
    end, _ = play(Pace(0, rate), tokens, late=0.002)[-1]
    assert end == pytest.approx(2.0, abs=0.05)


def test_a_high_rate_is_met_by_several_tokens_a_wake_up():
    batches = [batch for _, batch in play(Pace(0, 3000), ["x"] * 3000, late=0.01)]
    assert len(batches) < 150


def test_no_pause_at_all_still_comes_in_batches():
    batches = [batch for _, batch in play(Pace.parse("instant"), ["x"] * 200)]
    assert max(map(len, batches)) == LARGEST_BATCH


@pytest.mark.parametrize(
    ("text", "pace"),
    [("instant", Pace(0, math.inf)), (" 0.2, 100 ", Pace(0.2, 100)), ("0,1000", Pace(0, 1000))],
)
def test_the_environment_sets_the_pace(monkeypatch, text, pace):
    monkeypatch.setenv(ENVIRONMENT, text)
    assert DemoServer().pace == pace


def test_without_a_setting_the_default_holds(monkeypatch):
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    assert DemoServer().pace == Pace(0.35, 60)


@pytest.mark.parametrize("text", ["fast", "1", "1,2,3", "-1,60", "0,0", "nan,60", "0,nan"])
def test_what_is_no_pace_is_refused(text):
    with pytest.raises(ValueError, match="A pace is 'instant' or"):
        Pace.parse(text)
