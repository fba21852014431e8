"""Parts while they grow: what continues what was there, what a snapshot costs, and other threads that read."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.assembly import Assembler
from nbstream.events import (
    ActivityReported,
    Annotated,
    EndOfStream,
    Finished,
    MediaDelta,
    PartEnded,
    PartStarted,
    ReasoningDelta,
    TextDelta,
    TextRevised,
    ToolCallDelta,
    ToolCallEnded,
)
from nbstream.result import ActivityPart, Citation, MediaPart, ReasoningPart, StreamResult, TextPart, ToolCallPart
from nbstream.transport.responses import ResponsesAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbstream.events import Event
    from nbstream.result import Part


END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]


def assembled(events: Iterable[Event], **options: Any) -> Assembler:
    assembler = Assembler(model="m", endpoint="localhost:8000", **options)
    for event in events:
        assembler.feed(event)
    return assembler


# --- what was there already -------------------------------------------------------------------------------------------

BEGUN = StreamResult(
    parts=(
        ReasoningPart("a", "m1", 0),
        TextPart("X\n", "m1", 0),
        ReasoningPart("b", "m1", 0),
        TextPart("Y", "m1", 0),
        ToolCallPart("c1", "f", "{", 0, "f1"),
        ActivityPart("code_interpreter_call", "in_progress", "1 +", {}, "i1"),
        MediaPart("image", b"blurred", "image/png", None, "g1"),
    )
)


def test_a_stream_that_is_taken_up_again_goes_on_with_its_parts() -> None:
    events: list[Event] = [
        PartStarted(0, "text", "m1", 0),
        TextDelta("Z"),
        ToolCallDelta(0, arguments="}"),
        ActivityReported("i1", "code_interpreter_call", input=" 1", item_id="i1"),
        MediaDelta("g1", "image", b"sharp", item_id="g1", replaces=True),
    ]
    parts = assembled(events, beginning=BEGUN, resumed=True).snapshot().parts
    assert parts == (
        *BEGUN.parts[:3],
        TextPart("YZ", "m1", 0, open=True),
        ToolCallPart("c1", "f", "{}", 0, "f1", open=True),
        ActivityPart("code_interpreter_call", "in_progress", "1 + 1", {}, "i1", open=True),
        MediaPart("image", b"sharp", "image/png", None, "g1", open=True, partial=True),
    )
    ends: list[Event] = [
        PartEnded(0),
        ToolCallEnded(0),
        ActivityReported("i1", "code_interpreter_call", "completed", item_id="i1", last=True),
        MediaDelta("g1", "image", item_id="g1", last=True),
    ]
    assembler = assembled([*events, *ends], beginning=BEGUN, resumed=True)
    assert [part for part in assembler.snapshot().parts if part.open] == []


def test_a_revision_after_that_is_of_the_whole_part() -> None:
    events: list[Event] = [PartStarted(0, "text", "m1", 0), TextRevised("New", 0)]
    parts = assembled(events, beginning=BEGUN, resumed=True).snapshot().parts
    assert parts == (TextPart("New", "m1", 0, open=parts[0].open), *BEGUN.parts[4:])


def test_what_a_server_did_not_know_stays_as_it_was() -> None:
    events: list[Event] = [
        PartStarted(0, "text", "m1", 0),
        TextDelta("Z"),
        ActivityReported("i1", "code_interpreter_call", input="2", item_id="i1"),
        MediaDelta("g1", "image", b"other", item_id="g1"),
        Annotated({}, None, 0, 1),
    ]
    parts = assembled(events, beginning=BEGUN).snapshot().parts
    assert parts == (
        *BEGUN.parts,
        TextPart("Z", "m1", 0, (Citation({}, 0, 1),), open=True),
        ActivityPart("code_interpreter_call", None, "2", {}, "i1", open=True),
        MediaPart("image", b"other", None, None, "g1", open=True),
    )


def test_a_revision_is_announced_to_a_stream_that_is_taken_up_again() -> None:
    def decoded(adapter: ResponsesAdapter, *payloads: dict[str, Any]) -> list[Event]:
        return [event for payload in payloads for event in adapter.decode(payload) or ()]

    place = {"item_id": "m1", "output_index": 0, "content_index": 0}
    other = {**place, "item_id": "m2", "output_index": 1}
    adapter, delta = ResponsesAdapter(), "response.output_text.delta"
    first = assembled(
        decoded(adapter, {"type": delta, **place, "delta": "Hullo"}, {"type": delta, **other, "delta": "th"})
    )
    first.cancel()
    events = decoded(
        adapter.resumed(),
        {"type": "response.output_text.done", **place, "text": "Hello"},
        {"type": delta, **other, "delta": "ere"},
    )
    assert assembled(events, beginning=first.snapshot(), resumed=True).snapshot().text == "Hello\n\nthere"


# --- what it costs ----------------------------------------------------------------------------------------------------


def instructions(work: Callable[[], object]) -> int:
    """How many bytecode instructions the work takes: the same in every run, unlike seconds."""
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def many_calls(count: int) -> list[Event]:
    return [
        event
        for index in range(count)
        for event in (
            ToolCallDelta(index, f"c{index}", "f"),
            ToolCallDelta(index, arguments="{}"),
            ToolCallEnded(index),
        )
    ]


def calls_without_slots(count: int) -> list[Event]:
    return [ToolCallDelta(None, f"c{index}", "f", "{}") for index in range(count)]


def alternating(count: int) -> list[Event]:
    return [event for _ in range(count) for event in (ReasoningDelta("r"), TextDelta("t"))]


def activities(count: int) -> list[Event]:
    return [
        ActivityReported(index, "web_search_call", status)
        for index in range(count)
        for status in ("in_progress", "searching")
    ]


def citations(count: int) -> list[Event]:
    return [
        event
        for index in range(count)
        for event in (ReasoningDelta("r"), TextDelta("t"), Annotated({}, None, index, index + 1))
    ]


def citations_ahead(count: int) -> list[Event]:
    ahead: list[Event] = [Annotated({}, None, index, index + 1) for index in range(count)]
    return [*ahead, *(event for _ in range(count) for event in (ReasoningDelta("r"), TextDelta("t"))), *END]


def revisions(count: int) -> list[Event]:
    return [
        event
        for index in range(count)
        for event in (PartStarted(index, "text"), TextDelta("t"), TextRevised("T", index), PartEnded(index))
    ]


@pytest.mark.parametrize(
    "events",
    [many_calls, calls_without_slots, alternating, activities, citations, citations_ahead, revisions],
    ids=lambda made: made.__name__,
)
def test_four_times_as_many_parts_cost_four_times_as_much(events: Callable[[int], list[Event]]) -> None:
    small, large = events(150), events(600)
    ratio = instructions(lambda: assembled(large).snapshot()) / instructions(lambda: assembled(small).snapshot())
    assert ratio < 5, f"four times as many parts cost {ratio:.1f} times as much"


def test_a_part_that_is_closed_is_made_once() -> None:
    assembler = assembled([ReasoningDelta("r"), TextDelta("t" * 5000), ToolCallDelta(0, "c", "f", "{}")])
    first, second = assembler.snapshot().parts, assembler.snapshot().parts
    assert [part.open for part in first] == [False, False, True]
    assert [one is other for one, other in zip(first, second, strict=True)] == [True, True, False]
    assembler.feed(Annotated({}))
    reasoning, text, _ = assembler.snapshot().parts
    assert reasoning is first[0]
    assert text == TextPart("t" * 5000, citations=(Citation({}),))


CALL = ToolCallDelta(0, "c", "f", "{}")


@pytest.mark.parametrize(
    ("events", "cited"),
    [
        ([TextDelta("Hello "), Annotated({}, None, 6, 11), CALL, TextDelta("world")], [(), (Citation({}, 0, 5),)]),
        ([Annotated({}, None, 6, 11), TextDelta("Hello "), CALL, TextDelta("world")], [(), (Citation({}, 0, 5),)]),
        ([Annotated({}, None, 6, 11), TextDelta("Hello "), TextDelta("world")], [(Citation({}, 6, 11),)]),
        ([TextDelta("Hello"), CALL, Annotated({}, None, 9, 11), TextDelta("!")], [(Citation({}, 9, 11),), ()]),
        ([Annotated({}, None, 6, 11), CALL], [(Citation({}, 6, 11),)]),
    ],
)
def test_a_citation_that_comes_before_its_text_belongs_to_it(events: list[Event], cited: list[Any]) -> None:
    parts = assembled([*events, *END]).snapshot().parts
    assert [part.citations for part in parts if isinstance(part, TextPart)] == cited


def test_the_parts_of_a_result_are_those_of_its_choices() -> None:
    events: list[Event] = [
        TextDelta("a"),
        TextDelta("b", 1),
        Finished("stop"),
        Finished("stop", 1),
        EndOfStream(marked=True),
    ]
    result = assembled(events).snapshot()
    assert result.choices[0].parts[0] is result.parts[0]


def test_what_was_said_is_held_once() -> None:
    text = "".join(chr(97 + index % 26) for index in range(4096))
    assembler = assembled([*map(TextDelta, text), ReasoningDelta("r")])
    first, second = assembler.snapshot(), assembler.snapshot()
    assert first.text == text
    assert second.text is first.text


# --- other threads ----------------------------------------------------------------------------------------------------


def test_a_medium_loses_nothing_when_it_is_read_while_it_grows() -> None:
    assembler, pieces = assembled([]), [bytes([index % 256]) * 3 for index in range(20_000)]
    whole, stop = b"".join(pieces), threading.Event()
    wrong: list[Part] = []

    def read() -> None:
        while not stop.is_set():
            parts = assembler.snapshot().parts
            wrong.extend(part for part in parts if not isinstance(part, MediaPart) or not whole.startswith(part.data))

    readers = [threading.Thread(target=read) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for reader in readers:
            reader.start()
        for piece in pieces:
            assembler.feed(MediaDelta("a", "audio", piece))
    finally:
        stop.set()
        for reader in readers:
            reader.join()
        sys.setswitchinterval(interval)
    assert wrong == []
    assert assembler.snapshot().parts == (MediaPart("audio", whole, open=True),)


def test_parts_are_read_while_they_begin_go_on_and_end() -> None:
    assembler, stop = assembled([]), threading.Event()
    wrong: list[tuple[Part, ...]] = []

    def read() -> None:
        before: tuple[Part, ...] = ()
        while not stop.is_set():
            parts = assembler.snapshot().parts
            kept = parts[: len(before)]
            if len(kept) < len(before) or any(old.type != new.type for old, new in zip(before, kept, strict=True)):
                wrong.append(parts)
            if any(isinstance(part, TextPart) and "textextext".find(part.text) < 0 for part in parts):
                wrong.append(parts)
            before = parts

    readers = [threading.Thread(target=read) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for reader in readers:
            reader.start()
        for index in range(1_000):
            for event in (
                TextDelta("tex"),
                TextDelta("text"),
                ReasoningDelta("r"),
                ToolCallDelta(index, "c", "f", "{}"),
            ):
                assembler.feed(event)
            assembler.feed(ToolCallEnded(index))
    finally:
        stop.set()
        for reader in readers:
            reader.join()
        sys.setswitchinterval(interval)
    assert wrong == []
    assert [part.text for part in assembler.snapshot().parts if isinstance(part, TextPart)] == ["textext"] * 1_000
