"""The relay under a real Jupyter server: found from a real kernel, which neither has nor sees the key."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.settings.jupyter_relay import find_relay
from nbstream.settings.resolution import resolve
from nbstream.testing import FaultServer, chat_body, chat_chunk
from tests.relay.in_a_kernel import found_in_process, run_in_kernel
from tests.relay.jupyter_relay import KEY, TOKEN, Server

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.sdk


@pytest.fixture(scope="module")
def provider() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="module")
def server(provider: FaultServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(provider.base_url, tmp_path_factory.mktemp("jupyter"))
    yield running
    running.kill()


@pytest.fixture
def at_relay(server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name, value in server.relay.items():
        monkeypatch.setenv(name, value)
    return {"model": "m", "base_url": "jupyter", "display": False, "max_retries": 0}


def test_jupyter_is_the_relay_of_the_server(provider: FaultServer, at_relay: dict[str, Any]) -> None:
    provider.send(chat_body("Hello", usage=(9, 3)))
    assert nbs.stream("Hi", **at_relay).text == "Hello"
    assert provider.requests[-1].headers["authorization"] == f"Bearer {KEY.reveal()}"
    assert TOKEN not in str(provider.requests[-1].headers)


def test_only_jupyters_own_token_goes_there_whatever_key_is_given(
    provider: FaultServer, at_relay: dict[str, Any]
) -> None:
    provider.send(chat_body("Hello"))
    nbs.configure(api_key="sk-of-somebody-0123456789")
    request = resolve("Hi", **{name: at_relay[name] for name in ("model", "base_url")}, api_key="sk-of-a-call")
    assert (request.endpoint.api_key and request.endpoint.api_key.reveal()) == TOKEN
    assert nbs.stream("Hi", **at_relay).text == "Hello"


IN_A_KERNEL = """
import os, nbstream as nbs
result = nbs.stream("Hi", model="m", base_url="jupyter", display=False)
print(result.text)
print("pid", os.getpid())
print(sorted(name for name in os.environ if name.startswith("JPY") or "KEY" in name))
"""


def test_a_kernel_finds_the_relay_and_neither_it_nor_a_page_sees_the_key(provider: FaultServer, server: Server) -> None:
    provider.respond(lambda _: chat_body("Hello", usage=(9, 3)))
    seen, pid = run_in_kernel(server.url, TOKEN, IN_A_KERNEL)
    assert "Hello" in seen
    assert "['JPY_PARENT_PID'" in seen, seen
    assert not found_in_process(pid, KEY.reveal().encode())
    assert found_in_process(pid, b"Hello"), "the search finds what is there"
    for secret in (KEY.reveal(), KEY.reveal()[::-1], base64.b64encode(KEY.reveal().encode()).decode()):
        assert secret not in seen


@pytest.mark.parametrize("token", ["wrong", "", "token-of-jupyter-"])
def test_a_wrong_token_is_refused_in_the_form_of_the_api(provider: FaultServer, server: Server, token: str) -> None:
    before = len(provider.requests)
    body = json.dumps({"model": "m", "messages": []}).encode()
    status, answered = server.asked("nbstream/v1/chat/completions", body, token)
    assert (status, json.loads(answered)["error"]["code"]) == (403, "relay_identity")
    assert server.asked("nbstream/v1/health", token=token)[0] in {403, 405}
    assert len(provider.requests) == before


def test_a_kernel_with_a_wrong_token_says_who_can_help(
    at_relay: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSTREAM_RELAY_TOKEN", "wrong")
    with pytest.raises(nbs.StreamError, match="Ask whoever runs the relay") as caught:
        nbs.stream("Hi", **at_relay)
    assert caught.value.kind == "authentication"


def test_all_who_have_the_token_are_one_user(provider: FaultServer, server: Server, at_relay: dict[str, Any]) -> None:
    """Jupyter makes up another name for each of them; a new name must not be a new quota."""
    import sqlite3

    provider.respond(lambda _: chat_body("Hello"))
    for _ in range(3):
        nbs.stream("Hi", **at_relay)
    with sqlite3.connect(server.database) as file:
        assert len(file.execute("SELECT DISTINCT user FROM requests").fetchall()) == 1


def test_the_health_page_is_under_the_server(server: Server) -> None:
    status, body = server.asked("nbstream/v1/health", Accept="text/html")
    assert status == 200
    assert b"works" in body
    assert server.content_type("nbstream/v1/health", "text/html").startswith("text/html")
    assert server.content_type("nbstream/v1/models", "*/*") == "application/json"
    assert KEY.reveal().encode() not in body


def test_a_restart_in_mid_stream_is_a_lost_connection_with_a_way_on(
    provider: FaultServer, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(provider.base_url, tmp_path)
    try:
        for name, value in server.relay.items():
            monkeypatch.setenv(name, value)
        provider.send(chat_chunk("Hel"), then="hold")
        handle = nbs.start("Hi", model="m", base_url="jupyter", display=False)
        assert next(iter(handle)) == "Hel"
        server.kill()
        with pytest.raises(nbs.StreamError) as caught:
            handle.result()
        assert (caught.value.kind, caught.value.result.text) == ("connection_lost", "Hel")
        assert "continue" in [remedy.kind for remedy in caught.value.remedies]
        server.start(int(server.url.split(":")[2].strip("/")))
        provider.respond(lambda _: chat_body("lo"))
        assert caught.value.result.resume(display=False).text == "Hello"
    finally:
        server.kill()


def test_neither_the_log_nor_the_database_holds_the_key(server: Server) -> None:
    log = server.log.read_text()
    assert "nbstream relay |" in log
    assert "OPENAI_API_KEY holds the relay's key" in log
    for path in (server.log, *server.database.parent.glob("usage.sqlite*")):
        assert KEY.reveal().encode() not in path.read_bytes()


# --- how it is found --------------------------------------------------------------------------------------------------


@pytest.fixture
def runtime(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))

    def write(pid: int, **facts: Any) -> None:
        described = {"pid": pid, "url": f"http://localhost:{8000 + pid % 1000}/base/", "token": "t", **facts}
        (tmp_path / f"jpserver-{pid}.json").write_text(json.dumps(described))

    return write


def test_the_server_that_started_the_kernel_is_found(runtime: Callable[..., None]) -> None:
    runtime(os.getpid())
    runtime(os.getppid(), url="http://localhost:9999/")
    found = find_relay({"JPY_PARENT_PID": str(os.getppid())})
    assert found.base_url == "http://localhost:9999/nbstream/v1"
    assert (found.credential and found.credential.reveal()) == "t"
    with pytest.raises(UsageError, match="no Jupyter server was found"):
        find_relay({})


def test_the_only_server_is_found_and_one_that_has_ended_is_not(runtime: Callable[..., None]) -> None:
    runtime(os.getpid())
    runtime(2**22 + 1, url="http://localhost:9999/")
    assert find_relay({}).base_url.endswith("/base/nbstream/v1")


def test_jupyterhubs_token_is_that_of_the_user(runtime: Callable[..., None]) -> None:
    runtime(os.getpid(), token="")
    hub = {"NBSTREAM_RELAY_URL": "http://hub/services/nbstream/v1", "JUPYTERHUB_API_TOKEN": "of-hub"}
    credential = find_relay(hub).credential
    assert (credential and credential.reveal(), credential and credential.origin) == ("of-hub", "relay")
    assert find_relay({}).credential is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": 7, "pid": 1}'])
def test_a_damaged_file_is_passed_over(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "jpserver-1.json").write_text(content)
    with pytest.raises(UsageError, match="NBSTREAM_RELAY_URL can name a relay"):
        find_relay({})
