"""Reading a stream piece by piece: from threads and event loops, from the beginning, at any pace."""

import asyncio
import threading
import tracemalloc

import pytest

import nbstream as nbs
from nbstream.errors import ConnectionLostError, StopWhenError, StreamError, UsageError
from nbstream.events import EndOfStream, Event, Failed, Finished, ReasoningDelta, Started, TextDelta, ToolCallDelta
from nbstream.streaming.event_log import EventLog
from nbstream.streaming.stopping import StopCondition
from nbstream.testing import ScriptedStream

PATIENCE = 10.0
END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]


class GatedStream(ScriptedStream):
    """Waits after each piece until the test lets it go on."""

    def __init__(self, *pieces):
        super().__init__(*([TextDelta(piece)] for piece in pieces), END)
        self.gate = threading.Semaphore(0)

    async def __aiter__(self):
        async for batch in super().__aiter__():
            yield batch
            await asyncio.to_thread(self.gate.acquire)


@pytest.fixture(params=[False, True], ids=["hidden", "shown"])
def start(request):
    def start(source, **options):
        return nbs.start("Hi", source=source, model="m", api="chat", display=request.param, **options)

    return start


def gathered_until_error(handle):
    try:
        yield from handle.events()
    except StreamError:
        return


async def gathered(pieces):
    return [piece async for piece in pieces]


# --- text -------------------------------------------------------------------------------------------------------------


def test_text_comes_in_pieces_as_it_arrives(start):
    stream = GatedStream("Hel", "lo")
    pieces = iter(start(stream))
    assert next(pieces) == "Hel"
    stream.gate.release()
    assert next(pieces) == "lo"
    for _ in range(2):
        stream.gate.release()
    assert list(pieces) == []


def test_on_an_event_loop_too(start):
    async def main():
        handle = start(ScriptedStream.answering("Hel", "lo"))
        one, two = await asyncio.gather(gathered(handle), gathered(handle))
        return "".join(one), "".join(two)

    assert asyncio.run(main()) == ("Hello", "Hello")


def test_each_reader_sees_all_from_the_beginning_also_after_the_end(start):
    handle = start(ScriptedStream.answering("Hel", "lo"))
    handle.result(PATIENCE)
    assert "".join(handle) == "".join(handle) == "Hello"
    assert asyncio.run(gathered(handle)) == ["Hello"]


def test_a_loop_that_is_left_early_does_not_stop_the_stream(start):
    stream = GatedStream("Hel", "lo")
    handle = start(stream)
    for piece in handle:
        assert piece == "Hel"
        break
    for _ in range(3):
        stream.gate.release()
    assert handle.result(PATIENCE).text == "Hello"


def test_a_with_block_does(start):
    stream = GatedStream("Hel", "lo")
    with start(stream) as handle:
        for _ in handle:
            break
        stream.gate.release()
    assert handle.state == "cancelled"
    assert handle.text.startswith("Hel")
    assert stream.closed == stream.opened == 1


def test_an_async_with_block_does_and_an_ended_stream_stays_as_it_is(start):
    async def main():
        stream = GatedStream("Hel", "lo")
        async with start(stream) as left:
            async for _ in left:
                break
            stream.gate.release()
        async with start(ScriptedStream.answering("Hello")) as whole:
            await whole
        return left.state, whole.state

    assert asyncio.run(main()) == ("cancelled", "completed")


def test_a_failure_comes_after_all_the_text(start):
    handle = start(ScriptedStream([TextDelta("Hel")], ConnectionLostError("It broke.")), max_retries=0)
    pieces = iter(handle)
    assert next(pieces) == "Hel"
    with pytest.raises(ConnectionLostError) as raised:
        next(pieces)
    assert raised.value.result.text == "Hel"


def test_a_stopped_stream_simply_ends(start):
    stream = GatedStream("Hel", "lo")
    handle = start(stream)
    pieces = []
    for piece in handle:
        pieces.append(piece)
        handle.cancel()
        stream.gate.release()
    assert pieces == ["Hel"]


def test_text_that_is_taken_back_is_followed_by_what_takes_its_place(start):
    stream = GatedStream("He thinks", "</think>Hello")
    pieces = iter(start(stream))
    assert next(pieces) == "He thinks"
    for _ in range(3):
        stream.gate.release()
    assert "".join(pieces) == "Hello"


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_all_there_in_order(start):
    batches: list[list[Event]] = [
        [ReasoningDelta("Hm")],
        [TextDelta("Hel")],
        [TextDelta("lo")],
        [ToolCallDelta(0, "c", "f", "{}")],
        END,
    ]
    handle = start(ScriptedStream(*batches))
    handle.result(PATIENCE)
    expected = [ReasoningDelta("Hm"), TextDelta("Hello"), ToolCallDelta(0, "c", "f", "{}"), *END]
    assert list(handle.events()) == expected
    assert asyncio.run(gathered(handle.events())) == expected


def test_events_of_an_answer_that_is_continued_are_its_own(start):
    handle = start(ScriptedStream([TextDelta("Hel")], [Finished("length"), EndOfStream(marked=True)]))
    first = handle.result(PATIENCE)
    second = first.start_again(display=False)
    assert [event.text for event in second.events() if isinstance(event, TextDelta)] == ["Hel"]
    assert [each.finish_reason for each in second.result(PATIENCE).rounds] == ["length", "length"]


def test_pieces_that_nobody_has_read_are_kept_as_few():
    log, size = EventLog(), 100_000
    tracemalloc.start()
    try:
        for number in range(size):
            log.append([TextDelta(f"{number:>10}")])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    log.append([Finished("stop")])
    log.close()
    assert kept < 2 * 10 * size
    *pieces, end = log
    assert end == Finished("stop")
    assert len(pieces) <= size / 1000
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == "".join(
        f"{number:>10}" for number in range(size)
    )


def test_what_is_joined_is_not_copied_again_when_more_comes():
    log = EventLog()
    pieces = [TextDelta("word ")] * 100_000
    for start in range(0, len(pieces), 10):
        log.append(pieces[start : start + 10])
    log.close()
    assert max(len(event.text) for event in log if isinstance(event, TextDelta)) < 10_000


def test_what_nobody_can_read_is_not_kept():
    log = EventLog()
    log.append([TextDelta("a")])
    log.discard()
    assert len(log) == 0
    log.append([TextDelta("b")])
    log.close()
    assert len(log) == 0
    with pytest.raises(RuntimeError, match="have not been kept"):
        next(iter(log))
    assert list(log.growth()) == [None]


def test_what_has_been_read_is_not_joined_any_more():
    log = EventLog()
    log.append([TextDelta("a"), TextDelta("b")])
    reader = iter(log)
    assert next(reader) == TextDelta("ab")
    log.append([TextDelta("c"), TextDelta("d"), ReasoningDelta("e"), TextDelta("f", 1), TextDelta("g", 1, last=True)])
    log.close()
    rest = [TextDelta("cd"), ReasoningDelta("e"), TextDelta("f", 1), TextDelta("g", 1, last=True)]
    assert "".join(event.text for event in reader if isinstance(event, TextDelta)) == "cdfg"
    assert list(log) == [TextDelta("ab"), *rest]


def test_a_slow_reader_holds_up_nothing(start):
    handle = start(ScriptedStream.answering(*("word " for _ in range(500))))
    slow = iter(handle)
    first = next(slow)
    assert handle.result(PATIENCE).text == "word " * 500
    assert first + "".join(slow) == "word " * 500


def test_a_reader_that_is_cancelled_as_a_piece_arrives_is_cancelled():
    async def read(log):
        async for _ in log:
            pass

    async def cancelled_after(turns):
        log = EventLog()
        reading = asyncio.create_task(read(log))
        await asyncio.sleep(0)
        log.append([TextDelta("a")])
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        log.close()
        await asyncio.wait({reading})
        return reading.cancelled()

    assert all(asyncio.run(cancelled_after(turns)) for turns in range(5))


# --- stop_when --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stop_when", "text"),
    [
        ("lo", "Hello"),
        (["never", "l"], "Hel"),
        (lambda text: len(text) > 3, "Hello"),
        (lambda text: "w" in text, "Hello w"),
    ],
)
def test_an_answer_ends_once_it_has_said_enough(start, stop_when, text):
    stream = ScriptedStream.answering("Hel", "lo", " w", "orld", every=0.001)
    result = start(stream, stop_when=stop_when).result(PATIENCE)
    assert (result.text, result.state, result.finish_reason) == (text, "completed", "stop_when")
    assert (stream.opened, stream.closed) == (1, 1)


def test_what_comes_in_the_same_batch_is_not_taken(start):
    stream = ScriptedStream([TextDelta("Hel"), TextDelta("lo"), TextDelta("!")], END)
    handle = start(stream, stop_when="lo")
    assert handle.result(PATIENCE).text == "Hello"
    assert list(handle.events()) == [TextDelta("Hello"), Finished("stop_when"), EndOfStream(marked=True)]


def test_equal_pieces_are_told_apart(start):
    pieces = [TextDelta("a "), TextDelta("b "), TextDelta("a "), TextDelta("x")]
    handle = start(ScriptedStream(pieces, END), stop_when="b a")
    assert handle.result(PATIENCE).text == "a b a "
    assert "".join(event.text for event in handle.events() if isinstance(event, TextDelta)) == "a b a "


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_a_condition_that_asks_to_exit_ends_its_own_stream_only(start, kind):
    def leave(_):
        raise kind

    handle = start(ScriptedStream.answering("Hel", "lo"), stop_when=leave)
    with pytest.raises(StopWhenError, match=f"raised {kind.__name__}"):
        handle.result(PATIENCE)
    assert start(ScriptedStream.answering("Hello")).result(PATIENCE).text == "Hello"


def test_a_failing_stream_gives_all_its_events(start):
    failed = Failed("no")
    handle = start(ScriptedStream([TextDelta("Hel")], [TextDelta("lo"), failed]))
    assert [*gathered_until_error(handle)] == [TextDelta("Hello"), failed]
    handle = start(ScriptedStream([Started("m"), failed]), max_retries=0)
    assert [*gathered_until_error(handle)] == [Started("m"), failed]
    handle = start(ScriptedStream([TextDelta("a"), TextDelta("b")], END), stop_when=lambda text: 1 / len(text[1:]))
    assert [*gathered_until_error(handle)] == [TextDelta("a")]


def test_a_condition_that_is_never_met_changes_nothing(start):
    assert start(ScriptedStream.answering("Hello"), stop_when=["x"]).result(PATIENCE).finish_reason == "stop"


def test_a_condition_that_raises_fails_the_stream_and_keeps_the_text(start):
    handle = start(ScriptedStream.answering("Hel", "lo"), stop_when=lambda _: 1 / 0)
    with pytest.raises(StopWhenError, match="stop_when raised ZeroDivisionError: division by zero") as raised:
        handle.result(PATIENCE)
    assert raised.value.result.text == "Hel"


@pytest.mark.parametrize("stop_when", [7, [], [""], [7], "", {"a": 1}])
def test_what_is_no_condition_is_told(start, stop_when):
    with pytest.raises(UsageError, match="stop_when is a text, a list of texts, or a function"):
        start(ScriptedStream.answering("Hello"), stop_when=stop_when)


def test_a_text_is_found_however_it_is_cut():
    text = "one END two"
    for cut in range(len(text)):
        condition = StopCondition("END")
        assert condition.met(text[:cut]) == ("END" in text[:cut])
        assert "END" in text[:cut] or condition.met(text)
    condition = StopCondition("END")
    assert not condition.met("")
    assert not condition.met("something else")
    assert condition.met("END")
