"""Recordings: what is played equals what was recorded, however it ended, and never holds a key."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.display.marks import footer_of
from nbstream.errors import NotFoundError, UnreachableError, UsageError
from nbstream.recording.choice import RecordingChoice
from nbstream.recording.library import Library
from nbstream.recording.recording_file import read
from nbstream.recording.trusted import TrustStore
from nbstream.remedies import Remedy, RemedyKind
from nbstream.testing import ScriptedBytes, chat_body, chat_chunk, play, recorded, responses_body
from tests.tools.wire import calling

if TYPE_CHECKING:
    from nbstream.testing import FaultServer

KEY = "sk-0123456789abcdef0123456789abcdef"

PIECES: list[Any] = [chat_chunk("One "), 0.5, chat_chunk("two "), 0.25, chat_body("three.", usage=(3, 4))]


@pytest.fixture
def store(tmp_path):
    return TrustStore(tmp_path / "data" / "trusted")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "recordings"


@pytest.fixture
def library(folder, store):
    def made(source, mode="auto", known=store, **options):
        return Library(RecordingChoice(folder, mode, **options), source, store=known)

    return made


def kind(result):
    return None if result.error is None else result.error.kind


def files(folder):
    return sorted(path.name for path in folder.glob("*"))


def test_what_is_recorded_is_played(library):
    source = ScriptedBytes(*PIECES)
    recorded = play(library(source))
    assert source.opened == 1
    nobody = ScriptedBytes(refusal=AssertionError("it was asked"))
    played = play(library(nobody, "replay", speed=1))
    assert (played.text, played.state, played.usage) == (recorded.text, "completed", recorded.usage)
    assert recorded.recorded_at is None
    assert played.recorded_at is not None
    assert played.rounds[0].recorded_at == played.recorded_at
    assert footer_of(played) == ["m", "4 tokens", f"recorded {played.recorded_at:%Y-%m-%d}"]
    assert played.request_id == recorded.request_id == "req_1"
    assert played.timing.ttft == pytest.approx(recorded.timing.ttft, abs=0.001)
    assert played.timing.total == pytest.approx(recorded.timing.total, abs=0.001) == pytest.approx(0.75, abs=0.001)
    assert play(library(nobody, speed=2)).timing.total == pytest.approx(0.375, abs=0.001)
    assert play(library(nobody)).timing.total == 0


def test_a_recording_is_a_source_for_tests(library, folder):
    play(library(ScriptedBytes(*PIECES)))
    (path,) = folder.iterdir()
    result = play(recorded(path, speed=1))
    assert result.text == "One two three."
    assert result.timing.total == pytest.approx(0.75)


CRASH = """
import os, pathlib, sys
from nbstream.recording.choice import RecordingChoice
from nbstream.recording.library import Library
from nbstream.testing import ScriptedBytes, chat_chunk, play
from nbstream.recording.trusted import TrustStore
source = ScriptedBytes(chat_chunk("One "), 0.5, chat_chunk("two "))
choice = RecordingChoice(pathlib.Path(sys.argv[1]))
async def crash(batches):
    async for batch in batches:
        yield batch
        if "One" in str(batch):
            os._exit(9)
play(Library(choice, source, store=TrustStore(pathlib.Path(sys.argv[1]) / "trusted")), stages=[crash])
"""


def test_a_crash_leaves_what_had_come(library, folder):
    assert subprocess.run([sys.executable, "-c", CRASH, str(folder)], check=False).returncode == 9
    (path,) = folder.iterdir()
    assert path.name.endswith(".partial.jsonl")
    assert b"One " in read(path).pieces[0].data
    assert play(library(ScriptedBytes(*PIECES))).text == "One two three."


def test_it_can_be_read(library, folder):
    play(library(ScriptedBytes(*PIECES)))
    (path,) = folder.iterdir()
    first, second, *pieces, last = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert first["request"]["messages"]
    assert first["nbstream"] == "recording"
    assert (second["status"], second["headers"]) == (200, {"x-request-id": "req_1"})
    assert [each["at"] for each in pieces] == [0.0, 500.0, 750.0]
    assert "".join(each["text"] for each in pieces).encode() == b"".join(each for each in PIECES if type(each) is bytes)
    assert last == {"at": 750.0, "end": "complete"}


def test_any_cut_of_any_bytes_is_kept(library, folder):
    chance = random.Random(5)
    body = chat_body("Zürich 東京 \U0001f600 \u2028 end", usage=(1, 2))
    for _ in range(20):
        cuts = sorted(chance.sample(range(1, len(body)), 6))
        pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        here = library(ScriptedBytes(*pieces), "record")
        play(here)
        (path,) = folder.iterdir()
        assert b"".join(piece.data for piece in read(path).pieces) == body


def test_bytes_that_are_no_text_are_kept(library, folder):
    body = b"data: \xff\xfe\n\n" + chat_body("Hi")
    here = library(ScriptedBytes(body))
    play(here)
    (path,) = folder.iterdir()
    assert b"".join(piece.data for piece in read(path).pieces) == body


def test_what_breaks_off_is_kept_apart_and_asked_for_again(library, folder):
    broken = play(library(ScriptedBytes(chat_chunk("One "), ConnectionResetError())), max_retries=0)
    assert kind(broken) == "connection_lost"
    (name,) = files(folder)
    assert name.endswith(".partial.jsonl")
    strict = play(library(ScriptedBytes(), "replay"), max_retries=0)
    assert (strict.text, kind(strict)) == ("One ", "connection_lost")
    assert play(library(ScriptedBytes(*PIECES))).text == "One two three."


def test_a_refusal_is_kept_apart_and_asked_for_again(library, folder):
    remedies = [Remedy(RemedyKind.CHECK_MODEL, "m")]
    refusal = NotFoundError("There is no m.", status=404, code="model_not_found", remedies=remedies)
    refused = play(library(ScriptedBytes(refusal=refusal)))
    assert kind(refused) == "not_found"
    (name,) = files(folder)
    assert name.endswith(".partial.jsonl")
    error = play(library(ScriptedBytes(), "replay")).error
    assert isinstance(error, NotFoundError)
    assert (error.status, error.code, error.remedies) == (404, "model_not_found", tuple(remedies))
    assert play(library(ScriptedBytes(*PIECES))).text == "One two three."
    assert files(folder) == [name.replace(".partial", "")], "what is whole takes the place of what was not"


def cancel_soon():
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_soon(task.cancel)


def test_what_is_cancelled_as_it_opens_leaves_a_file_with_an_end(library, folder):
    scripted = ScriptedBytes(*PIECES)

    class Cancelling:
        async def open_bytes(self, request):
            response = await scripted.open_bytes(request)
            cancel_soon()
            return response

    assert play(library(Cancelling())).state == "cancelled"
    (name,) = files(folder)
    assert read(folder / name).end == "closed by the reader"


def test_what_is_cancelled_as_it_ends_is_whole_all_the_same(library, monkeypatch):
    scripted = ScriptedBytes(*PIECES)

    class Cancelling:
        async def open_bytes(self, request):
            response = await scripted.open_bytes(request)
            close = response.close

            async def close_and_cancel(*, complete):
                await close(complete=complete)
                cancel_soon()

            monkeypatch.setattr(response, "close", close_and_cancel)
            return response

    play(library(Cancelling()))
    assert play(library(ScriptedBytes(), "replay")).text == "One two three."


def test_a_server_that_does_not_answer_is_no_recording(library, folder):
    assert (
        kind(play(library(ScriptedBytes(refusal=UnreachableError("Nobody is there."))), max_retries=0)) == "unreachable"
    )
    assert not folder.exists()


def test_a_whole_recording_stays_until_another_is_whole(library):
    play(library(ScriptedBytes(*PIECES)))
    play(library(ScriptedBytes(chat_chunk("Half"), ConnectionResetError()), "record"), max_retries=0)
    assert play(library(ScriptedBytes(), "replay")).text == "One two three."
    play(library(ScriptedBytes(chat_body("New")), "record"))
    assert play(library(ScriptedBytes(), "replay")).text == "New"


def test_what_somebody_else_has_recorded_plays_once_it_is_accepted(library, tmp_path, folder):
    play(library(ScriptedBytes(*PIECES)))
    elsewhere = TrustStore(tmp_path / "other")
    foreign = library(ScriptedBytes(*PIECES), known=elsewhere)
    refused = play(foreign)
    assert kind(refused) == "no_recording"
    assert "recorded by somebody else" in str(refused.error)
    assert elsewhere.accept(folder.iterdir()) == 1
    assert play(foreign).text == "One two three."
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes().replace(b"two", b"2nd"))
    assert kind(play(foreign)) == "no_recording"
    assert play(library(ScriptedBytes(), known=elsewhere, trust=True)).text == "One 2nd three."


def test_a_missing_recording_names_the_closest(library, folder):
    play(library(ScriptedBytes(*PIECES)))
    (path,) = folder.iterdir()
    lines = path.read_text().splitlines()
    heading = json.loads(lines[0])
    heading["request"]["model"] = "other"
    path.rename(path.with_name("hello-0123456789abcdef.jsonl"))
    path.with_name("hello-0123456789abcdef.jsonl").write_text("\n".join([json.dumps(heading), *lines[1:]]) + "\n")
    missing = play(library(ScriptedBytes(), "replay"))
    assert kind(missing) == "no_recording"
    assert 'hello-0123456789abcdef.jsonl, which differs in model: "other", now "scripted"' in str(missing.error)


def test_a_disk_that_is_full_costs_the_recording_alone(library, folder):
    folder.write_text("a file where the directory should be")
    result = play(library(ScriptedBytes(*PIECES)))
    assert (result.text, result.state) == ("One two three.", "completed")
    assert [warning.kind for warning in result.warnings] == ["not_recorded"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a recording"),
        (b"[1]\n", "is not a recording"),
        (b'{"nbstream": "chat"}\n', "is not a recording"),
        (b'{"nbstream": "recording", "version": 9}\n', "newer nbstream"),
        (b'{"nbstream": "recording", "version": 1}\n', "damaged in line 1"),
        (None, "damaged in line 3"),
    ],
)
def test_a_damaged_recording_is_told(library, content, words, folder):
    play(library(ScriptedBytes(*PIECES)))
    (path,) = folder.iterdir()
    if content is None:
        lines = path.read_bytes().split(b"\n")
        content = b"\n".join([*lines[:2], b'{"at": "x"}', *lines[3:]])
    path.write_bytes(content)
    result = play(library(ScriptedBytes(), trust=True))
    assert kind(result) == "no_recording"
    assert words in str(result.error)


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.mark.sdk
def test_a_notebook_runs_again_without_a_server(loopback: FaultServer, folder, monkeypatch) -> None:
    monkeypatch.setenv("NBSTREAM_DATA_DIR", str(folder.parent / "data"))
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api_key": KEY, "display": False}
    loopback.send(f": {KEY}\n\n".encode(), chat_body("Hello", usage=(3, 4)))
    with nbs.recordings(folder):
        first = nbs.stream("Say hello", **options)
    assert len(loopback.requests) == 1
    options["base_url"] = "http://127.0.0.1:9/v1"
    with nbs.recordings(folder, "replay"):
        again = nbs.stream("Say hello", **options)
        with pytest.raises(nbs.StreamError, match="There is no recording of this request") as missing:
            nbs.stream("Say good-bye", **options)
    assert (again.text, again.usage) == (first.text, first.usage)
    assert 'messages[0].content: "Say hello", now "Say good-bye"' in str(missing.value)
    (path,) = folder.iterdir()
    assert path.name.startswith("say-hello-")
    assert KEY not in path.read_text()
    status = nbs.recordings.status()
    assert [(use.words, use.how) for use in status.uses[-2:]] == [("say hello", "missing"), ("say hello", "fresh")]
    assert "say hello" in status._repr_html_()


def test_one_file_is_played_only_for_its_own_request(loopback: FaultServer, folder, monkeypatch) -> None:
    monkeypatch.setenv("NBSTREAM_DATA_DIR", str(folder.parent / "data"))
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "display": False}
    loopback.send(chat_body("One"))
    nbs.stream("Count", record=folder / "one.jsonl", **options)
    assert nbs.stream("Count", replay=folder / "one.jsonl", **options).text == "One"
    with pytest.raises(nbs.StreamError, match="epoch: nothing, now 2"):
        nbs.stream("Count", replay=folder / "one.jsonl", epoch=2, **options)
    with pytest.raises(UsageError, match="exclude each other"):
        nbs.stream("Count", replay="a", record="b", **options)


def test_a_changed_request_is_asked_again_and_says_why(loopback: FaultServer, folder, monkeypatch) -> None:
    monkeypatch.setenv("NBSTREAM_DATA_DIR", str(folder.parent / "data"))
    monkeypatch.setenv("NBSTREAM_RECORDINGS", str(folder))
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "display": False}
    for text in ("One", "Another", "Two"):
        loopback.send(chat_body(text))
    nbs.stream("Count", **options)
    assert nbs.stream("Count", epoch=2, **options).warnings == (), "another sample is no change"
    assert nbs.recordings.status().uses[-1].how == "missing"
    second = nbs.stream("Count", temperature=0.5, **options)
    (warning,) = second.warnings
    assert second.text == "Two"
    assert warning.kind == "stale_recording"
    assert warning.message.endswith("temperature: nothing, now 0.5.")
    assert nbs.recordings.status().uses[-1].how == "stale"
    assert len(loopback.requests) == 3


def test_a_chat_keeps_when_an_answer_was_recorded(loopback: FaultServer, folder, monkeypatch) -> None:
    monkeypatch.setenv("NBSTREAM_DATA_DIR", str(folder.parent / "data"))
    loopback.send(chat_body("Hi", usage=(3, 4)))
    for _ in range(2):
        chat = nbs.Chat(model="m", base_url=loopback.base_url)
        with nbs.recordings(folder):
            chat.stream("Hello", display=False)
    assert len(loopback.requests) == 1
    chat.save(folder.parent / "chat.json")
    result = nbs.Chat.load(folder.parent / "chat.json").turns[-1].result
    assert result.recorded_at == chat.turns[-1].result.recorded_at is not None
    assert result.all_rounds[0].recorded_at == result.recorded_at


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nbs.recordings("r", "reply"), "there is no mode 'reply' of recordings; did you mean replay?"),
        (
            lambda: nbs.recordings(3),  # type: ignore[arg-type]
            "kept in a directory",
        ),
        (lambda: nbs.recordings("r", speed=0), "speed must be a number above 0"),
        (lambda: nbs.recordings.accept("nowhere.jsonl"), "nowhere.jsonl: No such file"),
    ],
)
def test_bad_input_is_told(call, words):
    with pytest.raises(UsageError, match=words):
        call()


def test_where_accepted_recordings_are_noted_must_be_a_directory(loopback: FaultServer, folder, monkeypatch) -> None:
    (folder.parent / "data").write_text("")
    monkeypatch.setenv("NBSTREAM_DATA_DIR", str(folder.parent / "data"))
    for _ in range(2):
        with nbs.recordings(folder), pytest.raises(UsageError, match="NBSTREAM_DATA_DIR must name a directory"):
            nbs.stream("Count", model="m", base_url=loopback.base_url, display=False)
    assert loopback.requests == []


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_replay_runs_no_tools(loopback: FaultServer, folder, monkeypatch, api: str) -> None:
    monkeypatch.setenv("NBSTREAM_DATA_DIR", str(folder.parent / "data"))
    ran: list[int] = []

    @nbs.tool
    def dice() -> int:
        ran.append(len(ran))
        return len(ran)

    options: dict[str, Any] = {"model": "m", "api": api, "base_url": loopback.base_url, "display": False}
    options["tools"] = [dice]
    loopback.send(calling(api, ("dice", {})))
    loopback.send((chat_body if api == "chat" else responses_body)("A one."))
    with nbs.recordings(folder):
        first = nbs.stream("Roll", approve="all", **options)
    with nbs.recordings(folder, "replay"):
        again = nbs.stream("Roll", **options)
    assert (ran, len(loopback.requests)) == ([0], 2)
    assert again.text == first.text == "A one."
    assert [part.run and part.run.output for part in again.tool_runs] == ["1"]
    assert [each.recorded_at is None for each in again.rounds] == [False, False]
    with nbs.recordings(folder, "replay", run_tools=True), pytest.raises(nbs.StreamError, match="no recording"):
        nbs.stream("Roll", approve="all", **options)
    assert ran == [0, 1]
