"""The last stream step by step: what is shown of it, what is kept of it, and what is neither."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

import nbstream as nbs
from nbstream.errors import ConnectionLostError, RateLimitError, UsageError
from nbstream.events import EndOfStream, Event, Finished, TextDelta
from nbstream.streaming.engine import engine
from nbstream.streaming.tape import Tape
from nbstream.telemetry.inspection import Inspection, inspected
from nbstream.testing import (
    ScriptedAttempts,
    ScriptedBytes,
    ScriptedStream,
    chat_body,
    chat_chunk,
    error_body,
    responses_body,
    whole_chat,
)
from tests.reach import holders_of
from tests.telemetry.conftest import all_told
from tests.tools.wire import calling

if TYPE_CHECKING:
    import pathlib
    from collections.abc import AsyncIterator, Iterator

    from nbstream.testing import FaultServer

KEY = "sk-" + "0123456789abcdef" * 2
END: list[Event] = [Finished("stop"), EndOfStream(marked=True)]


def begin(source: Any, **options: Any) -> Any:
    options = {"model": "m", "api": "chat", "base_url": "https://llm.example/v1", "api_key": KEY, **options}
    return nbs.start("Hi", source=source, display=False, **options)


def inspect(most: int = 300) -> Inspection:
    all_told()
    return inspected(engine().tape, most)


def steps(inspection: Inspection) -> list[str]:
    """Its lines in a terminal, without the moments and the ids of calls."""
    return [re.sub(r"^ *(\+\d+\.\d{3} s)?  |\d+\.\d{3} s", "", line) for line in repr(inspection).split("\n")[1:]]


def page_of(inspection: Inspection) -> LexborNode:
    """Its HTML, without its style and its script."""
    (root,) = LexborHTMLParser(inspection._repr_html_()).css(".nbs-inspection")
    return root


def text_of(inspection: Inspection) -> str:
    """All that its HTML shows, unfolded."""
    return page_of(inspection).text()


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_raw_events_and_what_each_became() -> None:
    body = chat_body("Hel", usage=(3, 2))
    begin(ScriptedBytes(body[:200], 0.01, body[200:])).result(60)
    assert [line.strip() for line in steps(inspect())] == [
        "Request 1: m at llm.example (chat)",
        "What is asked",
        "The server answers, request id req_1",
        "Raw events (6)",
        "Started model='m' response_id='chatcmpl-1'",
        "TextDelta 'Hel'",
        "Finished reason='stop'",
        f"UsageReported usage={nbs.Usage(3, 2, 5)}",
        "means nothing for the answer",
        "EndOfStream marked=True",
        "Answer: completed (stop), first token after , 3 tokens in, 2 out",
        "The stream is completed (stop)",
    ]
    shown = text_of(inspect())
    assert '"role": "user"' in shown
    assert '"delta":{"content":"Hel"}' in shown
    assert "[DONE]" in shown


def test_names_of_events_are_shown() -> None:
    begin(ScriptedBytes(responses_body("Hello")), api="responses").result(60)
    assert "event: response.output_text.delta\n" in text_of(inspect())
    assert "TextDelta 'Hello'" in text_of(inspect())


@nbs.tool(safe=True)
def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def test_rounds_and_calls(loopback: FaultServer) -> None:
    loopback.send(calling("chat", ("double", {"number": 21})))
    loopback.send(chat_body("42"))
    nbs.stream("Double", tools=[double], model="m", base_url=loopback.base_url, display=False)
    lines = [line.strip() for line in steps(inspect())]
    told = [line for line in lines if re.match(r"Request|double|Answer|The stream", line)]
    server = loopback.base_url.split("/")[2]
    assert told == [
        f"Request 1: m at {server} (chat)",
        "double is called",
        "double: completed after",
        "Answer: completed (tool_calls), first token after",
        f"Request 2: m at {server} (chat)",
        "Answer: completed (stop), first token after",
        "The stream is completed (stop)",
    ]
    shown = text_of(inspect())
    assert '"number": 21' in shown
    assert shown.count("What is asked") == 2


def test_retries() -> None:
    refused = RateLimitError("Slow down.", status=429, retryable=True, retry_after=0.001)
    lost = ConnectionLostError("It broke.", retryable=True, retry_after=0.001)
    source: Any = ScriptedBytes(chat_body("Hi"))
    begin(ScriptedAttempts(refused, ScriptedStream(lost), source)).result(60)
    told = [line.strip() for line in steps(inspect()) if "equest" in line or "failed" in line]
    assert told == [
        "Request 1: m at llm.example (chat)",
        "That failed (rate_limit, 429); attempt 2 follows in 0.0 s",
        "Request 1, attempt 2: m at llm.example (chat)",
        "The server answers, request id req_1",
        "That failed (connection_lost); attempt 3 follows in 0.0 s",
        "Request 1, attempt 3: m at llm.example (chat)",
        "The server answers, request id req_1",
    ]
    assert "Slow down." in text_of(inspect())


@pytest.mark.parametrize(
    ("body", "became"),
    [
        (whole_chat("Hello"), "TextDelta 'Hello'"),
        (b"<html><body>Not here</body></html>", "Garbled"),
        (error_body("It broke"), "Failed"),
        (b"data: {oh no\n\n", "Garbled"),
    ],
    ids=["whole", "page", "error", "malformed"],
)
def test_what_is_no_stream_of_events_is_shown_whole(body: bytes, became: str) -> None:
    with contextlib.suppress(nbs.StreamError):
        begin(ScriptedBytes(body), max_retries=0).result(60)
    assert became in text_of(inspect())
    assert body.decode().strip().removeprefix("data: ")[:20] in text_of(inspect())


def test_a_source_without_bytes_shows_its_events() -> None:
    begin(ScriptedStream([TextDelta("Hello")], END)).result(60)
    assert [line.strip() for line in steps(inspect())][2:7] == [
        "The server answers, request id req_1",
        "What came (3)",
        "TextDelta 'Hello'",
        "Finished reason='stop'",
        "EndOfStream marked=True",
    ]


def test_a_stream_that_still_runs() -> None:
    handle = begin(ScriptedBytes(chat_chunk("Hel"), 60.0))
    next(iter(handle))
    assert "still running" in repr(inspect())
    assert "TextDelta 'Hel'" in repr(inspect())
    handle.cancel()
    handle.result(60)
    lines = steps(inspect())
    assert "The stream is cancelled" in lines[-1]
    assert not any("EndOfStream" in line for line in lines)


def test_a_failure_is_told_with_what_to_do() -> None:
    with pytest.raises(nbs.StreamError):
        begin(ScriptedBytes(chat_chunk("Hel"), ConnectionResetError()), max_retries=0).result(60)
    assert "The connection to llm.example broke off" in text_of(inspect())


def test_a_replay_is_read_from_its_recording(loopback: FaultServer, tmp_path: pathlib.Path) -> None:
    loopback.send(chat_body("Hello"))
    options: dict[str, Any] = {"model": "m", "api": "chat", "base_url": loopback.base_url, "display": False}
    file = tmp_path / "hi.jsonl"
    nbs.stream("Hi", record=file, **options)
    assert "TextDelta 'Hello'" in repr(inspect())
    nbs.stream("Hi", replay=file, **options)
    assert "TextDelta 'Hello'" in repr(inspect())
    assert ", recorded 20" in repr(inspect())


def test_before_the_first_stream_there_is_nothing_to_show() -> None:
    for tape in (None, Tape()):
        with pytest.raises(UsageError, match="no stream yet"):
            inspected(tape)


# --- what is not shown ------------------------------------------------------------------------------------------------


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.mark.parametrize("size", [7, 100_000])
def test_a_key_that_a_server_repeats_is_neither_shown_nor_kept(size: int) -> None:
    body = chat_body(f"Your key is {KEY}.", f"Its half is {KEY[:20]}.")
    begin(ScriptedBytes(*pieces(body, size)), system=f"Never say {KEY}", allow_secrets=True).result(60)
    engine().last_results.clear()  # the answer itself is what the server has said
    shown = repr(inspect()) + inspect()._repr_html_()
    assert "Its half is" in shown
    assert KEY not in shown
    assert KEY[3:20] not in shown
    assert not holders_of(KEY, [wire.pieces for wire in engine().tape.wires])  # type: ignore[union-attr]


def test_what_a_stage_drops_is_neither_shown_nor_kept() -> None:
    async def checked(batches: AsyncIterator[list[Any]]) -> AsyncIterator[list[Any]]:
        async for batch in batches:
            yield [each for each in batch if getattr(each, "text", "") != "forbidden"]

    begin(ScriptedBytes(chat_body("allowed", "forbidden")), stages=[checked]).result(60)
    shown = repr(inspect()) + inspect()._repr_html_()
    assert "TextDelta 'allowed'" in shown
    assert "its stages have seen" in shown
    assert "forbidden" not in shown
    assert not holders_of("forbidden", engine().tape.wires)  # type: ignore[union-attr]


def test_nothing_in_it_acts() -> None:
    hostile = "</pre></details><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202e'\"&lt;"
    body = chat_body(hostile, model=hostile)
    begin(ScriptedBytes(body, headers={"x-request-id": "<b>&"}), model=hostile, system=hostile).result(60)
    inspection = inspect()
    tree = page_of(inspection)
    assert {node.tag for node in tree.traverse()} <= {"div", "p", "ol", "li", "details", "summary", "pre", "time"}
    attributes = {name for node in tree.traverse() for name in node.attributes}
    assert attributes <= {"class", "open", "data-nbs-inspection"}
    assert "<script>alert(1)" in tree.text()
    for shown in (repr(inspection), inspection._repr_html_()):
        assert not any(character in shown for character in "\x1b\u202e")


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_the_middle_of_a_long_answer_is_not_kept() -> None:
    body = b"".join(chat_chunk(f"{number:05} {'x' * 2000}") for number in range(3000))
    begin(ScriptedBytes(*pieces(body, 4096), chat_body("end"))).result(60)
    tape = engine().tape
    assert tape is not None
    assert sum(wire.pieces.size for wire in tape.wires) <= 1024 * 1024
    shown = text_of(inspect(10_000))
    assert "00000 xxx" in shown
    assert "01500 xxx" not in shown
    assert "TextDelta 'end'" in shown
    assert re.search(r"… [\d,]+ more, which are not shown …", shown)
    assert "Garbled" not in shown


def test_a_list_shows_its_beginning_and_its_end() -> None:
    begin(ScriptedBytes(chat_body(*map(str, range(1000))))).result(60)
    page, lines = text_of(inspect(30)), repr(inspect())
    for shown in (page, lines):
        assert "TextDelta '3'" in shown
        assert "TextDelta '500'" not in shown
        assert "TextDelta '999'" in shown
    assert "… 974 more, which are not shown …" in page
    assert len(lines.split("\n")) < 60
    assert len(inspect(30)._repr_html_()) < 40_000


def test_only_the_last_stream_is_kept() -> None:
    begin(ScriptedBytes(chat_body("first"))).result(60)
    first = engine().tape
    begin(ScriptedBytes(chat_body("second"))).result(60)
    assert first is not None
    assert (first.steps, first.wires) == ([], [])
    assert "second" in repr(inspect())
