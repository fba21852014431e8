"""Base URLs as people paste them: with a query, with the path of an API, without `/v1`."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.cli.commands import main
from nbstream.errors import NotAStreamError, UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.settings.config import settings
from nbstream.settings.target import resolve_target
from nbstream.testing import chat_body, error_body, responses_body
from nbstream.text.address import address_from, bare, with_version
from nbstream.text.place import Place

if TYPE_CHECKING:
    from nbstream.testing import FaultServer

SECRET = "hunter2-hunter2-hunter2"
PAGE = "<!doctype html><title>Welcome</title>"
HTML = {"content-type": "text/html"}


def asked(base_url: str, **options: Any) -> nbs.StreamResult:
    return nbs.stream("Hi", **{"model": "m", "base_url": base_url, "display": False, "max_retries": 0, **options})


@pytest.mark.parametrize("end", ["", "/", "/chat/completions"])
def test_a_query_goes_with_every_request(loopback: FaultServer, end: str) -> None:
    address = f"{loopback.base_url}{end}?api-version=2025-04-01-preview&flag=&q=a%2Bb"
    loopback.send(chat_body("Hi"))
    assert asked(address).text == "Hi"
    assert loopback.requests[-1].target == "/v1/chat/completions?api-version=2025-04-01-preview&flag=&q=a%2Bb"
    loopback.send(responses_body("Hi"))
    assert asked(address, api="responses").text == "Hi"
    assert loopback.requests[-1].target.startswith("/v1/responses?api-version=2025-04-01-preview&")


def test_the_doctor_sends_the_query_too(loopback: FaultServer, capsys: pytest.CaptureFixture[str]) -> None:
    loopback.send(json.dumps({"data": [{"id": "m"}]}), headers={"content-type": "application/json"})
    address = f"{loopback.base_url}?api-version=1&key={SECRET}"
    assert main(["doctor", "-m", "m", "--base-url", address]) == 0
    assert loopback.requests[-1].target == f"/v1/models?api-version=1&key={SECRET}"
    out = capsys.readouterr().out
    assert SECRET not in out
    assert f"{loopback.base_url}?api-version=1 " in out


def test_a_resumed_answer_has_the_query_beside_its_own(loopback: FaultServer) -> None:
    loopback.send(responses_body("Hel", status=None), then="close")
    loopback.send(responses_body("lo"))
    with pytest.raises(nbs.StreamError) as caught:
        asked(f"{loopback.base_url}?api-version=1", api="responses", background=True)
    with contextlib.suppress(nbs.StreamError):
        caught.value.result.resume(display=False)
    path, _, query = loopback.requests[-1].target.partition("?")
    assert (path.rpartition("/")[0], query.split("&")[0]) == ("/v1/responses", "api-version=1")
    assert "starting_after=" in query


def test_a_redirection_brings_its_own_query(loopback: FaultServer) -> None:
    loopback.send(status=307, headers={"location": f"{loopback.base_url}/chat/completions?moved=1"})
    loopback.send(chat_body("Hi"))
    assert asked(f"{loopback.base_url}?api-version=1&api-version=2").text == "Hi"
    assert [request.target.partition("?")[2] for request in loopback.requests] == [
        "api-version=1&api-version=2",
        "moved=1",
    ]


def test_a_secret_in_the_query_is_in_no_message(loopback: FaultServer) -> None:
    loopback.send(error_body(f"No such path: /v1/x?key={SECRET}"), status=404)
    with pytest.raises(nbs.StreamError) as caught:
        asked(f"{loopback.base_url}?key={SECRET}")
    assert SECRET not in str(caught.value) + repr(caught.value.result)
    assert "key=<key>" in str(caught.value)


def test_what_is_no_secret_is_saved_with_a_chat() -> None:
    chat = nbs.Chat(base_url=f"http://localhost/v1?api-version=1&key={SECRET}")
    assert nbs.Chat.from_dict(chat.to_dict(), trust=True).options == {"base_url": "http://localhost/v1?api-version=1"}


@pytest.mark.parametrize(
    ("address", "base_url", "api"),
    [
        ("https://x.example/v1/chat/completions", "https://x.example/v1", "chat"),
        ("https://x.example/v1/responses/", "https://x.example/v1", "responses"),
        ("https://x.example/chat/completions?api-version=1", "https://x.example?api-version=1", "chat"),
        ("https://x.example/v1/chat", "https://x.example/v1/chat", None),
        ("https://x.example/v1/myresponses", "https://x.example/v1/myresponses", None),
        ("\n https://x.example/v1 \t", "https://x.example/v1", None),
    ],
)
def test_an_address_of_one_api_names_the_base_and_the_api(address: str, base_url: str, api: str | None) -> None:
    assert address_from(address) == (base_url, api)
    target = resolve_target(settings(), base_url=address, model="m")
    assert (target.endpoint.base_url, target.api) == (base_url, api or "chat")
    assert resolve_target(settings(), base_url=address, model="m", api="responses").api == "responses", "if asked for"


def test_the_api_of_an_address_is_called(loopback: FaultServer) -> None:
    loopback.send(responses_body("Hi"))
    assert asked(f"{loopback.base_url}/responses").text == "Hi"
    assert [request.path for request in loopback.requests] == ["/v1/responses"]


@pytest.mark.parametrize(
    ("address", "better"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/?key=k", "http://localhost:11434/v1"),
        ("https://x.example/api", "https://x.example/api/v1"),
        ("https://x.example/v1", None),
        ("https://x.example/v1beta/openai/", None),
        ("https://x.example/openai/v1?api-version=1", None),
    ],
)
def test_where_an_api_may_be_instead(address: str, better: str | None) -> None:
    assert with_version(address) == better


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("404 page not found", {"status": 404, "headers": {"content-type": "text/plain"}}),
        ('{"detail":"Not Found"}', {"status": 404}),
        (PAGE, {"status": 404, "headers": HTML}),
        (PAGE, {"status": 405, "headers": HTML}),
        (PAGE, {"headers": HTML}),
    ],
)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_address_without_a_version_is_told(loopback: FaultServer, body: str, how: Any, api: str) -> None:
    loopback.send(body, **how)
    better = Remedy(RemedyKind.USE_ADDRESS, loopback.base_url)
    with pytest.raises(nbs.StreamError) as caught:
        asked(loopback.base_url.removesuffix("/v1"), api=api)
    assert better in caught.value.remedies
    assert "he base URL has no /v1" in str(caught.value)
    for place, words in {
        Place.PYTHON: f'ry base_url="{loopback.base_url}"',
        Place.CELL: f"ry --base-url {loopback.base_url}",
        Place.TERMINAL: f"ry --base-url {loopback.base_url}",
        Place.PANEL: f'ry panel.chat.configure(base_url="{loopback.base_url}")',
    }.items():
        assert words in caught.value.told(place)


def test_a_model_that_is_not_there_is_not_the_addresss_fault(loopback: FaultServer) -> None:
    loopback.send(error_body("No such model", code="model_not_found"), status=404)
    with pytest.raises(nbs.StreamError) as caught:
        asked(loopback.base_url.removesuffix("/v1"))
    assert caught.value.remedies == (Remedy(RemedyKind.CHECK_MODEL, "m"),)


def test_a_page_below_v1_is_still_a_page(loopback: FaultServer) -> None:
    loopback.send(PAGE, headers=HTML)
    with pytest.raises(NotAStreamError, match="answered with an HTML page instead of a stream") as caught:
        asked(loopback.base_url)
    assert "/v1" not in caught.value.happened


@pytest.mark.parametrize("answer", [{"status": 404}, {"headers": HTML}])
def test_the_doctor_tells_it_too(answer: Any, loopback: FaultServer, capsys: pytest.CaptureFixture[str]) -> None:
    loopback.send(PAGE, **answer)
    assert main(["doctor", "-m", "m", "--base-url", loopback.base_url.removesuffix("/v1")]) == 1
    assert f"Try --base-url {loopback.base_url}." in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("address", ["http://x y/v1", "http://x/v1\u200b", "http://x/\x00", "http://x\n.example/v1"])
def test_what_no_address_has_is_told(address: str) -> None:
    with pytest.raises(UsageError, match="another character that no address has"):
        nbs.stream("Hi", base_url=address)


def test_another_variable_that_leads_nowhere_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://[")
    assert resolve_target(settings(), base_url="http://localhost/v1", model="m").endpoint.name == "localhost"
    assert bare("http://[") == ""
