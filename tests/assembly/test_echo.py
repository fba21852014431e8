"""Thoughts that come in two ways are said once; where the ways differ, all of both is said."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from nbstream.assembly import Assembler
from nbstream.events import EndOfStream, Finished, PartResumed, PartStarted, ReasoningDelta, TextDelta, TextRevised
from tests.steps import steps

if TYPE_CHECKING:
    from nbstream.events import Event

DONE = EndOfStream(marked=True)
ONE, OTHER = PartStarted(0, "reasoning", "r1", 0), PartStarted(1, "reasoning", "r1", 0, new_paragraph=True)


def fed(*events):
    assembler = Assembler(model="m", endpoint="localhost:8000")
    for event in events:
        assembler.feed(event)
    return assembler.snapshot()


def pieces_of(text, generator):
    cuts = sorted(generator.choices(range(len(text) + 1), k=5))
    return [piece for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if (piece := text[start:end])]


def interleaved(thoughts, summary, generator):
    """The events of a server that takes turns between the two, each in pieces of its own."""
    left = [pieces_of(thoughts, generator), pieces_of(summary, generator)]
    begun, at = [False, False], None
    while any(left):
        turn = generator.choice([number for number in (0, 1) if left[number]])
        if not begun[turn]:
            begun[turn] = True
            yield (ONE, OTHER)[turn]
        elif turn != at:
            yield PartResumed(turn)
        at = turn
        yield ReasoningDelta(left[turn].pop(0), summary=bool(turn))


@pytest.mark.wire("H17")
def test_the_same_words_as_thoughts_and_as_summary_are_said_once():
    text = "First I look at the table.\n\nThen I read the line."
    generator = random.Random(3)
    for _ in range(200):
        events = list(interleaved(text, text, generator))
        result = fed(*events, Finished("stop"), DONE)
        assert "".join(result.reasoning.split()) == "".join(text.split()), events


@pytest.mark.wire("H17")
@pytest.mark.parametrize(
    ("thoughts", "summary"),
    [
        ("I look at the table.", "Looking at the table."),
        ("I look at the table.", "I look at it."),
        ("One. Two. Three.", "One. Three."),
    ],
)
def test_nothing_of_other_words_is_lost(thoughts, summary):
    generator = random.Random(4)
    for _ in range(100):
        result = fed(*interleaved(thoughts, summary, generator), Finished("stop"), DONE)
        assert sorted(part.text for part in result.parts) == sorted((thoughts, summary))


@pytest.mark.wire("H17")
def test_what_only_the_second_says_is_said():
    result = fed(ONE, ReasoningDelta("One."), OTHER, ReasoningDelta("One. Two.", summary=True), DONE)
    assert result.reasoning == "One.\n\nTwo."
    result = fed(ONE, ReasoningDelta("One."), OTHER, ReasoningDelta("On", summary=True), DONE)
    assert result.reasoning == "One."


@pytest.mark.wire("H17")
def test_the_reader_does_not_wait_for_a_first_that_goes_no_further():
    begun: list[Event] = [ONE, ReasoningDelta("I"), OTHER, ReasoningDelta("I", summary=True)]
    assembler = Assembler(model="m", endpoint="e")
    for event in begun:
        assembler.feed(event)
    assert assembler.snapshot().reasoning == "I"
    assembler.feed(ReasoningDelta(" think" * 100, summary=True))
    assert assembler.snapshot().reasoning == "I\n\nI" + " think" * 100


@pytest.mark.wire("G04")
@pytest.mark.parametrize("tag", ["<think>Hm, well.</think>Yes", "<think>\nHm, well.\n</think>\n\nYes"])
def test_thoughts_apart_and_between_tags_are_said_once(tag):
    generator = random.Random(6)
    for _ in range(100):
        apart = [ReasoningDelta(piece) for piece in pieces_of("Hm, well.", generator)]
        inside = [TextDelta(piece) for piece in pieces_of(tag, generator)]
        events = []
        while apart or inside:
            events.append((generator.choice([each for each in (apart, inside) if each])).pop(0))
        result = fed(*events, Finished("stop"), DONE)
        assert (result.text, result.reasoning.strip()) == ("Yes", "Hm, well."), events


@pytest.mark.wire("G04", "H15")
def test_a_revision_with_tags_does_not_say_again_what_came_apart():
    result = fed(ReasoningDelta("Hm."), TextDelta("Yes"), TextRevised("<think>Hm.</think>Yes!"), DONE)
    assert (result.text, result.reasoning) == ("Yes!", "Hm.")


def test_each_item_is_looked_at_alone_and_at_no_more_than_its_own_cost():
    def said(count: int) -> list[Event]:
        events: list[Event] = []
        for number in range(0, count, 2):
            for part in (number, number + 1):
                events.append(PartStarted(part, "reasoning", f"r{number}", 0))
                events.append(ReasoningDelta(f"Step {number}.", summary=bool(part % 2)))
        return events

    result = fed(*said(40), DONE)
    assert result.reasoning == "".join(f"Step {number}." for number in range(0, 40, 2))
    assert steps(lambda: fed(*said(800), DONE)) <= 2.3 * steps(lambda: fed(*said(400), DONE))
