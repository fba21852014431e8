"""Answers without end: what comes is bounded, reaching a bound is an end of its own, and what came is kept."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.display.marks import mark_of
from nbstream.errors import UsageError
from nbstream.events import (
    ActivityReported,
    Annotated,
    EndOfStream,
    Finished,
    LogprobsReported,
    MediaDelta,
    PartStarted,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextRevised,
    ToolCallDelta,
    ToolCallRevised,
    UsageReported,
)
from nbstream.request import SizeLimits
from nbstream.result import Usage
from nbstream.testing import ScriptedStream, chat_body, responses_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nbstream.events import Event
    from nbstream.testing import FaultServer

ENDLESS: dict[str, Callable[[int], Event]] = {
    "text": lambda _: TextDelta("word "),
    "reasoning": lambda _: ReasoningDelta("word "),
    "refusal": lambda _: RefusalDelta("word "),
    "arguments": lambda _: ToolCallDelta(0, arguments='{"a":'),
    "calls": lambda n: ToolCallDelta(n, id=str(n), name="f"),
    "nameless calls": ToolCallDelta,
    "revised text": lambda n: TextRevised(f"word {n}"),
    "revised arguments": lambda n: ToolCallRevised(0, f"word {n}"),
    "media": lambda n: MediaDelta(n, "image", b"bytes"),
    "bytes": lambda _: MediaDelta(0, "audio", b"bytes" * 100),
    "activities": lambda n: ActivityReported(n, "web_search_call", item={"query": "word"}),
    "citations": lambda _: Annotated({"type": "url_citation", "url": "https://x.example"}),
    "parts": lambda n: PartStarted(n, "text"),
    "logprobs": lambda _: LogprobsReported(({"token": "word", "logprob": -1.0},)),
    "answers": lambda n: Finished("stop", n),
}


def played(events: Iterator[Event] | list[Event], characters: int) -> nbs.StreamResult:
    nbs.configure(max_answer_characters=characters, model="m", base_url="http://localhost:9/v1")
    try:
        return nbs.stream("Hi", source=ScriptedStream(*([each] for each in events)), display=False)
    except nbs.StreamError as error:
        return error.result


@pytest.mark.parametrize("kind", ENDLESS)
def test_everything_that_grows_is_counted(kind: str) -> None:
    first: list[Event] = [TextDelta("first"), ToolCallDelta(0, "c", "f", "{}")]
    result = played([*first, *(ENDLESS[kind](number) for number in range(1, 3000))], 2000)
    assert (result.state, result.error and result.error.kind) == ("failed", "answer_too_long")
    assert len(result.parts) < 150
    if kind not in {"text", "revised text"}:
        assert result.text == "first"


PARTS: dict[str, Callable[[int], Event]] = {
    **{kind: ENDLESS[kind] for kind in ("calls", "media", "activities", "parts")},
    "calls with arguments": lambda n: ToolCallDelta(n, id=str(n), name="f", arguments="{}"),
    "text and calls": lambda n: TextDelta("word") if n % 2 else ToolCallDelta(n, id=str(n), name="f"),
    "text and thoughts": lambda n: TextDelta("word") if n % 2 else ReasoningDelta("hm", summary=True),
    "answers with calls": lambda n: ToolCallDelta(n, id=str(n), name="f", choice=n % 300),
}


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("size", [1, 500])
def test_parts_are_counted(kind: str, size: int) -> None:
    nbs.configure(max_answer_parts=200, model="m", base_url="http://localhost:9/v1")
    events = map(PARTS[kind], range(1, 1001))
    source = ScriptedStream(*(list(batch) for batch in iter(lambda: tuple(itertools.islice(events, size)), ())))
    with pytest.raises(nbs.StreamError, match=r"more than 200 parts.*nbs\.configure\(max_answer_parts=…\)") as caught:
        nbs.stream("Hi", source=source, display=False)
    assert caught.value.kind == "answer_too_long"
    answers = [each.parts for each in caught.value.result.choices] or [caught.value.result.parts]
    assert (0 if kind == "parts" else 190) <= sum(map(len, answers)) <= 202, "those without text are none"


def test_what_came_is_kept_and_the_way_on_is_said() -> None:
    result = played([TextDelta("x" * 10) for _ in range(20)], 99)
    assert (result.text, str(result.state)) == ("x" * 100, "failed")
    mark = mark_of(result)
    assert mark is not None
    assert mark.word == "Limit reached"
    assert mark.sentence.startswith("The answer from localhost:9 has more than 99 characters and has not ended.")
    assert "nbs.configure(max_answer_characters=…)" in mark.sentence


def test_an_answer_at_the_limit_is_complete() -> None:
    whole: list[Event] = [
        TextDelta("x" * 100),
        UsageReported(Usage(1, 1, 2)),
        Finished("stop"),
        EndOfStream(marked=True),
    ]
    assert played(whole, 100).state == "completed"


def test_what_does_not_grow_may_be_said_as_often_as_a_server_likes() -> None:
    often: list[list[Event]] = [[TextDelta("x"), UsageReported(Usage(1, 1, 2)), Finished("stop")] for _ in range(90)]
    assert played([*itertools.chain(*often), EndOfStream(marked=True)], 100).state == "completed"


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_endless_answer_is_cut_and_its_connection_closed(api: str, loopback: FaultServer) -> None:
    nbs.configure(base_url=loopback.base_url, model="m", max_answer_characters=20_000)
    pieces = ["word "] * 10_000
    body = chat_body(*pieces, finish_reason=None, done=False) if api == "chat" else responses_body(*pieces, status=None)
    loopback.send(body, then="hold")
    with pytest.raises(nbs.StreamError) as caught:
        nbs.stream("Hi", api=api, display=False)  # type: ignore[arg-type]
    assert caught.value.kind == "answer_too_long"
    assert "word word " in caught.value.result.text
    assert 20_000 < len(caught.value.result.text) < 60_000
    loopback.wait(left=1)
    assert len(loopback.requests) == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (chat_body("Hel", finish_reason=None, done=False) + b"data: " + b"x" * 100_000, "Hel"),
        (chat_body("Hel", finish_reason=None, done=False) + b"data: x\n" * 10_000, "Hel"),
        (chat_body("Hel", finish_reason=None, done=False) + chat_body("y" * 9000), "Hel"),
        (b'{"choices": [{"message": {"content": "' + b"x" * 100_000, ""),
    ],
    ids=["a line", "lines", "a whole event", "a document"],
)
def test_an_event_without_end_is_given_up(body: bytes, text: str, loopback: FaultServer) -> None:
    nbs.configure(base_url=loopback.base_url, model="m", max_event_bytes=8000, max_retries=0)
    loopback.send(body, then="hold")
    with pytest.raises(nbs.StreamError) as caught:
        nbs.stream("Hi", display=False)
    assert (caught.value.kind, caught.value.result.text) == ("event_too_large", text)
    assert "nbs.configure(max_event_bytes=…)" in str(caught.value)


def test_a_drip_without_end_ends_in_time(loopback: FaultServer) -> None:
    nbs.configure(base_url=loopback.base_url, model="m", total_timeout=2)
    loopback.send(chat_body(*["word "] * 10_000), drip=(200, 0.005))
    with pytest.raises(nbs.StreamError) as caught:
        nbs.stream("Hi", display=False)
    assert caught.value.kind == "total_timeout"
    assert caught.value.result.text.startswith("word ")


def test_the_defaults_are_generous() -> None:
    from nbstream.settings.config import settings
    from nbstream.settings.target import resolve_target

    target = resolve_target(settings(), model="m")
    assert target.sizes == SizeLimits() == SizeLimits(10_000_000, 2_000, 64 * 1024 * 1024)
    assert target.limits.total == 4 * 3600


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    nbs.Chat(messages=[{"role": "user", "content": "x" * 1000}]).save(path)
    nbs.configure(max_file_bytes=1000)
    for read in (nbs.Chat.load, nbs.ChatPanel.restore):
        action: Any = read
        with pytest.raises(UsageError, match=r"chat\.json has more than 1,000 bytes; allow more .*max_file_bytes"):
            action(path)
