"""`%%stream --chat NAME` in a real IPython shell."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

import nbstream as nbs
from tests.chats import Listener, half, sent, texts, whole
from tests.conversation.talks import said


@pytest.fixture
def run(shell):
    """Run a cell; return whether it succeeded, and what a reader sees of it."""

    def run(cell: str) -> tuple[bool, str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            result = shell.run_cell(cell)
        return result.success, (out.getvalue() + err.getvalue()).strip()

    return run


@pytest.fixture
def options(loopback, make_chat):
    """The options that lead to the scripted server."""
    del make_chat  # its chats are forgotten afterwards, and so are those of the magic
    return f"-m m --base-url {loopback.base_url} --max-retries 0"


def test_a_chat_is_begun_and_continued(run, shell, loopback, options):
    for answer in ("A1", "A2"):
        loopback.send(whole(answer))
    assert run(f'%%stream --chat tutor {options} -s "Be terse." --temperature 0.5\nQ1') == (True, "A1")
    chat: Any = shell.user_ns["tutor"]
    assert isinstance(chat, nbs.Chat)
    assert (chat.name, chat.system) == ("tutor", "Be terse.")
    assert run("%%stream --chat tutor -o second\nQ2") == (True, "A2")
    assert sent(loopback) == said("Q1", "A1", "Q2", system="Be terse.")
    assert loopback.requests[-1].json["temperature"] == 0.5
    assert shell.user_ns["tutor"] is chat
    assert shell.user_ns["second"] == shell.user_ns["stream_text"] == "A2"
    assert shell.user_ns["stream_result"] is chat.result


def test_an_image_goes_with_its_question_only(run, shell, loopback, options):
    loopback.send(whole("A"))
    assert run(f"%%stream --chat tutor {options} --image https://example.org/a.png --file {__file__}\nQ1")[0]
    assert run("%%stream --chat tutor\nQ2")[0]
    assert [isinstance(message["content"], str) for message in sent(loopback)] == [False, True, True]
    assert [part["type"] for part in sent(loopback)[0]["content"]] == ["text", "image_url", "text"]
    assert not {"image", "file"} & set(shell.user_ns["tutor"].options)


def test_options_stay_until_others_are_given(run, loopback, options):
    loopback.send(whole("A"))
    for line in (f"{options} --param seed=1", "-m other", "-s Kind --param seed=2"):
        run(f"%%stream --chat tutor {line}\nQ")
    bodies = [received.json for received in loopback.requests]
    assert [(body["model"], body["seed"]) for body in bodies] == [("m", 1), ("other", 1), ("other", 2)]
    assert bodies[-1]["messages"][0] == {"role": "system", "content": "Kind"}


def test_the_line_form(run, shell, loopback, options):
    loopback.send(whole("A1"))
    assert run(f"r = %stream --chat tutor {options} What's it, then.")[0]
    assert shell.user_ns["r"].text == "A1"
    assert texts(shell.user_ns["tutor"]) == ["What's it, then.", "A1"]


@pytest.mark.parametrize("in_a_panel", [False, True])
def test_the_chat_of_a_variable_is_continued_and_its_listeners_see_it(run, shell, loopback, make_chat, in_a_panel):
    chat = make_chat(messages=said("Q1", "A1"))
    listener = Listener(chat)
    chat.listen(listener)
    variable = SimpleNamespace(chat=chat) if in_a_panel else chat
    shell.user_ns["talk"] = variable
    loopback.send(whole("A2"))
    assert run("%%stream --chat talk\nQ2") == (True, "A2")
    assert sent(loopback) == said("Q1", "A1", "Q2")
    assert len(listener.ended) == 1
    assert shell.user_ns["talk"] is variable


def test_a_variable_that_is_no_chat_is_left_alone(run, shell, loopback, options):
    shell.user_ns["tutor"] = "mine"
    for answer in ("A1", "A2"):
        loopback.send(whole(answer))
        assert run(f"%%stream --chat tutor {options}\nQ")[0]
    assert shell.user_ns["tutor"] == "mine"
    assert texts(nbs.Chat.named("tutor")) == ["Q", "A1", "Q", "A2"]


def test_a_chat_whose_variable_is_gone_is_found_again(run, shell, loopback, options):
    loopback.send(whole("A"))
    run(f"%%stream --chat tutor {options}\nQ1")
    del shell.user_ns["tutor"]
    run("%%stream --chat tutor\nQ2")
    assert texts(shell.user_ns["tutor"]) == ["Q1", "A", "Q2", "A"]


def test_names_are_apart(run, shell, loopback, options):
    loopback.send(whole("A"))
    for name in ("one", "two"):
        run(f"%%stream --chat {name} {options}\nQ {name}")
    assert texts(shell.user_ns["one"]) == ["Q one", "A"]
    assert texts(shell.user_ns["two"]) == ["Q two", "A"]


def test_a_failed_turn_is_kept_and_can_be_gone_on_with(run, shell, loopback, options):
    loopback.send(half("Ha"), then="close")
    loopback.send(whole("lf"))
    ok, seen = run(f"%%stream --chat tutor {options} -o out\nQ1")
    assert not ok
    assert "Connection lost" in seen
    assert "out" not in shell.user_ns
    assert run("%stream_continue -o out") == (True, "Half")
    assert shell.user_ns["out"] == "Half"
    assert texts(shell.user_ns["tutor"]) == ["Q1", "Half"]


def test_quiet_shows_nothing(run, shell, loopback, options):
    loopback.send(whole("A1"))
    assert run(f"%%stream --chat tutor --quiet {options}\nQ") == (True, "")
    assert texts(shell.user_ns["tutor"]) == ["Q", "A1"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--chat 1x", "is not a valid variable name"),
        ("--chat tutor --param messages=[]", "messages cannot be an option for every turn of a chat"),
        ("--chat tutor --max-tokens 0 -m demo", "a whole number above 0"),
    ],
)
def test_a_wrong_call_is_one_line(run, loopback, make_chat, line, words):
    del make_chat
    ok, seen = run(f"%%stream {line}\nQ")
    assert (ok, loopback.requests) == (False, [])
    assert seen.startswith("UsageError: ")
    assert words in seen
    assert "\n" not in seen


def test_a_chat_that_still_answers_says_so(run, shell, loopback, make_chat):
    chat = make_chat()
    shell.user_ns["talk"] = chat
    loopback.send(half("Ha"), then="hold")
    handle = chat.start("Q1", display=False)
    ok, seen = run("%%stream --chat talk\nQ2")
    assert not ok
    assert seen == "UsageError: this chat is still answering; wait, or stop it first"
    handle.cancel()
    handle.result(10)


def test_it_is_documented_and_completed(shell):
    with provisionalcompleter():
        matches = [each.text for each in shell.Completer.completions("%%stream --ch", 13)]
    assert "--chat" in matches
    assert "--chat tutor" in shell.magics_manager.magics["cell"]["stream"].__doc__
