"""A real Jupyter server with the relay, in a process of its own."""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any

from nbstream.text.secret import Secret
from tests.real_jupyter import KERNEL_TRANSPORT
from tests.relay.in_a_kernel import PATIENCE, asked

KEY = Secret("sk-of-the-operator-0123456789abcdef")
TOKEN = "token-of-jupyter-" + secrets.token_hex(8)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


class Server:
    """A Jupyter server with the relay, in a process of its own.

    Args:
        provider: The address of the provider.
        home: Where all its files are.
        program: The module that is run: the server alone, or JupyterLab.
        token: What it knows its user by.
        settings: Of the relay.
    """

    def __init__(
        self,
        provider: str,
        home: pathlib.Path,
        program: str = "jupyter_server",
        token: str = TOKEN,
        **settings: Any,
    ) -> None:
        self._program, self.token = program, token
        self._runtime = pathlib.Path(tempfile.mkdtemp(prefix="nbs"))  # the path of a kernel's socket is short
        self.log = home / "server.log"
        self.database = home / "usage.sqlite"
        self.environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(self._runtime),
            "NBSTREAM_RELAY_KEY": KEY.reveal(),
            "OPENAI_API_KEY": KEY.reveal(),  # as it may stand there for other programs
        }
        config = home / "config" / "jupyter_server_config.json"
        config.parent.mkdir(parents=True, exist_ok=True)
        relay = {"base_url": provider, "models": ["m"], "database": str(self.database), **settings}
        extensions = {"jpserver_extensions": {"nbstream.relay": True}}
        config.write_text(json.dumps({"ServerApp": extensions, "NBStreamRelay": relay}))
        self.home = home
        with socket.socket() as probe:  # jupyter-server 2.14 does not tell which port it chooses
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.start(port)

    def start(self, port: int) -> None:
        command = [sys.executable, "-m", self._program, "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
        command += [f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.home}"]
        command += [f"--KernelManager.transport={KERNEL_TRANSPORT}", "--ServerApp.ip=127.0.0.1"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        info = self._runtime / f"jpserver-{self.process.pid}.json"
        deadline = time.monotonic() + PATIENCE
        # It has that file written before it listens.
        while not (info.exists() and info.stat().st_size and _listens(port)):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(self.log.read_text()[-3000:])
            time.sleep(0.05)
        self.url = str(json.loads(info.read_text())["url"]).replace("localhost", "127.0.0.1")

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    @property
    def relay(self) -> dict[str, str]:
        return {"NBSTREAM_RELAY_URL": f"{self.url}nbstream/v1", "NBSTREAM_RELAY_TOKEN": self.token}

    def content_type(self, path: str, accepted: str) -> str:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accepted}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", headers=headers)) as answer:
            return str(answer.headers["Content-Type"])

    def asked(self, path: str, data: bytes | None = None, token: str = TOKEN, **headers: str) -> tuple[int, bytes]:
        return asked(f"{self.url}{path}", token, data, **headers)
