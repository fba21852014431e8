"""Where a call goes, without anything being asked."""

from __future__ import annotations

from typing import Any

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.settings.config import settings
from nbstream.settings.target import chosen_model, resolve_target, target_options
from nbstream.text.address import bare, check_address, same_server

LOCAL = "http://localhost:8000/v1"


def test_a_target_needs_no_model() -> None:
    target = resolve_target(settings(), base_url=LOCAL)
    assert (target.endpoint.base_url, target.api, target.model) == (LOCAL, "chat", None)


def test_openai_has_a_model_and_an_api_of_its_own() -> None:
    target = resolve_target(settings())
    assert (target.endpoint.name, target.api, target.model) == ("api.openai.com", "responses", "gpt-5-mini")


def test_the_demo_of_a_kernel_is_named_without_its_port() -> None:
    assert resolve_target(settings(), model="demo").endpoint.name == "nbstream-demo"
    assert resolve_target(settings(), base_url=LOCAL).endpoint.name == "localhost:8000"


def test_the_call_is_asked_before_the_settings_and_these_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen_model(settings()) is None
    monkeypatch.setenv("NBSTREAM_MODEL", "of-environment")
    assert chosen_model(settings()) == "of-environment"
    nbs.configure(model="of-settings")
    assert chosen_model(settings(), "") == "of-settings"
    assert chosen_model(settings(), "of-call") == resolve_target(settings(), model="of-call").model == "of-call"


def test_only_some_options_say_where_a_call_goes() -> None:
    options = {"base_url": LOCAL, "model": None, "temperature": 0.5, "api_key": "sk-1", "seed": 7, "display": False}
    assert target_options(options) == {"base_url": LOCAL, "api_key": "sk-1"}


def test_what_is_no_client_is_told() -> None:
    client: Any = object()
    with pytest.raises(UsageError, match=r"openai\.AsyncOpenAI"):
        resolve_target(settings(), client=client)


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://x/v1", "http://", "http://x:0/v1", "http://[", "http://x:99999"]
)
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(UsageError, match="must look like"):
        check_address(url)


def test_a_password_in_an_address_is_told_but_not_repeated() -> None:
    with pytest.raises(UsageError, match="contains a password") as caught:
        check_address("http://me:hunter2@localhost/v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://u:p@x.example:8443/v1?api-key=k#t", "https://x.example:8443/v1"),
        ("https://x.example/v1", "https://x.example/v1"),
        ("http://a@b@c/", "http://c/"),
        ("http://[", ""),
    ],
)
def test_what_may_be_shown_of_an_address(address: str, shown: str) -> None:
    assert bare(address) == shown


def test_the_same_server_whatever_the_path() -> None:
    assert same_server("http://x:1/a", "http://x:1/b?c")
    for other in ("https://x:1/a", "http://x:2/a", "http://x.y:1/a"):
        assert not same_server("http://x:1/a", other)
