"""What servers say twice: found however it is cut, and never in what is meant to be said twice."""

from __future__ import annotations

import random

import pytest

from nbstream.assembly import Assembler
from nbstream.assembly.repetition import Overlap
from nbstream.events import EndOfStream, Finished, TextDelta, TextRevised, ToolCallDelta
from nbstream.result import StreamResult
from tests.steps import steps

DONE = EndOfStream(marked=True)
BEFORE = "The tide tables of Oban say that the water is highest a little after noon, and th"


def fed(*events, beginning=None):
    assembler = Assembler(model="m", endpoint="localhost:8000", beginning=beginning)
    for event in events:
        assembler.feed(event)
    return assembler.snapshot()


def kinds(result):
    return [warning.kind for warning in result.warnings]


# --- a continuation that says again what it continues -----------------------------------------------------------------


def continued(*pieces, before=BEFORE):
    return fed(*map(TextDelta, pieces), Finished("stop"), DONE, beginning=StreamResult(before))


def in_every_way(text):
    generator = random.Random(5)
    yield [text]
    yield list(text)
    for _ in range(20):
        cuts = sorted(generator.choices(range(len(text) + 1), k=6))
        yield [piece for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if (piece := text[start:end])]


@pytest.mark.wire("H21")
@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        pytest.param(BEFORE, BEFORE + "en it falls.", BEFORE + "en it falls.", id="all of it"),
        pytest.param(BEFORE, BEFORE[-40:] + "en.", BEFORE + "en.", id="forty characters"),
        pytest.param(BEFORE, BEFORE[-60:] + "en.", BEFORE + "en.", id="sixty"),
        pytest.param(BEFORE, "\n\n" + BEFORE[-60:] + "en.", BEFORE + "en.", id="after white space"),
        pytest.param(BEFORE + "e ", BEFORE[-60:] + "e sea.", BEFORE + "e sea.", id="white space where they meet"),
        pytest.param(
            BEFORE + "e\n\n", BEFORE[-60:] + "e\n\nsea.", BEFORE + "e\n\nsea.", id="a paragraph where they meet"
        ),
        pytest.param(BEFORE + "e ", BEFORE[-60:] + "e", BEFORE + "e ", id="and nothing else"),
        pytest.param("\n" + BEFORE, BEFORE[:50], "\n" + BEFORE, id="anew, and cut off"),
    ],
)
def test_what_a_continuation_says_again_is_dropped(before, after, text):
    for pieces in in_every_way(after):
        result = continued(*pieces, before=before)
        assert (result.text, kinds(result)) == (text, ["overlapping_text"]), pieces


@pytest.mark.wire("H21")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(BEFORE, "en it falls.", id="nothing said again"),
        pytest.param(BEFORE, BEFORE[-39:] + "en.", id="less than forty characters"),
        pytest.param(BEFORE, BEFORE[10:60] + " other words", id="the middle of it"),
        pytest.param(BEFORE, BEFORE[10:60], id="the middle of it, and no more"),
        pytest.param("Hello", "Hello world", id="too short to tell"),
        pytest.param("Well, " + "ha" * 40, "ha" * 40 + "!", id="a laugh"),
        pytest.param("So:\n" + "-" * 80, "-" * 60 + "\nThen", id="a line"),
        pytest.param(BEFORE, " ", id="a space"),
        pytest.param(BEFORE, BEFORE[-20:], id="a few words, and no more"),
    ],
)
def test_what_is_no_repetition_is_kept(before, after):
    for pieces in in_every_way(after):
        result = continued(*pieces, before=before)
        assert (result.text, kinds(result)) == (before + after, []), pieces


@pytest.mark.wire("H21")
def test_a_continuation_that_begins_anew_in_other_words_is_kept_and_told():
    result = continued(BEFORE[:50], " something else")
    assert (result.text, kinds(result)) == (BEFORE + BEFORE[:50] + " something else", ["begun_anew"])


@pytest.mark.wire("H21")
def test_nothing_that_is_held_back_is_lost():
    begun = StreamResult(BEFORE)
    cut = fed(TextDelta(BEFORE[-60:-20]), beginning=begun)
    assert cut.text == BEFORE, "it may go on"
    assembler = Assembler(model="m", endpoint="localhost:8000", beginning=begun)
    assembler.feed(TextDelta(BEFORE[-60:-20]))
    assembler.cancel()
    assert assembler.snapshot().text == BEFORE + BEFORE[-60:-20]
    called = fed(TextDelta(BEFORE[-30:]), ToolCallDelta(0, "a", "f", "{}"), DONE, beginning=begun)
    assert [part.type for part in called.parts] == ["text", "text", "tool_call"]
    assert called.text == BEFORE + BEFORE[-30:]


@pytest.mark.wire("H21", "H15")
def test_a_final_wording_says_nothing_again_either():
    result = fed(
        TextDelta(BEFORE[-60:] + "en."), TextRevised(BEFORE[-60:] + "en!"), DONE, beginning=StreamResult(BEFORE)
    )
    assert (result.text, kinds(result)) == (BEFORE + "en!", ["overlapping_text"])


@pytest.mark.wire("H21")
def test_an_answer_that_the_server_itself_resumes_says_nothing_again():
    assembler = Assembler(model="m", endpoint="e", beginning=StreamResult(BEFORE), resumed=True)
    assembler.feed(TextDelta(BEFORE[-60:]))
    assert assembler.snapshot().text == BEFORE + BEFORE[-60:]


def test_a_long_repetition_costs_as_much_as_its_length():
    text = "".join(f"Sentence number {number} is here. " for number in range(400))

    def repeated(count):
        before = text[:count]
        return lambda: [Overlap(before).new_in(piece) for piece in (before[at : at + 4] for at in range(0, count, 4))]

    def held(count):
        overlap = Overlap(text[:count])
        return lambda: [overlap.new_in(text[at : at + 4]) for at in range(0, count, 4)]

    assert repeated(400)
    assert steps(held(8000)) <= 2.3 * steps(held(4000))
