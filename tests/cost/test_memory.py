"""What is allocated for an answer at its highest, in virtual time: the text, and what is drawn of it, a few times."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

import pytest

import nbstream as nbs
from nbstream.display.notebook import NotebookSurface
from nbstream.events import TextDelta
from nbstream.testing import ScriptedStream, play
from tests.comms import Page
from tests.cost.answer import END, scripted, text_of
from tests.cost.on_a_page import OnAPage

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0
SOME_KILOBYTES = 100_000


@pytest.fixture(autouse=True)
def _everything_imported() -> None:
    """What a first stream imports is no part of an answer."""
    play(ScriptedStream([TextDelta("Hi")], END))


def peak_of(action: Callable[[], object]) -> int:
    """Bytes that were allocated at the most during the action, above those before it."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("chunks", [5_000, 20_000])
def test_a_stream_holds_its_text_and_little_else(chunks: int) -> None:
    stream = ScriptedStream(*([TextDelta(f"{number:>10}")] for number in range(chunks)), END)
    size = 10 * chunks
    peak = peak_of(lambda: play(stream))
    print(f"\n{size:,} characters in {chunks:,} chunks: {peak:,} bytes at the highest")
    assert peak < 3 * size + SOME_KILOBYTES


def test_an_answer_whose_events_nobody_can_read_is_not_kept_twice() -> None:
    chunks = 20_000
    source = ScriptedStream(*([TextDelta(f"{number:>10}")] for number in range(chunks)), END)
    size = 10 * chunks

    def waited_for() -> None:
        nbs.stream("hi", model="m", source=source, display=False)

    def started() -> None:
        nbs.start("hi", model="m", source=source, display=False).result(PATIENCE)

    waited_for()
    peaks = [peak_of(waited_for), peak_of(started)]
    print(f"\n{size:,} characters: {peaks[0]:,} bytes at the highest, {peaks[1]:,} where events can still be read")
    assert peaks[0] < 2 * size + SOME_KILOBYTES
    assert peaks[1] > peaks[0] + 0.9 * size


@pytest.mark.usefixtures("outputs")
def test_a_live_answer_holds_what_is_drawn_and_little_else(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(monkeypatch, kept=0)

    def peak(copies: int) -> int:
        surface = OnAPage(NotebookSurface("live"), page)
        return peak_of(lambda: play(scripted(text_of(copies)), surface=surface))

    peak(1)  # loads what colours code, and the like
    sizes = [len(text_of(copies)) for copies in (4, 16)]
    short, long = peak(4), peak(16)
    a_character = (long - short) / (sizes[1] - sizes[0])
    print(f"\n{sizes} characters, drawn: {short:,} and {long:,} bytes at the highest, {a_character:.0f} a character")
    assert a_character < 120
    assert long < 120 * sizes[1] + 5 * SOME_KILOBYTES
