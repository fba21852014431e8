"""Tool calls put together from pieces, by slot."""

import pytest

from nbstream.assembly import Assembler
from nbstream.events import EndOfStream, ToolCallDelta
from nbstream.result import ToolCall


def collected(*deltas):
    assembler = Assembler(model="m", endpoint="localhost")
    for delta in deltas:
        assembler.feed(delta)
    return assembler.snapshot().tool_calls


def test_none():
    assert collected() == ()


def test_pieces_of_interleaved_calls():
    assert collected(
        ToolCallDelta(1, "b", "g"),
        ToolCallDelta(0, "a", "f"),
        ToolCallDelta(1, arguments='{"y"'),
        ToolCallDelta(0, arguments="{}"),
        ToolCallDelta(1, arguments=":2}"),
    ) == (ToolCall("a", "f", "{}"), ToolCall("b", "g", '{"y":2}'))


def test_repeated_ids_and_names_are_not_appended():
    assert collected(ToolCallDelta(0, "a", "f", "{"), ToolCallDelta(0, "a", "f", "}")) == (ToolCall("a", "f", "{}"),)


def test_slots_may_have_gaps():
    assert [call.id for call in collected(ToolCallDelta(7, "b"), ToolCallDelta(3, "a"))] == ["a", "b"]


def test_invalid_json_is_kept_as_it_came():
    assert collected(ToolCallDelta(0, "a", "f", '{"x":')) == (ToolCall("a", "f", '{"x":'),)


def test_a_read_call_can_still_grow():
    assembler = Assembler(model="m", endpoint="localhost")
    assembler.feed(ToolCallDelta(0, "a", "f", "{"))
    assert assembler.snapshot().tool_calls == (ToolCall("a", "f", "{"),)
    assembler.feed(ToolCallDelta(0, arguments="}"))
    assert assembler.snapshot().tool_calls == (ToolCall("a", "f", "{}"),)


@pytest.mark.wire("F15", "D23")
@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        (['{"city"', '{"city":"Par', '{"city":"Paris"}'], '{"city":"Paris"}'),
        (['{"city"', '{"city":"Par', '{"city":"Paris"', '{"city":"Paris"}'], '{"city":"Paris"}'),
        (['{"city":', '{"city":"Paris"}'], '{"city":"Paris"}'),
        (['{"a":', '{"a":1}', "}"], '{"a":{"a":1}}'),
        (['{"a":', '{"a":1', "}}"], '{"a":{"a":1}}'),
        (['"', '"" x'], '""" x'),
    ],
)
def test_arguments_each_piece_of_which_is_all_so_far(pieces, arguments):
    assembler = Assembler(model="m", endpoint="e")
    for piece in pieces:
        assembler.feed(ToolCallDelta(0, "c", "f", piece))
    assembler.feed(EndOfStream(marked=True))
    result = assembler.snapshot()
    assert [call.arguments for call in result.tool_calls] == [arguments]
    told = [warning.kind for warning in result.warnings if warning.kind == "cumulative_text"]
    assert bool(told) == (arguments != "".join(pieces))
