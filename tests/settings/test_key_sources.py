"""Keys from a file, a function, the keyring and a prompt: they arrive at their server, and are left nowhere."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
import types
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.error import StdinNotImplementedError

import nbstream as nbs
from nbstream.request import OPENAI_BASE_URL
from nbstream.settings.config import settings
from nbstream.settings.fetched_credential import FetchedCredential
from nbstream.settings.key_sources import FetchedKey, FileKey, FunctionKey, KeyringKey
from nbstream.settings.provenance import find_setup
from nbstream.settings.resolution import resolve
from nbstream.settings.target import resolve_target
from nbstream.streaming.engine import engine
from nbstream.testing import chat_body, error_body
from nbstream.text.key_function import KeyFunction
from nbstream.text.secret import Secret
from tests.reach import holders_of

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from nbstream.testing import FaultServer

CANARY = Secret("sk-canary-0123456789abcdef")  # hidden, or this module would be found to hold it
OTHER = Secret("sk-another-0123456789abcdef")


@pytest.fixture
def asked(loopback: FaultServer) -> dict[str, Any]:
    engine().last_results.clear()
    return {"model": "m", "base_url": loopback.base_url, "display": False, "max_retries": 0}


def sent(loopback: FaultServer, number: int = -1) -> str | None:
    value = loopback.requests[number].headers.get("authorization")
    return None if value is None else str(value).removeprefix("Bearer ")


@pytest.fixture
def key_file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "key"
    path.write_text(f"{CANARY.reveal()}\n")
    return path


class Keyring:
    """Stands for the system's, in the package's own protocol."""

    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Secret] = {}
        self.failure: Exception | None = None

    def get_password(self, service: str, name: str) -> str | None:
        if self.failure:
            raise self.failure
        kept = self.kept.get((service, name))
        return kept.reveal() if kept else None

    def set_password(self, service: str, name: str, key: str) -> None:
        self.kept[service, name] = Secret(key)

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    import keyring

    made = Keyring()
    for name in ("get_password", "set_password", "delete_password"):
        monkeypatch.setattr(keyring, name, getattr(made, name))
    return made


# --- a file -----------------------------------------------------------------------------------------------------------


def test_a_key_in_a_file_is_sent_and_read_again_when_it_has_changed(
    loopback: FaultServer, asked: dict[str, Any], key_file: pathlib.Path
) -> None:
    nbs.configure(base_url=asked.pop("base_url"), key_file=str(key_file))
    for _ in range(2):
        loopback.send(chat_body("Hi"))
    nbs.stream("Hi", **asked)
    assert sent(loopback) == CANARY.reveal()
    key_file.write_text(OTHER.reveal())
    result = nbs.stream("Hi", **asked)
    assert sent(loopback) == OTHER.reveal()
    for key in (CANARY, OTHER):
        assert not holders_of(key.reveal(), result, engine(), settings())


def test_the_environment_may_name_a_file(
    loopback: FaultServer, asked: dict[str, Any], key_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", asked.pop("base_url"))
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(key_file))
    loopback.send(chat_body("Hi"))
    nbs.stream("Hi", **asked)
    assert sent(loopback) == CANARY.reveal()
    assert ("key", "<a key that is fetched when it is needed>", "a file") in find_setup().rows


def test_the_key_of_a_file_stays_from_other_servers(
    loopback: FaultServer, asked: dict[str, Any], key_file: pathlib.Path
) -> None:
    nbs.configure(base_url="http://localhost:1/v1", key_file=str(key_file))
    loopback.send(chat_body("Hi"))
    nbs.stream("Hi", **asked)
    assert sent(loopback) == "no-key"


@pytest.mark.parametrize(
    ("content", "happened"),
    [
        (None, r"cannot be read \(No such file or directory\)"),
        (b"", "holds no key"),
        (b" \n", "holds no key"),
        (b"x" * 70_000, "holds no key"),
        (b"\xff\xfe\x00", "holds no key"),
    ],
    ids=["missing", "empty", "blank", "huge", "binary"],
)
def test_a_file_without_a_key_is_told(
    loopback: FaultServer, asked: dict[str, Any], tmp_path: pathlib.Path, content: bytes | None, happened: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    nbs.configure(base_url=asked["base_url"], key_file=str(path))
    with pytest.raises(nbs.StreamError, match=happened) as caught:
        nbs.stream("Hi", **asked)
    assert caught.value.kind == "missing_key"
    assert str(path) in caught.value.message
    assert not loopback.requests


def test_a_file_with_more_than_a_key_is_refused_without_repeating_it(
    loopback: FaultServer, asked: dict[str, Any], key_file: pathlib.Path
) -> None:
    key_file.write_text(f"# my key\n{CANARY.reveal()}\n")
    nbs.configure(base_url=asked["base_url"], key_file=str(key_file))
    with pytest.raises(nbs.StreamError, match="line break") as caught:
        nbs.stream("Hi", **asked)
    assert CANARY.reveal() not in str(caught.value)
    assert not loopback.requests


# --- a function -------------------------------------------------------------------------------------------------------


def token(key: Secret, lasts: float) -> Any:
    """As `azure.identity` has them."""
    return types.SimpleNamespace(token=key.reveal(), expires_on=int(time.time() + lasts))


def in_the_open(answers: list[Callable[[], Any]]) -> Callable[[], Any]:
    def give() -> Any:
        answer = answers.pop(0)
        return answer()

    return give


def awaited(answers: list[Callable[[], Any]]) -> Callable[[], Any]:
    async def give() -> Any:
        await asyncio.sleep(0)
        return answers.pop(0)()

    return give


@pytest.mark.parametrize("shape", [in_the_open, awaited])
def test_a_function_is_called_again_when_it_says_that_its_key_has_expired(
    loopback: FaultServer, asked: dict[str, Any], shape: Callable[[list[Callable[[], Any]]], Callable[[], Any]]
) -> None:
    answers = [lambda: token(CANARY, 30.0), lambda: token(OTHER, 3600.0)]
    nbs.configure(base_url=asked["base_url"], api_key=shape(answers))
    for key in (CANARY, OTHER, OTHER):
        loopback.send(chat_body("Hi"))
        nbs.stream("Hi", **asked)
        assert sent(loopback) == key.reveal()
    assert not answers


@pytest.mark.parametrize("answer", [lambda: OTHER.reveal(), lambda: (OTHER.reveal(), time.time() + 9e9)])  # noqa: PLW0108
def test_a_function_may_give_a_key_alone_or_with_its_end(
    loopback: FaultServer, asked: dict[str, Any], answer: Callable[[], Any]
) -> None:
    calls = []

    def give() -> Any:
        calls.append(1)
        return answer()

    for _ in range(2):
        loopback.send(chat_body("Hi"))
        nbs.stream("Hi", api_key=give, **asked)
    assert sent(loopback, 0) == sent(loopback, 1) == OTHER.reveal()
    assert len(calls) == (2 if isinstance(answer(), str) else 1)


def test_a_key_that_is_refused_early_is_fetched_again_once(loopback: FaultServer, asked: dict[str, Any]) -> None:
    answers = [token(CANARY, 3600.0), token(OTHER, 3600.0), token(OTHER, 3600.0)]
    loopback.send(error_body("expired"), status=401)
    loopback.send(chat_body("Hi"))
    give = lambda: answers.pop(0)  # noqa: E731
    assert nbs.stream("Hi", api_key=give, **asked).text == "Hi"
    assert (sent(loopback, 0), sent(loopback, 1)) == (CANARY.reveal(), OTHER.reveal())
    loopback.send(error_body("expired"), status=401)
    with pytest.raises(nbs.StreamError) as caught:  # the same key again
        nbs.stream("Hi", api_key=give, **asked)
    assert (caught.value.kind, len(loopback.requests)) == ("authentication", 3)


def test_whatever_else_is_asked_has_the_key_too(loopback: FaultServer, asked: dict[str, Any]) -> None:
    nbs.configure(base_url=asked["base_url"], api_key=lambda: CANARY.reveal())  # noqa: PLW0108
    target = resolve_target(settings(), model="m")
    loopback.send('{"data": []}', headers={"Content-Type": "application/json"})
    loopback.send('{"input_tokens": 7}', headers={"Content-Type": "application/json"})
    loopback.send('{"id": "file-1"}', headers={"Content-Type": "application/json"})
    clients = engine().clients
    engine().submit(clients.models(target)).result(60)
    engine().submit(clients.count(resolve("Hi", model="m", api="responses"))).result(60)
    nbs.upload(b"text", name="a.txt")
    assert [sent(loopback, number) for number in range(3)] == [CANARY.reveal()] * 3


def test_many_streams_at_once_fetch_one_key(loopback: FaultServer, asked: dict[str, Any]) -> None:
    calls = []

    async def give() -> Any:
        calls.append(1)
        await asyncio.sleep(0.05)
        return token(CANARY, 3600.0)

    for _ in range(5):
        loopback.send(chat_body("Hi"))
    handles = [nbs.start("Hi", api_key=give, **asked) for _ in range(5)]
    assert {handle.result().text for handle in handles} == {"Hi"}
    assert len(calls) == 1


def raising() -> Any:
    raise ValueError(f"no token for {CANARY.reveal()}")


@pytest.mark.parametrize(
    ("give", "happened"),
    [
        (raising, "raised ValueError"),
        (lambda: None, "returned none"),
        (lambda: "", "returned none"),
        (lambda: 7, "none"),
    ],
)
def test_a_function_without_a_key_is_told_but_not_what_it_says(
    loopback: FaultServer, asked: dict[str, Any], give: Callable[[], Any], happened: str
) -> None:
    with pytest.raises(nbs.StreamError, match=happened) as caught:
        nbs.stream("Hi", api_key=give, **asked)
    assert caught.value.kind == "missing_key"
    assert not holders_of(CANARY.reveal(), caught.value, caught.value.__traceback__)
    assert not loopback.requests


def test_a_function_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        origin = "function"

        async def fetch(self) -> FetchedKey:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr("nbstream.settings.fetched_credential._PATIENCE_SECONDS", 0.01)
    with pytest.raises(nbs.StreamError, match=r"did not do so within 0\.01 s"):
        asyncio.run(FetchedCredential(Hanging()).fetch())  # type: ignore[arg-type]


def test_what_a_server_repeats_of_a_fetched_key_is_taken_out(loopback: FaultServer, asked: dict[str, Any]) -> None:
    loopback.send(error_body(f"bad key {CANARY.reveal()}"), status=403)
    with pytest.raises(nbs.StreamError, match="bad key <key>"):
        nbs.stream("Hi", api_key=lambda: CANARY.reveal(), **asked)  # noqa: PLW0108


def test_a_function_of_a_chat_is_for_the_server_that_the_chat_asks(
    loopback: FaultServer, asked: dict[str, Any]
) -> None:
    chat = nbs.Chat(model="m", base_url="http://localhost:1/v1", api_key=lambda: CANARY.reveal())  # noqa: PLW0108
    loopback.send(chat_body("Hi"))
    chat.stream("Hi", display=False, base_url=asked["base_url"])
    assert sent(loopback) == "no-key"


def test_a_function_is_shown_masked_and_cannot_be_carried_away() -> None:
    import copy
    import pickle

    function = KeyFunction(lambda: CANARY.reveal())  # noqa: PLW0108
    nbs.configure(api_key=function)
    assert repr(settings().api_key) == "<a function that gives the key>"
    assert copy.deepcopy(function) is function
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(function)


# --- the keyring ------------------------------------------------------------------------------------------------------


def test_a_key_that_nothing_else_gives_is_looked_for_in_the_keyring(ring: Keyring) -> None:
    ring.kept["nbstream", "https://api.openai.com"] = CANARY
    key = resolve("Hi").endpoint.api_key
    assert isinstance(key, FetchedCredential)
    asyncio.run(key.fetch())
    assert (key.reveal(), key.origin) == (CANARY.reveal(), "keyring")
    assert resolve("Hi", api_key="sk-of-call").endpoint.api_key == resolve("Hi", api_key="sk-of-call").endpoint.api_key
    assert ("key", str(CANARY), "the system's keyring") in find_setup().rows
    nbs.configure(keyring=False)
    assert resolve("Hi").endpoint.api_key is None


def test_a_key_in_the_keyring_does_not_go_without_tls(ring: Keyring) -> None:
    del ring
    assert resolve("Hi", model="m", base_url="http://gateway.example/v1").endpoint.api_key is None


def test_a_keyring_without_the_key_is_as_none(ring: Keyring) -> None:
    del ring
    with pytest.raises(nbs.StreamError) as caught:
        nbs.stream("Hi", display=False)
    assert (caught.value.kind, caught.value.happened) == ("missing_key", "No key for api.openai.com.")


def test_a_keyring_that_is_locked_is_told_without_its_words(ring: Keyring) -> None:
    ring.failure = RuntimeError(f"locked: {CANARY.reveal()}")
    with pytest.raises(nbs.StreamError, match=r"keyring cannot be used \(RuntimeError\)") as caught:
        nbs.stream("Hi", display=False)
    assert CANARY.reveal() not in str(caught.value)


def test_where_the_package_is_missing_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(nbs.StreamError, match=r"nbstream\[keyring\]"):
        KeyringKey("https://x.example").write(CANARY)


# --- %stream_login ----------------------------------------------------------------------------------------------------


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    prompts: list[str] = []

    def getpass(prompt: str) -> str:
        prompts.append(prompt)
        return CANARY.reveal()

    monkeypatch.setattr("getpass.getpass", getpass)
    return prompts


def test_a_key_is_entered_for_one_server_and_kept_in_memory_only(
    shell: Any, typed: list[str], ring: Keyring, loopback: FaultServer, asked: dict[str, Any], capsys: Any
) -> None:
    address = asked["base_url"]
    shell.run_line_magic("stream_login", f"--base-url {address}")
    host = address.split("/")[2]
    said = capsys.readouterr().out
    assert typed == [f"Key for {host}: "]
    assert said == f"The key for {host} is kept in this kernel's memory, until it ends.\n"
    loopback.send(chat_body("Hi"))
    result = nbs.stream("Hi", **asked)
    assert sent(loopback) == CANARY.reveal()
    assert not ring.kept
    assert not holders_of(CANARY.reveal(), result, engine(), settings(), shell.user_ns, shell.history_manager)
    assert CANARY.reveal() not in json.dumps(dict(os.environ)) + repr(shell.user_ns)
    shell.run_line_magic("stream_login", f"--forget --base-url {address}")
    loopback.send(chat_body("Hi"))
    nbs.stream("Hi", **asked)
    assert sent(loopback) == "no-key"


def test_a_key_is_kept_in_the_keyring_if_asked(shell: Any, typed: list[str], ring: Keyring, capsys: Any) -> None:
    del typed
    shell.run_line_magic("stream_login", "--keep")
    assert ring.kept == {("nbstream", "https://api.openai.com"): CANARY}
    assert "in the system's keyring" in capsys.readouterr().out
    key = resolve("Hi", base_url=OPENAI_BASE_URL).endpoint.api_key
    assert (key and key.reveal()) == CANARY.reveal()
    shell.run_line_magic("stream_login", "--forget --keep")
    assert not ring.kept


def test_nothing_entered_changes_nothing(shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: " ")
    shell.run_line_magic("stream_login", "")
    assert "nothing has changed" in capsys.readouterr().out
    assert settings().key_store.entered(OPENAI_BASE_URL) is None


def test_where_nobody_can_be_asked_it_says_so(shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def refuse(_: str) -> str:
        raise StdinNotImplementedError("no frontend")

    monkeypatch.setattr("getpass.getpass", refuse)
    shell.run_cell("%stream_login")
    assert "nobody can be asked" in capsys.readouterr().err


# --- what they have in common -----------------------------------------------------------------------------------------


def test_the_call_comes_first_then_what_was_entered_then_the_settings_then_the_environment(
    monkeypatch: pytest.MonkeyPatch, key_file: pathlib.Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-environment")

    def origin(**options: Any) -> str | None:
        key = resolve("Hi", **options).endpoint.api_key
        return key.origin if key else None

    assert origin() == "environment"
    nbs.configure(key_file=str(key_file))
    assert origin() == "file"
    nbs.configure(api_key="sk-of-settings")
    assert origin() == "settings"
    settings().key_store.enter(OPENAI_BASE_URL, CANARY)
    assert origin() == "login"
    assert origin(api_key="sk-of-call") == "call"
    assert origin(api_key=lambda: "sk") == "function"


@pytest.mark.parametrize("source", [FileKey("/none"), KeyringKey("https://x"), FunctionKey(KeyFunction(lambda: "sk"))])
def test_the_same_source_is_one_credential(source: Any) -> None:
    store = settings().key_store
    assert store.fetched_from(source) is store.fetched_from(source)
    assert FetchedCredential(source) == FetchedCredential(source) != FetchedCredential(FileKey("/other"))


def test_a_stream_that_is_stopped_while_its_key_is_fetched_stops(loopback: FaultServer, asked: dict[str, Any]) -> None:
    begun = threading.Event()

    async def give() -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    handle = nbs.start("Hi", api_key=give, **asked)
    assert begun.wait(60)
    handle.cancel()
    assert handle.result().state == "cancelled"
    assert not loopback.requests
