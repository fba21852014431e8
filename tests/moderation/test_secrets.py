"""What looks like a secret in a prompt, and the question about it: in chats, terminals, and where nobody is."""

from __future__ import annotations

import io
import random
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.moderation.secrets import secrets_in, told
from nbstream.testing import chat_body
from nbstream.tools.approval import Approved, Denied
from tests.tools.reader import Reader

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
    from nbstream.tools.approval import Question

PATIENCE = 60.0
KEY = "sk-proj-" + "Ab3dEf6hIj9kLm2nOp5q"
CARD = "4111 1111 1111 1111"
ASK = f"Why does {KEY} not work?"


# --- what looks like one ----------------------------------------------------------------------------------------------

RANDOM = random.Random(7)


def letters(count: int, of: str = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789") -> str:
    return "a1" + "".join(RANDOM.sample(of, min(count, len(of)) - 2)) + "b" * (count - min(count, len(of)))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (KEY, "an OpenAI key"),
        (f"sk-{letters(48)}", "an OpenAI key"),
        (f"sk-ant-api03-{letters(40)}", "an Anthropic key"),
        (f"sk-or-v1-{letters(40)}", "an OpenRouter key"),
        ("AKIAQ3EGSIKTZ7BNWR5X", "an AWS access key"),
        (f"ghp_{letters(36)}", "a GitHub token"),
        (f"github_pat_{letters(40)}", "a GitHub token"),
        (f"glpat-{letters(20)}", "a GitLab token"),
        (f"xoxb-2345678901-{letters(20)}", "a Slack token"),
        (f"AIza{letters(35)}", "a Google key"),
        (f"sk_live_{letters(24)}", "a Stripe key"),
        (f"hf_{letters(34)}", "a Hugging Face token"),
        (f"gsk_{letters(52)}", "a Groq key"),
        (f"npm_{letters(36)}", "an npm token"),
        (f"AccountKey={letters(60)}==", "an Azure storage key"),
        (f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{letters(43)}", "a signed token (JWT)"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "a private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
        (CARD, "a card number"),
        ("5500-0000-0000-0004", "a card number"),
        ("2223003122003222", "a card number"),
        ("378282246310005", "a card number"),
        ("6011 0009 9013 9424", "a card number"),
        ("30569309025904", "a card number"),
        ("3530111333300000", "a card number"),
        ("6200000000000005", "a card number"),
    ],
)
def test_common_formats_are_found_wherever_they_stand(text: str, kind: str) -> None:
    for around in ("{}", "see {}.", "key={}", '{{"k": "{}"}}', "({}),", "\n{}\n"):
        found = secrets_in(around.format(text))
        assert [each.kind for each in found] == [kind]
        assert text not in told(found)


@pytest.mark.parametrize(
    "text",
    [
        "The sk- prefix, sk-learn-contrib-and-friends-of-it, sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "risk-1234567890abcdefghijkl",
        "Order 1234567890123456, at 1700000000000, of 20240131123456",
        "3.14159265358979323846 and 4111111111111111.5 and 0.4111111111111111",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "v4111111111111111x, id_4111111111111111",
        "https://example.org/4111111111111111/a",
        "-----BEGIN PUBLIC KEY-----",
        "eyJhbGciOiJIUzI1NiJ9",
        "123e4567-e89b-12d3-a456-426614174000",
        "",
    ],
)
def test_what_only_resembles_one_is_not(text: str) -> None:
    assert secrets_in(text) == []


def test_a_long_prompt_is_looked_through_in_a_time_that_grows_with_it() -> None:
    for text in ("4" * 200_000, "4 " * 100_000, "sk-" * 70_000, "eyJ" * 70_000, "a" * 200_000, "-----BEGIN " * 20_000):
        assert secrets_in(text) == []  # or the test takes for ever


def test_several_are_told_once_each_and_no_more_than_some() -> None:
    assert told(secrets_in(f"{KEY} {CARD} {KEY}")) == "an OpenAI key (sk-p…Op5q) and a card number (…1111)"
    many = " ".join(f"ghp_{letters(36)[:-2]}{number:02}" for number in range(40))
    assert len(secrets_in(many)) == 5


# --- the question -----------------------------------------------------------------------------------------------------


@pytest.fixture
def options(loopback: FaultServer) -> dict[str, Any]:
    return {"model": "m", "base_url": loopback.base_url, "api": "chat", "max_retries": 0}


def test_where_nobody_can_be_asked_nothing_is_sent(loopback: FaultServer, options: dict[str, Any]) -> None:
    with pytest.raises(nbs.errors.SecretsError) as caught:
        nbs.stream(ASK, display=False, **options)
    assert loopback.requests == []
    assert "an OpenAI key (sk-p…Op5q)" in caught.value.message
    assert "allow_secrets=True" in caught.value.message
    assert KEY not in caught.value.message
    assert (caught.value.kind, caught.value.result.state) == ("secrets", "failed")


def test_with_leave_it_is_sent(loopback: FaultServer, options: dict[str, Any]) -> None:
    loopback.send(chat_body("Hi"))
    assert nbs.stream(ASK, display=False, allow_secrets=True, **options).text == "Hi"
    with pytest.raises(nbs.errors.UsageError, match="allow_secrets must be True or False"):
        nbs.stream(ASK, display=False, allow_secrets="yes", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "prompt",
    [
        [{"role": "user", "content": [{"type": "text", "text": CARD}]}],
        [{"role": "system", "content": ASK}, {"role": "user", "content": "Hi"}],
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi."}, {"role": "user", "content": CARD}],
    ],
)
def test_it_is_found_in_every_part_of_what_is_new(prompt: Any, options: dict[str, Any], loopback: FaultServer) -> None:
    with pytest.raises(nbs.errors.SecretsError):
        nbs.stream(prompt, display=False, **options)
    with pytest.raises(nbs.errors.SecretsError):
        nbs.stream("Hi", system=ASK, display=False, **options)
    assert loopback.requests == []


def test_the_reader_of_a_chat_is_asked_and_not_again_about_what_was_sent(
    loopback: FaultServer, options: dict[str, Any]
) -> None:
    asked: list[Question] = []

    def allow(question: Question) -> None:
        asked.append(question)
        assert loopback.requests == []
        question.answer(Approved(question.digest))

    for _ in range(2):
        loopback.send(chat_body("Hi"))
    chat = nbs.Chat(**options)
    chat.listen(Reader(allow))
    assert chat.stream(ASK, display=False).text == "Hi"
    [question] = asked
    assert (question.kind, question.arguments) == ("secret", {})
    assert KEY not in question.description
    assert chat.stream("And now?", display=False).text == "Hi"
    assert len(asked) == 1
    assert KEY in loopback.requests[1].json["messages"][0]["content"]


def test_what_its_reader_does_not_want_sent_is_not_and_stays_out_of_the_chat(
    loopback: FaultServer, options: dict[str, Any]
) -> None:
    loopback.send(chat_body("Hi"))
    chat = nbs.Chat(**options)
    leave = chat.listen(Reader(lambda question: question.answer(Denied())))
    result = chat.stream(ASK, display=False)
    assert (result.state, result.text, loopback.requests) == ("cancelled", "", [])
    leave()
    chat.stream("Something else.", display=False)
    assert KEY not in loopback.requests[0].body.decode()


def test_an_answer_that_waits_for_its_reader_is_stopped_by_a_click_and_by_no_clock(
    loopback: FaultServer, options: dict[str, Any]
) -> None:
    asked = threading.Event()
    chat = nbs.Chat(**options, timeout=0.05, total_timeout=0.1)
    chat.listen(Reader(lambda _: asked.set()))
    handle = chat.start(ASK, display=False)
    assert asked.wait(PATIENCE)
    with pytest.raises(TimeoutError):
        handle.result(0.3)
    handle.cancel()
    assert handle.result(PATIENCE).state == "cancelled"
    assert loopback.requests == []


@pytest.mark.parametrize(("typed", "requests"), [("y", 1), ("perhaps\nNO", 0)])
def test_in_a_terminal_it_is_typed(
    typed: str, requests: int, loopback: FaultServer, options: dict[str, Any], monkeypatch: Any, capsys: Any
) -> None:
    loopback.send(chat_body("Hi"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{typed}\n"))
    state = nbs.stream(ASK, surface="terminal", **options).state
    assert state == ("completed" if requests else "cancelled")
    assert len(loopback.requests) == requests
    shown = capsys.readouterr().out
    assert "The prompt seems to hold an OpenAI key (sk-p…Op5q). It would be sent to 127.0.0.1" in shown
    assert "Send it all the same? [y]es, [n]o:" in shown
    assert KEY not in shown


def test_moderation_is_not_asked_before_the_reader_has_said_yes(options: dict[str, Any]) -> None:
    checked: list[str] = []
    with pytest.raises(nbs.errors.SecretsError):
        nbs.stream(ASK, moderate=checked.append, display=False, **options)
    assert checked == []


# --- magics -----------------------------------------------------------------------------------------------------------


def test_a_cell_says_which_option_sends_it(shell: Any, loopback: FaultServer) -> None:
    loopback.send(chat_body("Hi"))
    nbs.configure(base_url=loopback.base_url, model="m", max_retries=0, surface="static")
    outcome = shell.run_cell(f"%%stream\n{ASK}")
    assert "Send it all the same with --allow-secrets" in str(outcome.error_in_exec)
    assert KEY not in str(outcome.error_in_exec)
    shell.run_cell(f"%%stream --allow-secrets\n{ASK}").raise_error()
    assert shell.user_ns["stream_text"] == "Hi"


def test_a_chat_is_not_allowed_for_good_by_one_cell(shell: Any, loopback: FaultServer) -> None:
    for _ in range(2):
        loopback.send(chat_body("Hi"))
    nbs.configure(base_url=loopback.base_url, model="m", max_retries=0, surface="static")
    shell.run_cell(f"%%stream --chat talk --allow-secrets\n{ASK}").raise_error()
    assert "allow_secrets" not in shell.user_ns["talk"].options
    assert shell.run_cell(f"%%stream --chat talk\nAnd {CARD}?").error_in_exec is not None
    assert len(loopback.requests) == 1


@pytest.mark.usefixtures("demo")
def test_the_magic_names_who_moderates(shell: Any) -> None:
    nbs.configure(model="demo", surface="static")
    shell.run_cell("def check(text): return 'unsafe' in text and ['unsafe']").raise_error()
    shell.run_cell("%%stream --moderate check -o said\nSomething unsafe").raise_error()
    result = shell.user_ns["stream_result"]
    assert (result.finish_reason, result.moderation[0].by, shell.user_ns["said"]) == ("content_filter", "check", "")
    shell.run_cell("%%stream --moderate openai --on-flagged notify\nSomething unsafe").raise_error()
    assert shell.user_ns["stream_result"].moderation[-1].outcome == "flagged"
    shell.run_cell("import openai\n")
    shell.run_cell("%%stream --moderate provider\nhello").raise_error()
    for wrong, words in (("chekc", "did you mean check?"), ("provder", "did you mean provider?")):
        assert words in str(shell.run_cell(f"%%stream --moderate {wrong}\nhello").error_in_exec)
    assert "there is no moderation" in str(shell.run_cell("%%stream --on-flagged notify\nhello").error_in_exec)
