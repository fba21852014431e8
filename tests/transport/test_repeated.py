"""The second request of a client is what the SDK would have sent, and what goes wrong with it is told alike."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import importlib
from typing import TYPE_CHECKING, Any

import openai
import pytest

from nbstream.display.surface import NullSurface
from nbstream.request import Endpoint
from nbstream.settings.credential import Credential
from nbstream.streaming.rounds import Rounds
from nbstream.testing import chat_body, error_body, responses_body
from nbstream.text.secret import Secret
from nbstream.transport.open import ClientPool
from nbstream.transport.repeated import RepeatedRequest, json_bytes
from tests.transport.over_http import a_request

if TYPE_CHECKING:
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.testing import FaultServer

http: Any = importlib.import_module("httpx2" if int(openai.__version__.partition(".")[0]) >= 3 else "httpx")
KEY = Credential(Secret("sk-of-the-test"))


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that were sent without the SDK."""
    bodies: list[bytes] = []
    send = RepeatedRequest.send

    async def noted(self: RepeatedRequest, body: bytes, connect: float) -> Any:
        bodies.append(body)
        return await send(self, body, connect)

    monkeypatch.setattr(RepeatedRequest, "send", noted)
    return bodies


def ask(*requests: StreamRequest) -> list[StreamResult]:
    async def run() -> list[StreamResult]:
        pool = ClientPool()
        try:
            return [await Rounds(each, NullSurface(), pool).run() for each in requests]
        finally:
            await pool.close()

    return asyncio.run(asyncio.wait_for(run(), 20))


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("query", ["", "?api-version=1&empty="])
@pytest.mark.parametrize("key", [None, KEY])
def test_it_is_the_same_request(
    loopback: FaultServer, repeated: list[bytes], api: Any, query: str, key: Credential | None
) -> None:
    body = (chat_body if api == "chat" else responses_body)("Hi")
    loopback.send(body, headers={"set-cookie": "seen=1"})
    loopback.send(body)
    one = a_request(f"{loopback.base_url}{query}", api=api, api_key=key, temperature=0.5, params={"seed": 1})
    results = ask(one, dataclasses.replace(one, messages=({"role": "user", "content": "Grüße \ud83d"},)))
    assert [each.text for each in results] == ["Hi", "Hi"]
    assert len(repeated) == 1
    first, second = loopback.requests
    assert first.target == second.target
    own = {"content-length", "cookie"}
    assert {**first.headers, **dict.fromkeys(own)} == {**second.headers, **dict.fromkeys(own)}
    assert second.headers["cookie"] == "seen=1"
    asked = "messages" if api == "chat" else "input"
    assert {**first.json, asked: None} == {**second.json, asked: None}
    assert loopback.connections == 1


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 304])
def test_a_refusal_is_told_alike(loopback: FaultServer, repeated: list[bytes], status: int) -> None:
    def refuse() -> None:
        loopback.send(error_body("No."), status=status, headers={"retry-after": "2", "x-request-id": "r1"})

    one = a_request(loopback.base_url, api_key=KEY)
    refuse()
    (by_the_sdk,) = ask(one)
    loopback.send(chat_body("Hi"))
    refuse()
    _, by_itself = ask(one, one)
    assert repeated
    told = [(type(each.error), str(each.error), vars(each.error)["retry_after"]) for each in (by_the_sdk, by_itself)]
    assert told[0] == told[1]


def test_a_server_that_is_gone(loopback: FaultServer, repeated: list[bytes]) -> None:
    one = a_request(loopback.base_url)

    async def run() -> list[StreamResult]:
        pool = ClientPool()
        first = await Rounds(one, NullSurface(), pool).run()
        await asyncio.to_thread(loopback.close)
        results = [first, await Rounds(one, NullSurface(), pool).run()]
        await pool.close()
        fresh = ClientPool()
        results.append(await Rounds(one, NullSurface(), fresh).run())
        await fresh.close()
        return results

    loopback.send(chat_body("Hi"))
    first, repeat, by_the_sdk = asyncio.run(run())
    assert (first.text, len(repeated)) == ("Hi", 1)
    assert (type(repeat.error), str(repeat.error)) == (type(by_the_sdk.error), str(by_the_sdk.error))


def test_what_watches_the_sdk_sees_every_request(
    loopback: FaultServer, repeated: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    completions = openai.resources.chat.completions.AsyncCompletions
    create, seen = completions.create, []

    @functools.wraps(create)
    async def traced(self: Any, *given: Any, **named: Any) -> Any:
        seen.append(named["model"])
        return await create(self, *given, **named)

    monkeypatch.setattr(completions, "create", traced)
    loopback.send(chat_body("Hi"))
    ask(*[a_request(loopback.base_url)] * 3)
    assert (seen, repeated) == (["m"] * 3, [])


def test_a_key_of_the_environment_stays_with_the_sdk(
    loopback: FaultServer, repeated: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer of-the-environment")
    loopback.send(chat_body("Hi"))
    one = a_request(loopback.base_url)
    own = dataclasses.replace(one, endpoint=dataclasses.replace(one.endpoint, environment_applies=True))
    ask(own, own)
    assert [each.headers["authorization"] for each in loopback.requests] == ["Bearer of-the-environment"] * 2
    assert not repeated


def test_a_key_is_not_kept() -> None:
    sent = http.Request("POST", "http://x.test/v1", headers={"Authorization": "Bearer sk-of-the-test"}, json={})
    kept = RepeatedRequest.of(Endpoint("http://x.test/v1", KEY), None, http.Response(200, request=sent))
    assert "sk-of-the-test" not in str(vars(kept))


def test_what_only_the_sdk_can_write() -> None:
    assert json_bytes({"a": "ü"}) == '{"a":"ü"}'.encode()
    assert json_bytes({"a": openai.NOT_GIVEN}) is None
    assert json_bytes({"a": float("nan")}) is None
