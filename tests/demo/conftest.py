"""One fast demo server for the tests that only ask it something, and clients that leave nothing open."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import openai
import pytest

from nbstream.demo import DemoServer, Pace
from tests.demo.gate import PATIENCE, Gate, GatedPace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def events(self) -> list[tuple[str | None, str]]:
        """Name and data of each server-sent event; strict about what a frame may hold."""
        frames = self.body.decode().split("\n\n")
        assert frames.pop() == ""
        events = []
        for frame in frames:
            *names, data = frame.split("\n")
            assert data.startswith("data: ")
            assert all(name.startswith("event: ") for name in names)
            events.append((names[0].removeprefix("event: ") if names else None, data.removeprefix("data: ")))
        return events


@pytest.fixture(scope="session")
def server() -> Iterator[DemoServer]:
    with DemoServer(Pace(0, 1e6)) as server:
        yield server


@pytest.fixture
def client(server: DemoServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def gated(gate):
    with DemoServer(GatedPace(gate=gate)) as server:
        yield server


@pytest.fixture
def gated_client(gated):
    with openai.OpenAI(base_url=gated.base_url, api_key=gated.api_key, max_retries=0, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def lost_connection() -> type[Exception]:
    """What the SDK raises when a stream's connection closes: in 3.x an error of its own, in 2.x the HTTP library's."""
    if int(openai.__version__.split(".")[0]) >= 3:
        return openai.APIConnectionError
    lost: type[Exception] = pytest.importorskip("httpx").RemoteProtocolError
    return lost


@pytest.fixture
def ask(server: DemoServer) -> Callable[..., Reply]:
    """One raw HTTP request: what the bytes are, with no SDK in between."""

    def ask(
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=60)
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            connection.request(
                method or ("GET" if body is None else "POST"),
                path,
                sent,
                {"Authorization": f"Bearer {server.api_key}", **(headers or {})},
            )
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
        finally:
            connection.close()

    return ask
