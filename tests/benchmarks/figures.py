"""Measures contestants in turn and prints a table. It must not know what they do."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Contestant", "print_table", "steady", "take_turns"]

LOOKS, ROUNDS, AT_MOST = 3, 5, 12  # rounds
ALIKE = 1.03


@dataclass
class Contestant:
    """One way to read a stream.

    Attributes:
        name: What the table calls it.
        read: Reads one stream and returns its text.
        chunks: How many chunks the stream has; dear contestants get fewer.
        compared: Whether a test compares it. The others, which are there to be looked at, get fewer rounds.
        seconds: The CPU time of each round.
    """

    name: str
    read: Callable[[], str]
    chunks: int
    compared: bool = True
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Microseconds a chunk, in the median round."""
        return statistics.median(self.seconds) / self.chunks * 1e6

    @property
    def least(self) -> float:
        """Microseconds a chunk, in the best round."""
        return min(self.seconds) / self.chunks * 1e6


def steady(seconds: Sequence[float]) -> bool:
    """Whether the two best rounds agree, so that the best was no stroke of luck and hardly gets any better."""
    best, second = sorted(seconds)[:2]
    return second <= ALIKE * best


def take_turns(contestants: Sequence[Contestant], piece: str) -> None:
    """Measure the CPU time of each contestant, in turn, until the best rounds of those that are compared are sure.

    Interleaving makes a slow spell of the machine fall on all alike, and one that outlasts some rounds is waited out.
    All threads of the process count.

    Args:
        contestants: Who takes part.
        piece: The text of a chunk.
    """
    compared = [each for each in contestants if each.compared]
    for number in range(-1, AT_MOST):  # the first warms up
        if number >= ROUNDS and all(steady(each.seconds) for each in compared):
            break
        for each in contestants if number < LOOKS else compared:
            gc.collect()  # what the others have left behind is not to be swept up in this one's time
            started = time.process_time()
            text = each.read()
            took = time.process_time() - started
            assert text == piece * each.chunks, f"{each.name} has read something else"
            if number >= 0:
                each.seconds.append(took)


def print_table(title: str, contestants: Sequence[Contestant], reference: Contestant) -> None:
    """Print microseconds a chunk, and the ratio to `reference` in the best round, to which nothing was added."""
    print(f"\n{title}\n  {'us of CPU a chunk':42}{'median':>8}{'least':>8}{'ratio':>8}")
    for each in contestants:
        fewer = "" if each.chunks == reference.chunks else f" ({each.chunks:,})"
        ratio = each.least / reference.least
        print(f"  {each.name + fewer:42}{each.median:8.1f}{each.least:8.1f}{ratio:8.3f}")
