"""`%stream_continue` in a real IPython shell, against a server that breaks off."""

from __future__ import annotations

from collections import deque
from concurrent import futures
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.result import StreamResult, StreamState
from nbstream.streaming.engine import engine
from nbstream.testing import FaultServer, chat_body, error_body, responses_body

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.ran import Ran

NAMES = {"stream_text", "stream_usage", "stream_result"}
HALF = chat_body("Hel", "lo", finish_reason=None, done=False)
BEGUN = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


@pytest.fixture
def ask(run: Callable[[str], Ran], loopback: FaultServer) -> Callable[..., Ran]:
    """Ask the scripted server, once."""

    def ask(*options: str) -> Ran:
        line = " ".join(["--quiet", "-m m", "--max-retries 0", "--base-url", loopback.base_url, *options])
        return run(f"%%stream {line}\nHi")

    return ask


@pytest.fixture
def broken(ask: Callable[..., Ran], loopback: FaultServer, ns: dict[str, Any]) -> StreamResult:
    """What is left of an answer that broke off after `Hello`."""
    loopback.send(HALF, then="close")
    assert not ask().success
    result: StreamResult = ns["stream_result"]
    assert (result.text, result.state) == ("Hello", "failed")
    return result


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("broken")
def test_the_last_answer_goes_on_and_its_names_are_bound(
    run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    loopback.send(chat_body(" world", usage=(7, 2)))
    ran = run("%stream_continue -o summary -u cost -r whole")
    assert (ran.success, ran.result) == (True, None)
    result = ns["stream_result"]
    assert isinstance(result, StreamResult)
    assert (result.text, result.state) == ("Hello world", "completed")
    assert ns["stream_text"] == ns["summary"] == "Hello world"
    assert ns["stream_usage"] == ns["cost"] == result.usage
    assert result.usage is not None
    assert ns["whole"] is result
    assert {"summary", "cost", "whole", *NAMES} <= set(run("%who_ls").result)
    assert loopback.requests[1].json["messages"] == BEGUN


@pytest.mark.usefixtures("broken")
def test_the_whole_answer_is_shown(run: Callable[[str], Ran], loopback: FaultServer) -> None:
    loopback.send(chat_body(" world"))
    assert run("%stream_continue").shown.strip() == "Hello world"


@pytest.mark.usefixtures("broken")
def test_quiet_shows_nothing(run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer) -> None:
    loopback.send(chat_body(" world"))
    assert run("%stream_continue --quiet -o summary").shown == ""
    assert ns["summary"] == "Hello world"


def test_any_result_can_be_named(
    broken: StreamResult, run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    ns["first"] = broken
    loopback.send(chat_body("Something else"))
    loopback.send(chat_body(" world"))
    run(f"%%stream --quiet -m m --base-url {loopback.base_url}\nHi")
    assert ns["stream_text"] == "Something else"
    assert run("%stream_continue first --quiet -r again").success
    assert ns["stream_text"] == ns["again"].text == "Hello world"
    assert ns["first"] is broken, "the name it came from stays as it is"
    assert loopback.requests[2].json["messages"] == BEGUN


def test_a_name_may_come_before_or_after_the_options_and_may_be_set_again(
    broken: StreamResult, run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    for line in ("run --quiet -r run", "--quiet -r run run"):
        ns["run"] = broken
        loopback.send(chat_body(" world"))
        assert run(f"%stream_continue {line}").success
        assert ns["run"].text == "Hello world"


@pytest.mark.usefixtures("broken")
def test_it_can_be_gone_on_with_until_it_is_whole(
    run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    loopback.send(chat_body(" wor", finish_reason=None, done=False), then="close")
    loopback.send(chat_body("ld"))
    assert not run("%stream_continue --quiet -o summary").success
    assert ns["stream_result"].text == "Hello wor"
    assert "summary" not in ns
    assert run("%stream_continue --quiet -o summary").success
    assert ns["summary"] == "Hello world"


# --- what else can be continued ---------------------------------------------------------------------------------------


def test_an_answer_cut_at_its_limit(
    ask: Callable[..., Ran], run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    loopback.send(chat_body("Hello", finish_reason="length"))
    loopback.send(chat_body(" world"))
    assert ask("-o summary", "--max-tokens 1").success
    assert run("%stream_continue --quiet -o summary").success
    assert ns["summary"] == "Hello world"
    assert loopback.requests[1].json["max_tokens"] == 1


@pytest.mark.wire("H21")
def test_a_background_response_is_taken_up(
    ask: Callable[..., Ran], run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    loopback.send(responses_body("Hel", "lo", status=None), then="close")
    loopback.send(responses_body("Hel", "lo", " world", after=5))
    assert not ask("--api responses", "--param background=true").success
    assert run("%stream_continue --quiet").success
    assert ns["stream_text"] == "Hello world"
    taken_up = loopback.requests[1]
    assert (taken_up.method, taken_up.path) == ("GET", "/v1/responses/resp_1")
    assert taken_up.query == {"stream": "true", "starting_after": "5"}


# --- failures and wrong calls -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("broken")
def test_a_continuation_that_fails_keeps_all_the_text_and_leaves_no_stale_names(
    run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    ns |= dict.fromkeys(("stream_text", "stream_usage", "a", "b"), "stale")
    loopback.send(error_body("busy"), status=503, headers={"content-type": "application/json"})
    ran = run("%stream_continue --quiet -o a -u b -r c")
    assert not ran.success
    assert "ServerError: " in ran.shown
    assert len(ran.shown.strip().splitlines()) <= 3
    assert not {"stream_text", "stream_usage", "a", "b"} & set(ns)
    assert ns["stream_result"] is ns["c"]
    assert (ns["c"].text, ns["c"].state) == ("Hello", "failed")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nowhere", "no StreamResult named nowhere"),
        ("text", "no StreamResult named text"),
        ("1x", "is not a valid variable name"),
        ("-o 1x", "is not a valid variable name"),
        ("-o", "expected one argument"),
        ("--no-such-option", "unrecognized arguments"),
        ("one two", "unrecognized arguments"),
        ("-m demo", "unrecognized arguments"),
        ("whole", "the answer is complete"),
        ("elsewhere", "run its prompt again"),
    ],
)
def test_a_wrong_call_is_one_line_and_sends_nothing(
    broken: StreamResult, run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer, line: str, words: str
) -> None:
    loopback.send(chat_body("Hi"))
    assert run(f"%%stream --quiet -m m --base-url {loopback.base_url} -r whole\nHi").success
    ns |= {"text": "Hello", "elsewhere": StreamResult("Hello", StreamState.FAILED), "stream_result": broken}
    ran = run(f"%stream_continue {line}")
    assert not ran.success
    assert ran.shown.strip().startswith("UsageError: ")
    assert words in ran.shown
    assert "\n" not in ran.shown.strip()
    assert len(loopback.requests) == 2
    assert ns["stream_result"] is broken


@pytest.mark.usefixtures("broken")
def test_an_interrupt_stops_it_and_binds_what_there_is(
    run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = futures.wait

    def interrupted(*_: Any, **__: Any) -> Any:
        monkeypatch.setattr(futures, "wait", wait)
        loopback.wait(requests=2)
        raise KeyboardInterrupt

    loopback.send(chat_body(finish_reason=None, done=False), then="hold")
    monkeypatch.setattr(futures, "wait", interrupted)
    assert not run("%stream_continue --quiet -r again").success
    loopback.wait(left=1)
    assert (ns["again"].text, ns["again"].state) == ("Hello", "cancelled")
    assert ns["stream_result"] is ns["again"]


def test_before_anything_was_asked_there_is_nothing_to_go_on_with(
    run: Callable[[str], Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine(), "last_results", deque())
    ran = run("%stream_continue")
    assert "there is nothing to continue" in ran.shown
    assert "\n" not in ran.shown.strip()


# --- the magic itself -------------------------------------------------------------------------------------------------


def test_help_documents_every_option(run: Callable[[str], Ran]) -> None:
    shown = run("%stream_continue?").shown
    for word in ("--out", "--usage", "--result", "--quiet", "name", "%stream_continue -o summary"):
        assert word in shown
    assert "%%stream_continue" not in shown


def test_it_comes_and_goes_with_the_extension(run: Callable[[str], Ran], shell: Any) -> None:
    assert run("%reload_ext nbstream").success
    assert run("%unload_ext nbstream").success
    assert "stream_continue" not in shell.magics_manager.magics["line"]
    assert run("%load_ext nbstream").success
    assert "stream_continue" in shell.magics_manager.magics["line"]


def test_by_default_it_goes_on_with_the_stream_that_ended_last(
    run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    loopback.send(chat_body("OLD ", finish_reason="length"))
    loopback.send(chat_body("NEW ", finish_reason=None, done=False), then="close")
    loopback.send(chat_body("end"))
    assert run(f"%%stream -m m --base-url {loopback.base_url} --quiet\nold question").success
    asked = f"nbs.stream('new question', model='m', base_url={loopback.base_url!r}, display=False)"
    assert not run(f"import nbstream as nbs\n{asked}").success
    assert run("%stream_continue --quiet").success
    assert ns["stream_text"] == "NEW end"


def test_a_complete_answer_keeps_its_names(
    run: Callable[[str], Ran], ns: dict[str, Any], loopback: FaultServer
) -> None:
    loopback.send(chat_body("Done."))
    assert run(f"%%stream -m m --base-url {loopback.base_url} --quiet\nHello").success
    assert "complete" in run("%stream_continue").shown
    assert ns["stream_text"] == "Done."


# --- comparing --------------------------------------------------------------------------------------------------------


def test_two_answers_are_compared(
    run: Callable[[str], Ran], ask: Callable[..., Ran], loopback: FaultServer, ns: dict[str, Any]
) -> None:
    for text in ("A red cat", "A blue cat"):
        loopback.send(chat_body(text))
        assert ask().success
        ns[text.split()[1]] = ns["stream_result"]
    assert repr(run("%stream_diff").result) == "Answer:\nA [-red-]{+blue+} cat"
    assert repr(run("%stream_diff blue red").result) == "Answer:\nA [-blue-]{+red+} cat"
    assert "two answers are compared" in run("%stream_diff red").shown


def test_a_recording_knows_its_cell(shell: Any, loopback: FaultServer, tmp_path: pathlib.Path) -> None:
    loopback.send(chat_body("Hello"))
    line = f"%%stream --quiet -m m --base-url {loopback.base_url} --record {tmp_path / 'a.jsonl'}"
    shell.run_cell(f"{line}\nHi", store_history=True)
    use = engine().recordings.status().uses[-1]
    assert use.path.name == "a.jsonl"
    assert "--record" in shell.user_ns["In"][use.cell]


def test_what_is_bound_is_what_was_asked_for(
    run: Callable[[str], Ran], loopback: FaultServer, ns: dict[str, Any]
) -> None:
    to = f"--quiet -m m --api chat --max-retries 0 --base-url {loopback.base_url}"
    loopback.send(chat_body("Here:\n```python\nx", finish_reason=None, done=False), then="close")
    loopback.send(chat_body(" = 1\n```\nThat is it."))
    assert not run(f"%%stream {to} --as code\nx").success
    assert run("%stream_continue -o source").success
    assert ns["source"] == ns["stream_text"] == "x = 1"
    assert ns["stream_result"].text == "Here:\n```python\nx = 1\n```\nThat is it."
    ns["Numbers"] = list[int]
    loopback.send(chat_body('{"value": [1', finish_reason=None, done=False), then="close")
    loopback.send(chat_body(", 2]}"))
    assert not run(f"%%stream {to} --schema Numbers\nx").success
    assert run("%stream_continue -o numbers").success
    assert ns["numbers"] == [1, 2]
