"""The Responses API between two events: what the table cannot say, because it sees only the end."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.assembly import Assembler
from nbstream.events import Event, TextDelta, TextRevised, ToolCallRevised, Warned
from nbstream.request import Endpoint
from nbstream.result import ActivityPart, MediaPart
from nbstream.transport.responses import ResponsesAdapter
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.result import StreamResult

Payload = dict[str, Any]

KNOWN_TYPES = [
    *(f"response.{name}" for name in ("created", "queued", "in_progress", "completed", "failed", "incomplete")),
    *(f"response.output_item.{verb}" for verb in ("added", "done")),
    *(f"response.content_part.{verb}" for verb in ("added", "done")),
    *(f"response.reasoning_summary_part.{verb}" for verb in ("added", "done")),
    *(
        f"response.{subject}.{verb}"
        for subject in (
            "output_text",
            "refusal",
            "reasoning_text",
            "reasoning_summary_text",
            "function_call_arguments",
            "custom_tool_call_input",
            "mcp_call_arguments",
            "code_interpreter_call_code",
            "shell_call_output_content",
            "audio",
            "audio.transcript",
        )
        for verb in ("delta", "done")
    ),
    *(f"response.mcp_call.{verb}" for verb in ("in_progress", "completed", "failed")),
    *(f"response.web_search_call.{verb}" for verb in ("in_progress", "searching", "completed")),
    *(f"response.image_generation_call.{verb}" for verb in ("in_progress", "generating", "partial_image", "completed")),
    "response.output_text.annotation.added",
    "response.compaction.compacting",
    "error",
]


def event(kind: str, **fields: Any) -> Payload:
    return {"type": f"response.{kind}", **fields}


def delta(text: str, item: str = "m1", output: int = 0, part: int = 0, **more: Any) -> Payload:
    place = {"item_id": item, "output_index": output, "content_index": part}
    return event("output_text.delta", **place, delta=text, **more)


def done(text: str, item: str = "m1", output: int = 0, part: int = 0) -> Payload:
    return event("output_text.done", item_id=item, output_index=output, content_index=part, text=text)


def message(text: str, item: str = "m1") -> Payload:
    return {"id": item, "type": "message", "content": [{"type": "output_text", "text": text, "annotations": []}]}


def call(arguments: str = "") -> Payload:
    return {"id": "fc1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": arguments}


COMPLETED = event("completed", response={"id": "r1", "status": "completed", "output": []})


def body(*payloads: Payload) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(payload).encode() for payload in payloads)


class Stream:
    """A decoder and an assembler, fed one wire event at a time."""

    def __init__(self) -> None:
        self.adapter = ResponsesAdapter()
        self.decoder = WireDecoder(self.adapter, Endpoint("http://localhost:8000/v1"))
        self.assembler = Assembler(model="asked", endpoint="localhost:8000")
        self.events: list[Event] = []

    def feed(self, *payloads: Payload) -> StreamResult:
        for made in self.decoder.feed(body(*payloads)):
            self.events.append(made)
            self.assembler.feed(made)
        return self.assembler.snapshot()

    def texts(self, payloads: Iterable[Payload]) -> list[str]:
        """The answer after each wire event."""
        return [self.feed(payload).text for payload in payloads]

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(made, kind) for made in self.events)


@pytest.fixture
def stream() -> Stream:
    return Stream()


# --- events that nobody expects ---------------------------------------------------------------------------------------

ODD: list[Any] = [
    None,
    7,
    True,
    "x",
    "",
    [],
    ["x"],
    [None],
    {},
    {"type": 7},
    {"content": 7},
    {"output": [None]},
    {"id": []},
]
FIELDS = ["delta", "text", "item", "part", "response", "arguments", "annotation", "item_id", "output_index", "error"]


@pytest.mark.wire("H01")
@pytest.mark.parametrize("kind", KNOWN_TYPES)
def test_no_field_of_any_event_can_be_so_odd_that_decoding_fails(kind: str) -> None:
    assert isinstance(ResponsesAdapter().decode({"type": kind}), list)
    for odd in ODD:
        assert isinstance(ResponsesAdapter().decode({"type": kind, **dict.fromkeys(FIELDS, odd)}), list)
        for field in FIELDS:
            assert isinstance(ResponsesAdapter().decode({"type": kind, field: odd}), list)


@pytest.mark.wire("H01")
def test_odd_events_leave_no_trace_in_the_answer(stream: Stream) -> None:
    quiet = [
        kind for kind in KNOWN_TYPES if kind != "error" and kind.rpartition(".")[2] not in {"failed", "incomplete"}
    ]
    stream.feed(delta("Hel"))
    odd_values: list[Any] = [None, 7, []]
    for kind, odd in itertools.product(quiet, odd_values):
        if kind != "response.completed":
            stream.feed({"type": kind, **dict.fromkeys(FIELDS[:-1], odd)})
    result = stream.feed(delta("lo"), COMPLETED)
    assert (result.text, result.reasoning, result.refusal, result.annotations) == ("Hello", "", "", ())
    assert [warning.kind for warning in result.warnings] == []


@pytest.mark.wire("H02")
def test_the_other_api_is_mentioned_once(stream: Stream) -> None:
    chunk = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hi "}, "finish_reason": None}]}
    assert stream.texts([chunk, chunk, chunk]) == ["Hi ", "Hi Hi ", "Hi Hi Hi "]
    assert stream.count(Warned) == 1


# --- when an answer is over -------------------------------------------------------------------------------------------


@pytest.mark.wire("H03", "H04", "H08")
@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_reading_ends_with_the_last_event_not_with_the_bytes(kind: str, stream: Stream) -> None:
    stream.feed(delta("Hello"), done("Hello"), event("output_item.done", output_index=0, item=message("Hello")))
    assert not stream.decoder.ended
    stream.feed(event(kind, response={"id": "r1", "output": []}))
    assert stream.decoder.ended


# --- what the whole adds to the pieces --------------------------------------------------------------------------------


@pytest.mark.wire("H15")
def test_the_final_wording_takes_the_place_of_the_pieces_when_it_comes(stream: Stream) -> None:
    wire = [delta("Hel"), delta("lo"), done("Good day"), COMPLETED]
    assert stream.texts(wire) == ["Hel", "Hello", "Good day", "Good day"]


@pytest.mark.wire("H15")
def test_a_longer_final_wording_is_only_added_to(stream: Stream) -> None:
    assert stream.texts([delta("Hel"), done("Hello")]) == ["Hel", "Hello"]
    assert stream.count(TextRevised) == 0, "nothing that was shown has changed"


@pytest.mark.wire("H15", "H08")
def test_an_answer_said_four_times_over_is_revised_never(stream: Stream) -> None:
    part = {"type": "output_text", "text": "Hello", "annotations": []}
    stream.feed(
        delta("Hel"),
        delta("lo"),
        done("Hello"),
        event("content_part.done", item_id="m1", output_index=0, content_index=0, part=part),
        event("output_item.done", output_index=0, item=message("Hello")),
        event("completed", response={"id": "r1", "output": [message("Hello")]}),
    )
    assert stream.count(TextRevised) == 0
    assert stream.count(TextDelta) == 2
    assert stream.assembler.snapshot().text == "Hello"


@pytest.mark.wire("H16")
def test_arguments_said_three_times_over_are_revised_only_if_they_differ(stream: Stream) -> None:
    place = {"item_id": "fc1", "output_index": 0}
    stream.feed(
        event("output_item.added", output_index=0, item=call()),
        event("function_call_arguments.delta", **place, delta='{"x":1}'),
        event("function_call_arguments.done", **place, arguments='{"x":1}'),
        event("output_item.done", output_index=0, item=call('{"x":1}')),
    )
    assert stream.count(ToolCallRevised) == 0
    result = stream.feed(event("completed", response={"output": [call('{"x":2}')]}))
    assert stream.count(ToolCallRevised) == 1
    assert [made.arguments for made in result.tool_calls] == ['{"x":2}']


@pytest.mark.wire("H17")
def test_the_break_between_items_comes_with_the_second_ones_text(stream: Stream) -> None:
    second = {"id": "m2", "type": "message", "content": []}
    wire = [
        delta("One"),
        event("output_item.added", output_index=1, item=second),
        delta("Two", "m2", 1),
        delta("!", "m2", 1),
    ]
    assert stream.texts(wire) == ["One", "One", "One\n\nTwo", "One\n\nTwo!"]


@pytest.mark.wire("H17", "H12")
def test_items_that_come_interleaved_end_in_the_order_in_which_they_began(stream: Stream) -> None:
    wire = [delta("One"), delta("Two", "m2", 1), delta(" more"), delta(" more", "m2", 1)]
    stream.texts(wire)
    assert stream.feed(COMPLETED).text == "One more\n\nTwo more"


# --- numbers, ids and what is not kept --------------------------------------------------------------------------------


@pytest.mark.wire("H14")
def test_numbers_matter_only_to_an_answer_that_is_gone_on_with(stream: Stream) -> None:
    assert stream.texts([delta("a", sequence_number=1), delta("b", sequence_number=1), delta("c", sequence_number=0)])
    assert stream.assembler.snapshot().text == "abc"
    again = Stream()
    again.feed(delta("a", sequence_number=1), delta("b", sequence_number=2))
    assert again.adapter.sequence_number == 2
    again.adapter.replayed_to = again.adapter.sequence_number
    repeated = [delta("a", sequence_number=1), delta("b", sequence_number=2), delta("c", sequence_number=3)]
    assert again.texts(repeated) == ["ab", "ab", "abc"]
    assert again.texts([delta("d"), delta("e", sequence_number=4)]) == ["abcd", "abcde"]


@pytest.mark.wire("H13")
def test_the_id_is_always_the_latest(stream: Stream) -> None:
    created = [event("created", response={"id": "r1"}), delta("Hel"), event("in_progress", response={"id": "r2"})]
    assert [stream.feed(payload).response_id for payload in created] == ["r1", "r1", "r2"]


@pytest.mark.wire("H19")
def test_of_an_image_in_the_making_the_last_preview_is_kept(stream: Stream) -> None:
    image = event("image_generation_call.partial_image", item_id="ig1", partial_image_b64="A" * 200_000)
    tracemalloc.start()
    try:
        for number in range(20):
            stream.feed({**image, "partial_image_index": number})
            stream.events.clear()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 3 * 200_000
    parts = stream.assembler.snapshot().parts
    assert [type(part) for part in parts] == [ActivityPart, MediaPart]
    assert [len(part.data) for part in parts if isinstance(part, MediaPart)] == [150_000]
    assert stream.assembler.snapshot().warnings == ()
