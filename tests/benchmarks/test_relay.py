"""How much later an answer comes through the relay of a real Jupyter server than directly, measured in turn."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from tests.benchmarks.bounds import hold
from tests.benchmarks.server import PIECE
from tests.relay.jupyter_relay import KEY, TOKEN, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 60
LIMIT_MS = 5.0


@pytest.fixture
def relay(streams: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    quotas = {"*": {"tokens": 1_000_000_000, "usd": 1000.0, "requests_per_minute": 100_000}}
    prices = {"m": {"input": 1.0, "output": 2.0}}
    running = Server(f"{streams}/paced/20/400/v1", tmp_path_factory.mktemp("relay"), quotas=quotas, prices=prices)
    yield running
    running.kill()


def test_the_first_piece_comes_at_most_5_ms_later(relay: Server, streams: str) -> None:
    common: dict[str, Any] = {"model": "m", "api": "chat", "display": False, "max_retries": 0}
    ways: dict[str, dict[str, Any]] = {
        "direct": {**common, "base_url": f"{streams}/paced/20/400/v1", "api_key": KEY.reveal()},
        "relay": {**common, "base_url": f"{relay.url}nbstream/v1", "api_key": TOKEN},
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(ROUNDS + 3):
        for way, options in ways.items():
            timing = nbs.stream("Hi", **options).timing
            if number >= 3:  # the first make the connections
                taken[way].append((timing.ttft or 0) * 1000)
    later = [through - direct for direct, through in zip(taken["direct"], taken["relay"], strict=True)]
    print({way: round(statistics.median(times), 2) for way, times in taken.items()}, sorted(later)[-5:])
    hold("first piece through the relay, later than without (median)", statistics.median(later), LIMIT_MS, "ms")


def test_a_hundred_streams_pass_at_once(relay: Server) -> None:
    common: dict[str, Any] = {"model": "m", "api": "chat", "display": False, "max_retries": 0}
    options = {**common, "base_url": f"{relay.url}nbstream/v1", "api_key": TOKEN}
    nbs.stream("Hi", **options)
    handles = [nbs.start("Hi", **options) for _ in range(100)]
    results = [handle.result() for handle in handles]
    assert {result.text for result in results} == {PIECE * 20}
    slowest = max(result.timing.ttft or 0 for result in results)
    hold("first piece of the last of 100 streams at once through the relay", slowest, 5.0, "s")
