"""What moderation costs in time: until the first text is shown, and until the end."""

from __future__ import annotations

import statistics
import time
from typing import Any, NamedTuple

import pytest

import nbstream as nbs
from nbstream.moderation import Moderation
from tests.benchmarks.bounds import hold

TOKENS_PER_SECOND, CHECK_SECONDS, TIMES = 75.0, 0.15, 3
QUESTION = "Write 300 words."
AT_THE_END = CHECK_SECONDS + 0.25
PIECE = 200


class Seen(NamedTuple):
    """What a reader has seen of an answer, in seconds since it was asked for."""

    first: float
    end: float
    characters: int


def takes(seconds: float) -> Any:
    def check(_: str) -> bool:
        time.sleep(seconds)
        return False

    return check


def seen(moderate: Any, **options: Any) -> Seen:
    pace = {"first_token": 0.2, "tokens_per_second": TOKENS_PER_SECOND}
    began = time.monotonic()
    handle = nbs.start(QUESTION, model="demo", display=False, demo=pace, moderate=moderate, **options)
    firsts = [time.monotonic() for _ in handle]
    end = time.monotonic()
    return Seen(firsts[0] - began, end - began, len(handle.text))


def median(moderate: Any, **options: Any) -> Seen:
    runs = [seen(moderate, **options) for _ in range(TIMES)]
    return Seen(*(statistics.median(values) for values in zip(*runs, strict=True)))


@pytest.mark.usefixtures("demo")
def test_moderation_costs_what_its_checks_take_and_the_piece_that_they_are_given() -> None:
    seen(None)  # the first stream of a process imports the SDK
    plain = median(None)
    rate = plain.characters / (plain.end - plain.first)
    costs = {
        "a function": (takes(0.0), {}, 0.0),
        f"a check of {CHECK_SECONDS:g} s": (takes(CHECK_SECONDS), {}, CHECK_SECONDS),
        "the demo's endpoint": ("openai", {}, 0.1),
        f"only marked, a check of {CHECK_SECONDS:g} s": (takes(CHECK_SECONDS), {"on_flagged": "notify"}, CHECK_SECONDS),
        f"only the whole, a check of {CHECK_SECONDS:g} s": (
            Moderation(takes(CHECK_SECONDS), at=("prompt", "answer")),
            {},
            CHECK_SECONDS,
        ),
    }
    print(f"\n{'no moderation':44}first {plain.first:5.2f} s, end {plain.end:5.2f} s ({rate:.0f} characters/s)")
    for name, (moderate, options, check) in costs.items():
        made = median(moderate, **options)
        assert made.characters == plain.characters
        print(f"{name:44}first {made.first:5.2f} s, end {made.end:5.2f} s")
        # The prompt and the whole are each checked once; the piece has to be there, and its sentence to its end.
        waits = 2 * check + (2 * PIECE) / rate + 0.3
        held = "whole" in name
        hold(f"first text, {name}", made.first - plain.first, made.end if held else waits, "s")
        hold(f"end, {name}", made.end - plain.end, 2 * check + AT_THE_END, "s")
