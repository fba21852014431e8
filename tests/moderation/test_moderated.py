"""Moderation as a user asks for it, over real HTTP against the demo and scripted servers, on both APIs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Literal

import pytest

import nbstream as nbs
from nbstream.events import TextDelta
from nbstream.moderation import Moderation, Verdict
from nbstream.streaming.engine import engine
from nbstream.testing import chat_body, responses_body
from nbstream.text.secret import Secret
from tests.reach import holders_of

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from nbstream.testing import FaultServer

PATIENCE = 60.0
UNSAFE = "Say something unsafe."
DROPPED = "violence"
NOTIFY: dict[str, Any] = {"on_flagged": "notify"}

pytestmark = pytest.mark.parametrize("api", ["chat", "responses"])


@pytest.fixture
def ask(demo: Any, api: Any) -> Callable[..., nbs.StreamResult]:  # noqa: ARG001  it is asked
    def ask(prompt: str, **options: Any) -> nbs.StreamResult:
        return nbs.stream(prompt, model="demo", api=api, display=False, **options)

    return ask


@pytest.mark.parametrize("moderate", ["provider", "openai", lambda text: [DROPPED] if DROPPED in text else []])
def test_an_answer_is_blocked_marked_or_let_through(ask: Callable[..., nbs.StreamResult], moderate: Any) -> None:
    by = moderate if isinstance(moderate, str) else "<lambda>"
    flagged = Verdict("answer", "flagged", (DROPPED,), by)
    blocked = ask(UNSAFE, moderate=moderate)
    assert (blocked.state, blocked.finish_reason) == ("completed", "content_filter")
    assert DROPPED not in blocked.text
    assert blocked.moderation[-1] == flagged
    marked = ask(UNSAFE, moderate=moderate, **NOTIFY)
    assert (marked.finish_reason, marked.moderation[-1]) == ("stop", flagged)
    assert DROPPED in marked.text
    clean = ask("hello", moderate=moderate)
    assert [(each.subject, each.outcome) for each in clean.moderation] == [("prompt", "clean"), ("answer", "clean")]
    assert clean.text == ask("hello").text


@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_that_is_flagged_is_not_answered(
    ask: Callable[..., nbs.StreamResult],
    demo: Any,
    stream: bool,  # noqa: FBT001
) -> None:
    asked = len(demo.requests)
    result = ask("Is violence bad?", moderate="openai", stream=stream)
    assert (result.finish_reason, result.text) == ("content_filter", "")
    assert [each.path for each in demo.requests[asked:]] == ["/v1/moderations"]
    result = ask("Is violence bad?", moderate="provider", stream=stream)
    assert (result.finish_reason, result.text, result.moderation[0].outcome) == ("content_filter", "", "flagged")


def test_what_the_provider_could_not_check_is_not_shown_and_never_clean(ask: Callable[..., nbs.StreamResult]) -> None:
    failing = {"demo": {"moderation": "error"}, "moderate": "provider"}
    with pytest.raises(nbs.errors.ModerationError, match=r"The answer was not checked.*moderation_failed") as caught:
        ask("hello", **failing)
    assert caught.value.result.text == ""
    shown = ask("hello", **failing, **NOTIFY)
    assert [each.outcome for each in shown.moderation] == ["unchecked", "unchecked"]
    assert shown.text


def test_the_verdict_of_a_provider_is_told_also_where_nobody_asked_nbstream_for_it(
    ask: Callable[..., nbs.StreamResult],
) -> None:
    result = ask(UNSAFE, moderation={"model": "omni-moderation-latest"})
    assert result.moderation == (Verdict("prompt", "clean"), Verdict("answer", "flagged", (DROPPED,)))
    assert "flagged" in dict(result.summary())["moderation (answer)"]
    assert result.metadata()["moderation"][1]["categories"] == (DROPPED,)


@pytest.mark.usefixtures("demo")
def test_nothing_unchecked_is_in_an_event_a_text_or_an_observer(api: Any) -> None:
    seen: list[Any] = []

    class Observer:
        def on_request(self, *_: Any) -> None: ...
        def on_event(self, _: int, event: Any) -> None:
            seen.append(event)

        def on_end(self, _: int, result: Any) -> None:
            seen.append(result)
            ended.set()

    ended = threading.Event()
    leave = engine().observers.add(Observer())
    try:
        moderate = Moderation("openai", piece=50, window=20)
        pace = {"first_token": 0.0, "tokens_per_second": 500.0}
        handle = nbs.start(UNSAFE, model="demo", api=api, display=False, moderate=moderate, demo=pace)
        seen += [*handle.events(), *handle, *handle.texts(), handle.text, handle.snapshot]
        assert ended.wait(PATIENCE)
    finally:
        leave()
    assert any(isinstance(each, TextDelta) for each in seen), "what was checked is seen before the end"
    assert "flags the word" not in "".join(map(repr, seen)) + "".join(str(getattr(each, "text", "")) for each in seen)


@pytest.mark.parametrize("moderate", ["provider", "openai"])
def test_a_recording_is_written_only_of_what_was_checked(
    ask: Callable[..., nbs.StreamResult], moderate: str, tmp_path: pathlib.Path
) -> None:
    def unchecked(_: str) -> bool:
        assert list(tmp_path.iterdir()) == [], "nothing is written before the check"
        return False

    with nbs.recordings(tmp_path):
        ask(UNSAFE, moderate=moderate)
        assert list(tmp_path.iterdir()) == []
        first = ask("hello", moderate=moderate)
        [recording] = tmp_path.iterdir()
        again = ask("hello", moderate=moderate)
        assert (again.text, again.recorded_at is not None) == (first.text, True)
        assert again.moderation == first.moderation
        recording.unlink()
        ask("hello", moderate=unchecked)
        assert len(list(tmp_path.iterdir())) == 1


def test_a_recording_that_was_made_without_moderation_is_checked_when_it_is_played(
    ask: Callable[..., nbs.StreamResult], tmp_path: pathlib.Path
) -> None:
    with nbs.recordings(tmp_path):
        assert DROPPED in ask(UNSAFE).text
        played = ask(UNSAFE, moderate="openai")
    assert (played.finish_reason, played.recorded_at is not None) == ("content_filter", True)
    assert DROPPED not in played.text


def test_in_a_chat_a_prompt_that_was_flagged_is_not_sent_with_the_next_one(
    api: Any, demo: Any, tmp_path: pathlib.Path
) -> None:
    chat = nbs.Chat(model="demo", api=api, moderate="openai")
    flagged = chat.stream("Is violence bad?", display=False)
    assert flagged.finish_reason == "content_filter"
    asked = len(demo.requests)
    assert "carried 1 message" in chat.stream("Zebras?", display=False).text
    assert len(demo.requests) > asked
    chat.save(tmp_path / "chat.json")
    loaded = nbs.Chat.load(tmp_path / "chat.json")
    assert loaded.turns[1].result.moderation == flagged.moderation
    assert "moderate" not in {**loaded.options, **loaded.untrusted}


def test_the_results_of_tools_are_checked_before_they_are_sent(api: Any, loopback: FaultServer) -> None:
    from tests.tools.wire import calling

    checked: list[str] = []

    @nbs.tool(safe=True)
    def look() -> str:
        """Look."""
        return "what a tool found"

    def check(text: str) -> bool:
        checked.append(text)
        return False

    loopback.send(calling(api, ("look", {}), text="Let me see."))
    loopback.send(chat_body("Done.") if api == "chat" else responses_body("Done."))
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
    result = nbs.stream("Look.", system="Be brief.", tools=[look], moderate=check, **options)
    assert result.text == "Let me see.\n\nDone."
    prompts = [text for text in checked if text.startswith("Be brief.\n\nLook.")]
    assert ["what a tool found" in text for text in prompts] == [False, True]
    assert [(each.subject, each.outcome) for each in result.moderation] == [("prompt", "clean"), ("answer", "clean")]


def test_a_hook_that_hangs_ends_neither_other_answers_nor_the_program(api: Any, loopback: FaultServer) -> None:
    release = threading.Event()

    def hangs(_: str) -> bool:
        release.wait(PATIENCE)
        return False

    for _ in range(2):
        loopback.send(chat_body("Hi") if api == "chat" else responses_body("Hi"))
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
    try:
        stuck = nbs.start("?", moderate=Moderation(hangs, at=("answer",), timeout=0.3), **options)
        assert nbs.stream("?", **options).text == "Hi"
        with pytest.raises(nbs.errors.ModerationError, match=r"it took longer than 0\.3 s"):
            stuck.result(PATIENCE)
    finally:
        release.set()


def test_the_endpoint_is_asked_again_and_what_it_says_is_believed_only_if_it_is_a_verdict(
    api: Any, loopback: FaultServer
) -> None:
    clean = json.dumps({"results": [{"flagged": False, "categories": {}}]})
    loopback.send('{"error": {"message": "slow down"}}', status=429, headers={"retry-after-ms": "1"})
    loopback.send(clean)
    loopback.send(chat_body("Hi") if api == "chat" else responses_body("Hi"))
    for wrong in ('{"results": []}', '{"results": [{"flagged": "no"}]}', "[]", "<html>", '{"results": [{}, {}]}'):
        loopback.send(wrong)
        options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
        moderate = Moderation("openai", base_url=loopback.base_url)
        with pytest.raises(nbs.errors.ModerationError, match="not checked"):
            nbs.stream("?", moderate=moderate, **options)
        loopback.send(clean)
        loopback.send(chat_body("Hi") if api == "chat" else responses_body("Hi"))
    assert loopback.requests[0].json["input"] == ["?"]


def test_what_the_endpoint_refuses_is_not_repeated(api: Any, loopback: FaultServer) -> None:
    loopback.send('{"error": {"message": "Invalid input: the unspeakable"}}', status=400)
    moderate = Moderation("openai", base_url=loopback.base_url)
    with pytest.raises(nbs.errors.ModerationError, match="refused it with status 400") as caught:
        nbs.stream("the unspeakable", moderate=moderate, model="m", base_url=loopback.base_url, api=api, display=False)
    assert "unspeakable" not in str(caught.value)


def test_other_servers_are_not_asked_for_moderation(api: Any, loopback: FaultServer, monkeypatch: Any) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(nbs.errors.ModerationError, match=r"No key for api\.openai\.com"):
        nbs.stream("?", moderate="openai", model="m", base_url=loopback.base_url, api=api, display=False)
    assert loopback.requests == []


def test_no_key_is_in_plain_while_the_endpoint_is_awaited(api: Any, loopback: FaultServer) -> None:
    key = Secret("sk-0123456789abcdef" * 2)  # a plain one would be found here
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
    heard, release = threading.Event(), threading.Event()

    def check(_: str) -> bool:
        heard.set()
        release.wait(PATIENCE)
        return False

    engine().last_results.clear()
    loopback.send(chat_body("Hi") if api == "chat" else responses_body("Hi"))
    handle = nbs.start("?", moderate=Moderation(check, at=("answer",)), api_key=key.reveal(), **options)
    assert heard.wait(PATIENCE)
    assert holders_of(key.reveal(), handle, engine()) == []
    release.set()
    assert holders_of(key.reveal(), handle, handle.result(PATIENCE), engine()) == []


def test_where_the_demo_has_no_server_it_moderates_all_the_same(api: Any) -> None:
    code = f"""
import sys, nbstream as nbs
sys.modules["tornado"] = None
for moderate in ("openai", "provider"):
    result = nbs.stream({UNSAFE!r}, model="demo", api={api!r}, display=False, moderate=moderate)
    print(result.finish_reason, result.moderation[-1].categories)
"""
    environment = {**os.environ, "NBSTREAM_DEMO_PACE": "instant"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "content_filter ('violence',)\n" * 2


def test_the_relay_of_a_jupyter_server_is_asked_for_moderation_as_well(
    api: Any, loopback: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSTREAM_RELAY_URL", loopback.base_url)
    monkeypatch.setenv("NBSTREAM_RELAY_TOKEN", "of-this-user")
    clean = json.dumps({"results": [{"flagged": False}]})
    for body in (clean, chat_body("Hi") if api == "chat" else responses_body("Hi"), clean):
        loopback.send(body)
    result = nbs.stream("?", base_url="jupyter", model="m", api=api, display=False, moderate="openai")
    assert [each.outcome for each in result.moderation] == ["clean", "clean"]
    assert [each.path for each in loopback.requests][::2] == ["/v1/moderations"] * 2


def test_an_answer_whose_check_hangs_is_stopped_at_once(api: Any, loopback: FaultServer) -> None:
    hangs, release = threading.Event(), threading.Event()

    def check(_: str) -> bool:
        hangs.set()
        release.wait(PATIENCE)
        return False

    loopback.send(chat_body("Hi") if api == "chat" else responses_body("Hi"))
    options: dict[str, Any] = {"model": "m", "base_url": loopback.base_url, "api": api, "display": False}
    places: list[Literal["prompt", "answer"]] = ["answer", "prompt"]
    for at in places:
        hangs.clear()
        handle = nbs.start("?", moderate=Moderation(check, at=[at], timeout=PATIENCE), **options)
        assert hangs.wait(PATIENCE)
        began = time.monotonic()
        handle.cancel()
        result = handle.result(PATIENCE)
        assert time.monotonic() - began < PATIENCE / 4
        assert (result.state, result.text, len(loopback.requests)) == ("cancelled", "", 1)
    release.set()
