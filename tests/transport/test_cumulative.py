"""Servers each of whose pieces is the whole so far: recognised for certain, or not at all."""

from __future__ import annotations

import json

import pytest

from nbstream.events import ReasoningDelta, ReasoningRevised, TextDelta, TextRevised, Warned
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from tests.steps import steps
from tests.transport.test_wire_catalogue import play


def fed(*deltas):
    """What comes of an answer in these deltas."""
    chunks = [{"choices": [{"index": 0, "delta": each}]} for each in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return play([f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks], "chat")


def said(pieces):
    return fed(*({"content": piece} for piece in pieces))


def kinds(result):
    return [warning.kind for warning in result.warnings]


def test_a_reader_of_events_is_told():
    adapter = ChatCompletionsAdapter()
    events = [
        event
        for piece in ("The", "The cat", "The cat sat", "The cat sat.")
        for event in adapter.decode({"choices": [{"index": 1, "delta": {"content": piece, "reasoning": piece}}]}) or ()
    ]
    warned = Warned("cumulative_text", "Each piece repeated everything before it; the repetitions were dropped.")
    assert [event for event in events if isinstance(event, ReasoningDelta | ReasoningRevised)] == [
        ReasoningDelta("The", 1),
        ReasoningDelta("The cat", 1),
        ReasoningRevised("The cat sat", 1),
        ReasoningDelta(".", 1),
    ]
    assert [event for event in events if not isinstance(event, ReasoningDelta | ReasoningRevised)] == [
        TextDelta("The", 1),
        TextDelta("The cat", 1),
        warned,
        TextRevised("The cat sat", choice=1),
        warned,
        TextDelta(".", 1),
    ]


@pytest.mark.wire("D23")
@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        pytest.param(["The", "The cat", "The cat sat"], "The cat sat", id="three"),
        pytest.param(["The", "The cat", "The cat sat", "The cat sat", "The cat sat."], "The cat sat.", id="one twice"),
        pytest.param(["I", "I am", "I am he", "I am here", "I am here now"], "I am here now", id="begins short"),
        pytest.param(["ha", "haha", "haha, that", "haha, that's it"], "haha, that's it", id="begins with a laugh"),
        pytest.param(["漢", "漢字は", "漢字は難し", "漢字は難しい。"], "漢字は難しい。", id="beyond ASCII"),
        pytest.param(
            ["The caf\ufffd", "The café", "The café is"], "The caféThe café is", id="changed before it is certain"
        ),
        pytest.param(["The", "The cat", "The cat s\ufffd", "The cat sé."], "The cat sé.", id="half a character"),
        pytest.param(["The", "The cat", "The cat sat", "The cat", "The cat sat."], "The cat sat.", id="an earlier one"),
        pytest.param(["The", "The cat", "The cat sat", " on"], "The cat sat on", id="then a mere piece"),
    ],
)
def test_pieces_that_each_are_the_whole_so_far(pieces, text):
    result = said(pieces)
    assert result.text == text or not kinds(result)
    if kinds(result):
        assert (result.text, kinds(result)) == (text, ["cumulative_text"])
    assert sum(part.type == "text" for part in result.parts) == 1


@pytest.mark.wire("D23")
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(["ha", "haha"], id="two"),
        pytest.param(["ha", "haha", "hahaha", "hahahaha"], id="a long laugh"),
        pytest.param(["haha", "hahahaha", "hahahaha!"], id="with a sign"),
        pytest.param(["Let it go, ", "Let it go, Let it go, ", "Let it go, Let it go, Let it go."], id="a song"),
        pytest.param(["1", "12", "123", "4"], id="numbers"),
        pytest.param(["The cat", "The cat sat"], id="nothing is certain after two"),
        pytest.param(["no", "no way", " no way"], id="the third goes on"),
        pytest.param(["a", "b", "ab", "ab c", "ab c d"], id="not from the first"),
        pytest.param(["| --- ", "| --- | --- ", "| --- | --- | --- |\n"], id="a table"),
        pytest.param([" ", "  ", "    ", "     x"], id="indentation"),
        pytest.param(["no", "no no", "no no no, stop", " and go"], id="a word over and over"),
    ],
)
def test_a_repetition_that_is_meant_is_kept(pieces):
    result = said(pieces)
    assert (result.text, kinds(result)) == ("".join(pieces), [])


@pytest.mark.wire("D23", "H15")
@pytest.mark.parametrize("number", [0, None], ids=["with places", "without"])
@pytest.mark.parametrize(
    ("pieces", "text", "told"),
    [
        (["The", "The cat", "The cat sat", "The cat sat."], "The cat sat.", ["cumulative_text"]),
        (["The", " cat", " cat", " cat cat"], "The cat cat cat cat", []),
        (["ha", "haha", "hahaha", "hahahaha"], "ha" * 10, []),
    ],
)
def test_the_pieces_of_the_other_api(pieces, text, told, number):
    place = {} if number is None else {"item_id": "m", "output_index": 1, "content_index": number}
    said = [{"type": "response.output_text.delta", "delta": piece, **place} for piece in pieces]
    end = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}
    result = play([f"data: {json.dumps(each)}\n\n".encode() for each in (*said, end)], "responses")
    assert (result.text, kinds(result), len(result.parts)) == (text, told, 1)


@pytest.mark.wire("D23", "G04")
def test_thoughts_are_told_once_too():
    tagged = ["<think>", "<think>Hm, so", "<think>Hm, so</think>", "<think>Hm, so</think>The"]
    result = said([*tagged, "<think>Hm, so</think>The cat"])
    assert (result.text, result.reasoning, kinds(result)) == ("The cat", "Hm, so", ["cumulative_text"])
    thoughts = ["Hm,", "Hm, well", "Hm, well, so"]
    texts = ["The", "The cat", "The cat sat"]
    result = fed(*({"reasoning_content": each} for each in thoughts), *({"content": each} for each in texts))
    assert (result.text, result.reasoning, kinds(result)) == ("The cat sat", "Hm, well, so", ["cumulative_text"])


@pytest.mark.wire("D20", "D23")
def test_each_answer_repeats_itself_on_its_own():
    adapter = ChatCompletionsAdapter()
    events = [
        event
        for pieces in zip(["The", "The cat", "The cat sat"], "abc", strict=True)
        for event in adapter.decode(
            {"choices": [{"index": index, "delta": {"content": piece}} for index, piece in enumerate(pieces)]}
        )
        or ()
    ]
    assert [event for event in events if getattr(event, "choice", 0) == 1] == [TextDelta(each, 1) for each in "abc"]
    assert events[-3] == TextRevised("The cat sat", choice=0)


def test_the_same_again_and_again_is_a_repetition_that_is_meant():
    pieces = ["It is. "] * 40 + ["It is. Or so", "It is. Or so they say", "It is. Or so they say."]
    assert said(pieces).text == "".join(pieces)


def test_what_each_piece_costs_does_not_grow_with_their_number():
    def pieces(count):
        whole = "".join(f"word{number} " for number in range(count))
        return [whole[: end + 1] for end, sign in enumerate(whole) if sign == " "]

    assert said(pieces(200)).text.endswith("word199 ")
    assert steps(lambda: said(pieces(400))) <= 2.3 * steps(lambda: said(pieces(200)))
