"""Who asks, as a hub says that knows two users; a real JupyterHub is among the benchmarks, because it takes minutes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tornado.httpclient import AsyncHTTPClient

from nbstream.relay.hub import HubCallers
from nbstream.relay.limits import Caller
from nbstream.relay.refused import Refused
from nbstream.testing import Answer

if TYPE_CHECKING:
    from jupyterhub.services.auth import HubAuth

    from nbstream.testing import FaultServer

SCOPE = "access:services!service=nbstream"
TOKENS: dict[str, dict[str, Any]] = {
    "of-ada": {"kind": "user", "name": "ada", "scopes": [SCOPE], "groups": ["forged"]},
    "narrow": {"kind": "user", "name": "ada", "scopes": ["users:activity!user=ada"]},
    "of-a-service": {"kind": "service", "name": "ada", "scopes": [SCOPE]},
}


def answer(received: Any) -> Answer:
    token = received.headers.get("authorization", "").removeprefix("token ")
    headers = {"Content-Type": "application/json"}
    if received.path.endswith("/user"):
        known = TOKENS.get(token)
        return Answer(json.dumps(known or {}), status=200 if known else 403, headers=headers)
    if received.path.endswith("/users/ada") and token == "of-the-service":
        return Answer(json.dumps({"name": "ada", "groups": ["teachers"]}), headers=headers)
    return Answer("{}", status=404, headers=headers)


def hub_auth(url: str, **options: Any) -> HubAuth:
    from jupyterhub.services.auth import HubAuth  # takes a second, and each worker collects all tests

    return HubAuth(api_url=url, access_scopes={SCOPE}, **options)


@pytest.fixture
def hub(loopback: FaultServer) -> HubAuth:
    loopback.respond(answer)
    return hub_auth(loopback.base_url.replace("/v1", "/hub/api"), api_token="of-the-service", cache_max_age=60)


async def caller_of(hub: HubAuth, written: str) -> Caller:
    """The caller, with the connections closed that a service keeps as long as it runs."""
    try:
        return await HubCallers(hub).of(written)
    finally:
        AsyncHTTPClient().close()
        for _ in range(5):
            await asyncio.sleep(0)


def test_the_hub_says_who_it_is_and_the_groups_come_by_the_services_own_token(
    hub: HubAuth, loopback: FaultServer
) -> None:
    async def ask() -> None:
        callers = HubCallers(hub)
        for written in ("Bearer of-ada", "token of-ada", "bearer of-ada "):
            assert await callers.of(written) == Caller("ada", ("teachers",))
        AsyncHTTPClient().close()

    asyncio.run(ask())
    assert len(loopback.requests) == 2  # and is asked once in a while


@pytest.mark.parametrize(
    "written", ["", "of-ada", "Basic of-ada", "Bearer forged", "Bearer narrow", "Bearer of-a-service"]
)
def test_nobody_else_is_known(hub: HubAuth, written: str) -> None:
    with pytest.raises(Refused) as caught:
        asyncio.run(caller_of(hub, written))
    assert (caught.value.status, caught.value.code) == (403, "relay_identity")


def test_a_hub_that_tells_no_groups_lets_nobody_in(hub: HubAuth) -> None:
    hub.api_token = "wrong"
    with pytest.raises(Refused, match="read:users:groups") as caught:
        asyncio.run(caller_of(hub, "Bearer of-ada"))
    assert caught.value.status == 503


def test_a_hub_that_does_not_answer_is_told() -> None:
    hub = hub_auth("http://127.0.0.1:9/hub/api", api_token="t")
    with pytest.raises(Refused, match="does not answer") as caught:
        asyncio.run(caller_of(hub, "Bearer of-ada"))
    assert caught.value.status == 503
