"""The relay as a service of a real JupyterHub, by the example configuration, with two users in servers of their own.

It needs `configurable-http-proxy` from npm, on PATH or installed here, which takes minutes; so it is not in the gate.
"""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import pytest

import nbstream.relay
from nbstream.testing import FaultServer, chat_body
from nbstream.text.secret import Secret
from tests.relay.in_a_kernel import PATIENCE, asked, found_in_process, run_in_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = pathlib.Path(nbstream.relay.__file__).with_name("jupyterhub_config.py")
KEY = Secret("sk-of-the-operator-" + secrets.token_hex(16))
TOKEN = secrets.token_hex(16)  # of the tests, as an administrator

HUB = """
exec(open({example!r}).read())
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.http_timeout = c.Spawner.start_timeout = 120
c.JupyterHub.ip = c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.port, c.JupyterHub.hub_port = {port}, {hub_port}
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.load_groups = {{"teachers": {{"users": ["ada"]}}}}
c.JupyterHub.services.append({{"name": "tests", "api_token": {token!r}}})
c.JupyterHub.load_roles.append({{"name": "admin", "services": ["tests"]}})
"""
RELAY = """
c.NBStreamRelay.base_url = {provider!r}
c.NBStreamRelay.key_file = {key_file!r}
c.NBStreamRelay.models = ["m"]
c.NBStreamRelay.database = {database!r}
c.NBStreamRelay.quotas = {{"*": {{"tokens": 10}}, "group:teachers": {{"tokens": 1000}}}}
"""
CODE = """
import os, json, nbstream as nbs
print("pid", os.getpid())
for _ in range(2):
    try:
        result = nbs.stream("Hi", model="m", display=False)
        print("ANSWER", result.text, result.quota.tokens)
    except nbs.StreamError as error:
        print("ERROR", error.kind, error.message)
print("TOKEN", os.environ["JUPYTERHUB_API_TOKEN"])
"""


def proxy_command(home: pathlib.Path) -> str:
    found = shutil.which("configurable-http-proxy") or os.environ.get("CONFIGURABLE_HTTP_PROXY")
    if found is None:
        subprocess.run(["npm", "install", "--silent", "configurable-http-proxy@5"], cwd=home, check=True, timeout=600)
        found = str(home / "node_modules" / ".bin" / "configurable-http-proxy")
    return found


def free_ports(count: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in listening]
    for each in listening:
        each.close()
    return ports


class Hub:
    """A running JupyterHub."""

    def __init__(self, provider: FaultServer, home: pathlib.Path) -> None:
        self.home = home
        self.database, key_file = home / "usage.sqlite", home / "key"
        key_file.write_text(KEY.reveal())
        key_file.chmod(0o600)
        port, hub_port, proxy_port, relay_port = free_ports(4)
        self.url = f"http://127.0.0.1:{port}/"
        self.relay = f"http://127.0.0.1:{relay_port}/services/nbstream/v1/"
        facts = {"port": port, "hub_port": hub_port, "proxy_port": proxy_port, "token": TOKEN}
        config = home / "jupyterhub_config.py"
        config.write_text(HUB.format(example=str(EXAMPLE), proxy=proxy_command(home), **facts))
        relay_config = home / "relay_config.py"
        relay_config.write_text(
            RELAY.format(provider=provider.base_url, key_file=str(key_file), database=str(self.database))
        )
        self.log = home / "hub.log"
        environment = {
            **os.environ,
            "NBSTREAM_RELAY_ADDRESS": f"http://127.0.0.1:{relay_port}",
            "NBSTREAM_RELAY_CONFIG": str(relay_config),
            "JUPYTER_RUNTIME_DIR": tempfile.mkdtemp(prefix="nbs"),
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=home,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.until(lambda: asked(f"{self.url}hub/api/", TOKEN)[0] == 200)

    def until(self, met: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if met():
                    return
            except OSError:
                pass
            time.sleep(0.2)  # it tells nobody that it is ready
        raise RuntimeError(self.log.read_text()[-5000:])

    def server_of(self, user: str) -> str:
        """The address of a user's server, started."""
        assert asked(f"{self.url}hub/api/users/{user}", TOKEN, b"{}")[0] in {201, 409}
        asked(f"{self.url}hub/api/users/{user}/server", TOKEN, b"{}")
        self.until(lambda: json.loads(asked(f"{self.url}hub/api/users/{user}", TOKEN)[1])["servers"][""]["ready"])
        return f"{self.url}user/{user}/"

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def provider() -> Iterator[FaultServer]:
    with FaultServer() as server:
        server.respond(lambda _: chat_body("Hello", usage=(9, 3)))
        yield server


@pytest.fixture(scope="module")
def hub(provider: FaultServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    running = Hub(provider, tmp_path_factory.mktemp("hub"))
    yield running
    running.close()


def test_two_users_have_quotas_of_their_own_and_nobody_the_key(hub: Hub, provider: FaultServer) -> None:
    seen, tokens = {}, {}
    for user in ("ada", "bob"):
        seen[user], pid = run_in_kernel(hub.server_of(user), TOKEN, CODE)
        assert not found_in_process(pid, KEY.reveal().encode())
        assert found_in_process(pid, b"Hello") or user == "bob"
        assert KEY.reveal() not in seen[user]
        tokens[user] = seen[user].partition("TOKEN ")[2].partition("\\n")[0]
    assert "ANSWER Hello 988" in seen["ada"]
    assert "ANSWER Hello 976" in seen["ada"]
    assert "ANSWER Hello -2" in seen["bob"]
    assert "ERROR quota" in seen["bob"]
    assert {request.headers["authorization"] for request in provider.requests} == {f"Bearer {KEY.reveal()}"}
    with sqlite3.connect(hub.database) as file:
        counted = file.execute("SELECT user, sum(tokens) FROM requests GROUP BY user ORDER BY user").fetchall()
    assert counted == [("ada", 24), ("bob", 12)]

    before = len(provider.requests)
    body = json.dumps({"model": "m", "messages": []}).encode()
    forged = {"X-Forwarded-User": "ada", "Remote-User": "ada", "X-JupyterHub-User": "ada"}
    for token, headers, code in [
        (tokens["bob"], forged, "relay_quota"),
        ("forged", {}, "relay_identity"),
        (TOKEN, {}, "relay_identity"),  # a service is no user
    ]:
        status, answer = asked(f"{hub.relay}chat/completions", token, body, **headers)
        assert status in {403, 429}
        assert json.loads(answer)["error"]["code"] == code
    assert len(provider.requests) == before

    health = json.loads(asked(f"{hub.relay}health", tokens["ada"])[1])
    assert (health["status"], health["user"], health["remaining"]["tokens"]) == ("ok", "ada", 976)
    for path in hub.home.glob("*"):
        if path.is_file() and path.name != "key":
            assert KEY.reveal().encode() not in path.read_bytes(), path
