"""One answer, and several to one request: repetitions, tools called under another name, revisions."""

from itertools import pairwise

import pytest

from nbstream.assembly import Assembler
from nbstream.assembly.answer import Answer
from nbstream.errors import StalledError
from nbstream.events import (
    EndOfStream,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextRevised,
    ToolCallDelta,
    ToolCallRevised,
)
from nbstream.result import Choice, StreamResult, ToolCall

DONE, CLOSED = EndOfStream(marked=True), EndOfStream(marked=False)


def fed(*events, beginning=None):
    assembler = Assembler(model="m", endpoint="localhost:8000", beginning=beginning)
    for event in events:
        assembler.feed(event)
    return assembler.snapshot()


def kinds(result):
    return [warning.kind for warning in result.warnings]


# --- a last piece that repeats everything -----------------------------------------------------------------------------


def said(*pieces, last):
    """An answer whose last piece comes together with the finish reason."""
    return fed(*map(TextDelta, pieces), TextDelta(last, last=True), Finished("stop"), DONE)


@pytest.mark.wire("D23")
@pytest.mark.parametrize(
    ("pieces", "last", "text"),
    [
        pytest.param(["Hel", "lo"], "Hello", "Hello", id="everything again"),
        pytest.param(["Hel", "lo"], "Hello!", "Hello!", id="everything and a little more"),
        pytest.param(["Hel", "l"], "Hell", "HellHell", id="four characters"),
        pytest.param(["He", "llo"], "Hello", "Hello", id="five"),
        pytest.param(["aba", "ba"], "ababa", "ababaababa", id="two different ones"),
        pytest.param(["abc", "ab"], "abcab", "abcab", id="three"),
        pytest.param(["Hello"], "Hello", "HelloHello", id="after one piece"),
        pytest.param(["Hel", "lo"], "Hell", "HelloHell", id="less than everything"),
        pytest.param(["Hel", "lo"], " Hello", "Hello Hello", id="not from its beginning"),
        pytest.param(["Hel", "lo"], "hello", "Hellohello", id="in other letters"),
        pytest.param(["Hel", "lo", "Hello"], "HelloHello", "HelloHello", id="a repetition that is meant, repeated"),
        pytest.param(["é😀", "漢字!"], "é😀漢字!", "é😀漢字!", id="beyond ASCII"),
    ],
)
def test_a_repetition_is_dropped_if_it_can_be_nothing_else(pieces, last, text):
    result = said(*pieces, last=last)
    assert result.text == text
    assert kinds(result) == (["repeated_text"] if len(text) < len("".join(pieces)) + len(last) else [])


@pytest.mark.wire("D23")
@pytest.mark.parametrize(
    "events",
    [
        pytest.param([TextDelta("Hello"), Finished("stop")], id="before the reason"),
        pytest.param([Finished("stop"), TextDelta("Hello")], id="after the reason"),
        pytest.param([Finished("stop"), TextDelta("Hello", last=True), Finished("stop")], id="with a second reason"),
    ],
)
def test_only_the_piece_with_the_reason_can_be_a_repetition(events):
    result = fed(TextDelta("Hel"), TextDelta("lo"), *events, DONE)
    assert (result.text, kinds(result)) == ("HelloHello", [])


@pytest.mark.wire("D15", "D23")
def test_a_reason_on_every_piece_makes_none_of_them_the_last():
    pieces = ["Hello ", "Hello Hello ", "Hello Hello Hello "]
    events = [event for piece in pieces for event in (TextDelta(piece, last=True), Finished("stop"))]
    assert fed(*events, DONE).text == "".join(pieces)


@pytest.mark.wire("D23")
def test_each_answer_has_repetitions_of_its_own():
    result = fed(
        *(TextDelta(piece, choice) for piece in ("Hel", "lo") for choice in (0, 1)),
        TextDelta("Hello", 0, last=True),
        TextDelta("Hell", 1, last=True),
        Finished("stop", 0),
        Finished("stop", 1),
        DONE,
    )
    assert [choice.text for choice in result.choices] == ["Hello", "HelloHell"]
    assert kinds(result) == ["repeated_text"]


@pytest.mark.wire("D23")
def test_reasoning_said_before_is_no_part_of_what_is_repeated():
    result = fed(ReasoningDelta("Hm."), *map(TextDelta, ("Hel", "lo")), TextDelta("Hello", last=True), DONE)
    assert (result.text, result.reasoning) == ("Hello", "Hm.")


# --- why it ended -----------------------------------------------------------------------------------------------------

CALL = ToolCallDelta(0, "a", "f", "{}")


@pytest.mark.wire("D16", "D19")
@pytest.mark.parametrize(
    ("events", "reason"),
    [
        pytest.param([CALL, Finished("stop")], "tool_calls", id="stop, though it calls"),
        pytest.param([Finished("stop"), CALL], "tool_calls", id="said before the call"),
        pytest.param([CALL, Finished("tool_calls"), Finished("stop")], "tool_calls", id="both reasons"),
        pytest.param([CALL, Finished("length")], "length", id="cut in the call"),
        pytest.param([CALL, Finished("content_filter")], "content_filter", id="filtered"),
        pytest.param([CALL, Finished("quux")], "quux", id="in the server's own word"),
        pytest.param([TextDelta("Hi"), Finished("stop")], "stop", id="no call"),
        pytest.param([TextDelta("Hi"), Finished("length"), Finished("stop")], "stop", id="the last word counts"),
        pytest.param([CALL], None, id="none given"),
    ],
)
def test_calls_outrank_stop(events, reason):
    result = fed(*events, DONE)
    assert (result.finish_reason, result.state) == (reason, "completed")


@pytest.mark.wire("D19", "D20")
def test_a_call_of_one_answer_is_no_call_of_another():
    result = fed(TextDelta("Hi"), ToolCallDelta(0, "a", "f", choice=1), Finished("stop"), Finished("stop", 1), DONE)
    assert [choice.finish_reason for choice in result.choices] == ["stop", "tool_calls"]
    assert result.finish_reason == "stop"


# --- several answers --------------------------------------------------------------------------------------------------


@pytest.mark.wire("D20")
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_several_answers_in_any_order(order):
    events = [
        event
        for choice in order
        for event in (
            ReasoningDelta(f"r{choice}", choice),
            TextDelta(f"t{choice}", choice),
            RefusalDelta(f"n{choice}", choice),
            ToolCallDelta(0, f"id{choice}", "f", "{}", choice),
            Finished("tool_calls", choice),
        )
    ]
    result = fed(*events, DONE)
    assert result.choices == tuple(
        Choice(i, f"t{i}", "tool_calls", f"r{i}", f"n{i}", (ToolCall(f"id{i}", "f", "{}"),)) for i in range(3)
    )
    first = result.choices[0]
    assert (result.text, result.finish_reason, result.reasoning, result.refusal, result.tool_calls) == (
        first.text,
        first.finish_reason,
        first.reasoning,
        first.refusal,
        first.tool_calls,
    )


@pytest.mark.wire("D20")
def test_a_single_answer_has_no_choices_whatever_its_number():
    result = fed(TextDelta("Hi", 7), Finished("stop", 7), DONE)
    assert (result.text, result.finish_reason, result.choices) == ("Hi", "stop", ())


@pytest.mark.wire("D20")
@pytest.mark.parametrize(("order", "text"), [((2, 1, 0), "t0"), ((2, 1), "t1"), ((1,), "t1"), ((0, 1), "t0")])
def test_in_the_end_the_fields_are_of_the_lowest_number(order, text):
    result = fed(*(TextDelta(f"t{choice}", choice) for choice in order), DONE)
    assert result.text == text
    assert [choice.index for choice in result.choices] == (sorted(order) if len(order) > 1 else [])


@pytest.mark.wire("D20")
def test_what_is_shown_meanwhile_never_turns_into_another_answer():
    assembler = Assembler(model="m", endpoint="localhost:8000", choices=3)
    texts = []
    for event in (TextDelta("two", 2), TextDelta("one", 1), TextDelta("nought", 0), TextDelta("!", 2), DONE):
        assembler.feed(event)
        texts.append(assembler.snapshot().text)
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert texts[-1] == "nought"


@pytest.mark.wire("D20")
@pytest.mark.parametrize(
    ("end", "state", "kind"),
    [
        pytest.param([Finished("stop"), Finished("stop", 1), CLOSED], "completed", None, id="both finished"),
        pytest.param([Finished("stop"), CLOSED], "failed", "connection_lost", id="only one finished"),
        pytest.param([Finished("stop"), DONE], "completed", None, id="marked"),
        pytest.param([Finished("stop"), Finished("abort", 1), DONE], "failed", "server", id="one given up"),
    ],
)
def test_the_verdict_is_on_all_of_them(end, state, kind):
    result = fed(TextDelta("a"), TextDelta("b", 1), *end)
    assert (result.state, result.error and result.error.kind) == (state, kind)
    assert [choice.text for choice in result.choices] == ["a", "b"]


@pytest.mark.wire("D20")
@pytest.mark.parametrize("asked_for", [1, 2, 5])
@pytest.mark.parametrize("ended", [DONE, CLOSED, StalledError("silent")], ids=["marked", "closed", "silent"])
def test_a_server_that_gives_fewer_answers_has_finished_all_the_same(asked_for, ended):
    assembler = Assembler(model="m", endpoint="localhost:8000", choices=asked_for)
    assembler.feed(TextDelta("Hi"))
    assembler.feed(Finished("stop"))
    if isinstance(ended, StalledError):
        assembler.break_off(ended)
    else:
        assembler.feed(ended)
    result = assembler.snapshot()
    assert (result.text, result.state, result.error) == ("Hi", "completed", None)
    assert kinds(result) == (["fewer_answers"] if asked_for > 1 else [])


@pytest.mark.wire("D20")
@pytest.mark.parametrize("text", [[TextDelta("b", 1)], [TextDelta("b", 1), Finished("stop"), TextDelta("c")]])
def test_an_answer_that_has_begun_and_not_ended_is_lost(text):
    assembler = Assembler(model="m", endpoint="localhost:8000", choices=3)
    for event in (TextDelta("a"), Finished("stop"), *text, CLOSED):
        assembler.feed(event)
    error = assembler.snapshot().error
    assert error is not None
    assert error.kind == "connection_lost"


@pytest.mark.wire("D20", "I01")
def test_every_answer_is_closed():
    assembler = Assembler(model="m", endpoint="localhost:8000")
    for choice in (0, 1):
        assembler.feed(TextDelta("Hi \ud83d", choice))
    assembler.fail(StalledError("silent"))
    assert [choice.text for choice in assembler.snapshot().choices] == ["Hi \ufffd", "Hi \ufffd"]


# --- revisions --------------------------------------------------------------------------------------------------------


@pytest.mark.wire("H15")
def test_a_revision_takes_the_place_of_the_text_and_more_can_follow():
    result = fed(TextDelta("Hullo"), TextRevised("Hello"), TextDelta("!"), Finished("stop"), DONE)
    assert (result.text, result.reasoning) == ("Hello!", "")


@pytest.mark.wire("H15")
@pytest.mark.parametrize("text", ["", "\ud83d\ude00", "a\ud83d", "<b>"])
def test_a_revision_is_as_fit_to_be_encoded_as_any_text(text):
    answer = Answer()
    answer.add_text(TextDelta("Hi \ud83d"))
    answer.revise_text(text)
    answer.close()
    assert answer.value(0).text == text.replace("\ud83d\ude00", "😀").replace("a\ud83d", "a\ufffd")


@pytest.mark.wire("H15", "G04")
def test_a_revision_has_its_tags_taken_out_too():
    result = fed(TextDelta("Hullo"), TextRevised("<think>Hm.</think>Hello"), Finished("stop"), DONE)
    assert (result.text, result.reasoning) == ("Hello", "Hm.")


@pytest.mark.wire("H15", "G04")
def test_a_revision_does_not_say_again_what_was_thought():
    answer = Answer()
    answer.add_text(TextDelta("<think>Hm.</think>Hullo"))
    answer.revise_text("<think>Hm.</think>Hello")
    answer.close()
    assert (answer.value(0).text, answer.value(0).reasoning) == ("Hello", "Hm.")


@pytest.mark.wire("H15", "G04")
def test_a_revision_leaves_reasoning_alone_that_came_apart():
    answer = Answer()
    answer.add_reasoning("Hm.")
    answer.add_text(TextDelta("A </think> cluses."))
    answer.revise_text("A </think> closes.")
    answer.close()
    assert (answer.value(0).text, answer.value(0).reasoning) == ("A </think> closes.", "Hm.")


@pytest.mark.wire("H16")
def test_revised_arguments_take_the_place_of_the_pieces():
    call = ToolCallDelta(0, "a", "f", '{"x":')
    result = fed(call, ToolCallRevised(0, '{"x":1}'), ToolCallRevised(5, "{}"), Finished("stop"), DONE)
    assert result.tool_calls == (ToolCall("a", "f", '{"x":1}'),)


# --- what is there already --------------------------------------------------------------------------------------------

BEGUN = StreamResult(
    text="Hel",
    reasoning="Hm. ",
    refusal="N",
    tool_calls=(ToolCall("a", "f", '{"x":'),),
    annotations=({"type": "url_citation"},),
    logprobs=({"token": "Hel"},),
    response_id="r1",
)


@pytest.mark.wire("H21")
def test_what_is_there_already_is_gone_on_with():
    result = fed(
        TextDelta("lo"),
        ReasoningDelta("Well."),
        RefusalDelta("o"),
        ToolCallDelta(0, arguments="1}"),
        Finished("stop"),
        DONE,
        beginning=BEGUN,
    )
    assert (result.text, result.reasoning, result.refusal) == ("Hello", "Hm. Well.", "No")
    assert result.tool_calls == (ToolCall("a", "f", '{"x":1}'),)
    assert (result.annotations, result.logprobs, result.response_id) == (BEGUN.annotations, BEGUN.logprobs, "r1")


@pytest.mark.wire("H21")
def test_what_is_there_already_is_shown_at_once_and_is_no_content_yet():
    assembler = Assembler(model="m", endpoint="localhost:8000", beginning=BEGUN)
    assert (assembler.snapshot().text, assembler.snapshot().state) == ("Hel", "pending")
    assert not assembler.has_content
    assembler.fail(StalledError("silent"))
    assert assembler.snapshot().text == "Hel"
    assert "3 characters" in str(assembler.snapshot().error)


@pytest.mark.wire("H21", "G04")
def test_a_tag_in_the_rest_of_an_answer_is_text():
    rest = fed(TextDelta("<think> is a tag."), DONE, beginning=StreamResult(text="So: "))
    assert (rest.text, rest.reasoning) == ("So: <think> is a tag.", "")
    begun_in_thought = fed(TextDelta("ll.</think>Yes"), DONE, beginning=StreamResult(reasoning="We"))
    assert (begun_in_thought.text, begun_in_thought.reasoning) == ("Yes", "Well.")


def test_half_a_character_at_the_end_of_a_beginning_that_nothing_follows():
    assembler = Assembler(model="m", endpoint="localhost:8000", beginning=StreamResult("Hi \ud83d"))
    assembler.cancel()
    assert assembler.snapshot().text == "Hi \ufffd"
