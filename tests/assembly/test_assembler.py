"""Events into a result, and the verdict on how a stream ended."""

import random

import pytest

from nbstream.assembly import Assembler
from nbstream.assembly.state import IllegalTransitionError
from nbstream.errors import ConnectionLostError, EmptyAnswerError, ServerError, StalledError
from nbstream.events import (
    EndOfStream,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from nbstream.result import StreamResult, StreamState, Timing, ToolCall, Usage

DONE, CLOSED = EndOfStream(marked=True), EndOfStream(marked=False)
USAGE = Usage(8, 5, 13)


def fed(*events):
    assembler = Assembler(model="asked", endpoint="localhost:8000")
    for event in events:
        assembler.feed(event)
    return assembler


def test_nothing_yet():
    assert fed().snapshot() == StreamResult(state=StreamState.PENDING, model="asked")


def test_a_whole_answer():
    timing = Timing(0.1, 0.5, 12.5)
    assembler = fed(
        Started("m-1", "r1"),
        ReasoningDelta("Hm. "),
        ReasoningDelta("Well."),
        TextDelta("Hel"),
        TextDelta("lo"),
        ToolCallDelta(0, "a", "f", "{}"),
        Finished("stop"),
        UsageReported(USAGE),
        DONE,
    )
    assert assembler.snapshot(timing=timing, request_id="req_1") == StreamResult(
        text="Hello",
        state=StreamState.COMPLETED,
        finish_reason="tool_calls",
        usage=USAGE,
        model="m-1",
        request_id="req_1",
        response_id="r1",
        reasoning="Hm. Well.",
        tool_calls=(ToolCall("a", "f", "{}"),),
        timing=timing,
    )


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        pytest.param((Finished("stop"), DONE), "completed", id="reason and mark"),
        pytest.param((Finished("stop"), CLOSED), "completed", id="reason without mark"),
        pytest.param((DONE,), "completed", id="mark without reason"),
        pytest.param((CLOSED,), "failed", id="neither"),
        pytest.param((Failed("boom"),), "failed", id="error"),
        pytest.param((Finished("error"), Failed("boom")), "failed", id="error after a reason"),
    ],
)
def test_the_verdict_keeps_the_text(ending, state):
    snapshot = fed(TextDelta("Hi"), *ending).snapshot()
    assert (snapshot.text, snapshot.state) == ("Hi", state)
    assert (snapshot.error is None) == (state == "completed")


def test_a_lost_connection_says_how_much_came():
    error = fed(TextDelta("x" * 1234), CLOSED).snapshot().error
    assert isinstance(error, ConnectionLostError)
    assert "localhost:8000 closed the connection in the middle of the answer." in error.message
    assert "What had arrived (1,234 characters) is kept" in error.message


def test_a_connection_that_closed_without_a_word_says_so():
    error = fed(CLOSED).snapshot().error
    assert isinstance(error, EmptyAnswerError)
    assert "localhost:8000 ended the response without an answer" in error.message


def test_a_server_error_is_told_in_one_line():
    error = fed(Failed("first\nsecond " + "long " * 200, "busy")).snapshot().error
    assert isinstance(error, ServerError)
    assert error.code == "busy"
    assert "first second long" in error.message
    assert "\n" not in error.message
    assert len(error.message) < 420


def test_the_last_word_counts():
    snapshot = fed(
        Started("a", "1"),
        UsageReported(Usage(1, 1, 2)),
        Finished("stop"),
        TextDelta("late"),
        Started(None, "2"),
        Finished("length"),
        UsageReported(USAGE),
        DONE,
    ).snapshot()
    assert (snapshot.model, snapshot.response_id) == ("a", "2")
    assert (snapshot.finish_reason, snapshot.usage, snapshot.text) == ("length", USAGE, "late")


@pytest.mark.parametrize("event", [TextDelta("a"), ReasoningDelta("a"), RefusalDelta("a"), ToolCallDelta(0)])
def test_content_is_what_a_reader_waits_for(event):
    assembler = fed(Started("m"), UsageReported(USAGE))
    assert (assembler.state, assembler.has_content) == ("streaming", False)
    assembler.feed(event)
    assert assembler.has_content


def test_refusals_are_kept_apart():
    snapshot = fed(RefusalDelta("N"), RefusalDelta("o"), DONE).snapshot()
    assert (snapshot.text, snapshot.refusal) == ("", "No")


EVENTS = [
    Started("m"),
    TextDelta("late"),
    ReasoningDelta("late"),
    RefusalDelta("late"),
    ToolCallDelta(0, "late"),
    UsageReported(USAGE),
    Finished("late"),
    Failed("late"),
    DONE,
    CLOSED,
]


def _fail(assembler):
    assembler.fail(StalledError("late"))


@pytest.mark.parametrize("end", [DONE, Failed("boom"), "cancel"])
@pytest.mark.parametrize("late", [*EVENTS, Assembler.cancel, _fail])
def test_nothing_changes_after_the_end(end, late):
    assembler = fed(TextDelta("Hi"))
    if end == "cancel":
        assembler.cancel()
    else:
        assembler.feed(end)
    before = assembler.snapshot()
    with pytest.raises(IllegalTransitionError):
        late(assembler) if callable(late) else assembler.feed(late)
    assert assembler.snapshot() == before


@pytest.mark.parametrize("events", [(), (TextDelta("Hi"),), (TextDelta("Hi"), Finished("stop"))])
def test_cancelling_and_failing_keep_what_came(events):
    cancelled, failed = fed(*events), fed(*events)
    cancelled.cancel()
    error = StalledError("silent")
    failed.fail(error)
    text = "Hi" if events else ""
    assert (cancelled.snapshot().text, cancelled.snapshot().state, cancelled.snapshot().error) == (
        text,
        "cancelled",
        None,
    )
    assert (failed.snapshot().text, failed.snapshot().state, failed.snapshot().error) == (text, "failed", error)


def test_half_a_character_at_the_end_is_replaced():
    assembler = fed(TextDelta("Hi \ud83d"))
    assert assembler.snapshot().text == "Hi "
    assembler.cancel()
    assert assembler.snapshot().text == "Hi \ufffd"


def test_interleaved_streams_do_not_mix():
    generator = random.Random(5)
    answers: list[list[Event]] = [
        [*(TextDelta(f"{n}.{i} ") for i in range(50)), ToolCallDelta(0, f"id{n}"), DONE] for n in range(5)
    ]
    assemblers = [Assembler(model=f"m{n}", endpoint="e") for n in range(5)]
    remaining = [iter(answer) for answer in answers]
    turns = [n for n, answer in enumerate(answers) for _ in answer]
    generator.shuffle(turns)
    for n in turns:
        assemblers[n].feed(next(remaining[n]))
    for n, assembler in enumerate(assemblers):
        snapshot = assembler.snapshot()
        assert snapshot.text == "".join(f"{n}.{i} " for i in range(50))
        assert (snapshot.model, snapshot.tool_calls[0].id, snapshot.state) == (f"m{n}", f"id{n}", "completed")


def test_a_snapshot_is_not_changed_by_what_follows():
    assembler = fed(TextDelta("a"))
    snapshot = assembler.snapshot()
    assembler.feed(TextDelta("b"))
    assert (snapshot.text, assembler.snapshot().text) == ("a", "ab")


def test_answer_whose_end_was_announced_is_complete_however_the_connection_ends():
    assembler = Assembler(model="m", endpoint="localhost")
    assembler.feed(TextDelta("whole"))
    assembler.feed(Finished("stop"))
    assembler.break_off(ConnectionLostError("cut"))
    assert assembler.snapshot().state is StreamState.COMPLETED
    assert assembler.snapshot().error is None


def test_answer_without_an_announced_end_fails_when_the_connection_ends():
    assembler = Assembler(model="m", endpoint="localhost")
    assembler.feed(TextDelta("half"))
    assembler.break_off(ConnectionLostError("cut"))
    assert assembler.snapshot().state is StreamState.FAILED
    assert assembler.snapshot().text == "half"


def test_reason_on_every_chunk_announces_nothing():
    assembler = Assembler(model="m", endpoint="localhost")
    for word in ("one ", "two "):
        assembler.feed(TextDelta(word))
        assembler.feed(Finished("stop"))
    assembler.break_off(ConnectionLostError("cut"))
    assert assembler.snapshot().state is StreamState.FAILED


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("quota", "Check your plan and billing."),
        ("context_length", "Shorten the prompt, lower max_tokens, or use a model with a longer context."),
        ("authentication", "Check the key (OPENAI_API_KEY or nbs.configure(api_key=…)) and that it belongs to this"),
        ("not_found", "Check the model's name (asked)."),
        ("server", ""),
    ],
)
def test_a_report_within_the_stream_comes_with_advice(kind, advice):
    error = fed(Failed("No", kind=kind)).error
    assert str(error).startswith(f"localhost:8000 reported an error: No. {advice}".rstrip())
    assert bool(error.remedies) is bool(advice)
