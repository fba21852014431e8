"""A key that is given to a call is nowhere in plain: not in a frame, a closure, a client, a request or an error."""

from __future__ import annotations

import asyncio
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.settings.config import settings
from nbstream.streaming.engine import engine
from nbstream.testing import chat_body, error_body
from nbstream.text.secret import Secret
from tests.reach import holders_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.testing import FaultServer

HIDDEN = Secret("sk-0123456789abcdef" * 2)  # the tests' own variables would be found, too


def in_plain(*roots: object) -> list[str]:
    return holders_of(HIDDEN.reveal(), *roots)


@pytest.fixture
def options(loopback: FaultServer) -> dict[str, Any]:
    engine().last_results.clear()  # an earlier test's error leads to this test's server, which was sent the key
    return {"model": "m", "base_url": loopback.base_url, "display": False, "max_retries": 0}


def test_the_walk_finds_what_is_in_plain() -> None:
    key = HIDDEN.reveal()
    assert in_plain({"a": [lambda: key]})
    assert in_plain([f"Bearer {key}".encode()])
    assert not in_plain(HIDDEN)


@pytest.mark.parametrize("path", ["/v1", "/openai/deployments/m"])
def test_a_stream_holds_no_key_before_within_and_after(
    loopback: FaultServer, options: dict[str, Any], path: str
) -> None:
    options["base_url"] = loopback.base_url.replace("/v1", path)
    loopback.send(chat_body("Hel", finish_reason=None, done=False), then="hold")
    nbs.price("m", input=0, output=0)
    go_on = engine().halt()  # or the request, which has to carry the key, may be under way already
    try:
        handle = nbs.start("Hi", api_key=HIDDEN.reveal(), budget=1, max_seconds=600, **options)
        assert not in_plain(handle)
    finally:
        go_on()
    for _ in handle:
        break
    assert not in_plain(handle, engine())
    sent = {name: loopback.requests[0].headers.get(name) for name in ("authorization", "api-key")}
    bearer = {"authorization": f"Bearer {HIDDEN.reveal()}", "api-key": None}
    assert sent == (bearer if path == "/v1" else {"authorization": None, "api-key": HIDDEN.reveal()})
    handle.cancel()
    assert not in_plain(handle, handle.result(), engine())


def test_a_waiting_coroutine_holds_no_key(loopback: FaultServer, options: dict[str, Any]) -> None:
    loopback.send(chat_body("Hel", finish_reason=None, done=False), then="hold")

    heard = threading.Event()  # until then the request, which has to carry the key, is under way

    def hear(_: str) -> bool:
        heard.set()
        return False

    async def main() -> None:
        task = asyncio.ensure_future(nbs.astream("Hi", api_key=HIDDEN.reveal(), stop_when=hear, **options))
        assert await asyncio.to_thread(heard.wait, 60)
        assert not in_plain(task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        {"body": error_body("No"), "status": 401},
        {"body": chat_body("Hel", finish_reason=None, done=False), "then": "reset"},
        {"body": "", "then": "close"},
    ],
    ids=["refused", "reset", "empty"],
)
def test_a_failure_holds_no_key(answer: dict[str, Any], loopback: FaultServer, options: dict[str, Any]) -> None:
    loopback.send(answer.pop("body"), **answer)
    with pytest.raises(nbs.StreamError) as caught:
        nbs.stream("Hi", api_key=HIDDEN.reveal(), **options)
    assert not in_plain(caught.value, caught.value.__traceback__)


def test_a_chat_and_its_panel_hold_no_key(loopback: FaultServer, options: dict[str, Any]) -> None:
    del options["display"]
    loopback.send(chat_body("Hello"))
    chat = nbs.Chat(api_key=HIDDEN.reveal(), **options)
    chat.stream("Hi", display=False)
    panel = nbs.ChatPanel(chat)
    panel.chat.configure(api_key=HIDDEN.reveal())
    panel.chat.stream("And?", api_key=HIDDEN.reveal(), display=False)
    assert not in_plain(chat, panel)
    panel.close()


def test_the_settings_hold_no_key() -> None:
    nbs.configure(api_key=HIDDEN.reveal())
    assert settings().api_key == HIDDEN
    assert not in_plain(settings())


WRONG_CALLS: list[Callable[[], object]] = [
    lambda: nbs.start("Hi", api_key=HIDDEN.reveal(), max_tokens=0),
    lambda: nbs.start(api_key=HIDDEN.reveal()),  # type: ignore[call-arg]
    lambda: nbs.stream("Hi", api_key=HIDDEN.reveal(), timeout=-1),
    lambda: nbs.stream("Hi", api_key=[HIDDEN.reveal()], model="m"),  # type: ignore[arg-type]
    lambda: asyncio.run(nbs.astream("", api_key=HIDDEN.reveal())),
    lambda: nbs.configure(api_key=HIDDEN.reveal(), max_frame_rate="fast"),
    lambda: nbs.configure(api_key=HIDDEN.reveal().encode()),
    lambda: nbs.configure(api_key=HIDDEN.reveal(), no_such_setting=1),
    lambda: nbs.Chat(api_key=HIDDEN.reveal(), history="elsewhere"),  # type: ignore[arg-type]
    lambda: nbs.Chat().configure(api_key=HIDDEN.reveal(), display=True),
    lambda: nbs.Chat().stream("", api_key=HIDDEN.reveal()),
    lambda: nbs.Chat().regenerate("none", api_key=HIDDEN.reveal()),
    lambda: nbs.ChatPanel(nbs.Chat(), api_key=HIDDEN.reveal()),
    lambda: nbs.ChatPanel.restore("none.ipynb", api_key=HIDDEN.reveal()),
]


@pytest.mark.parametrize("call", WRONG_CALLS)
def test_no_frame_of_a_wrong_call_holds_the_key(call: Callable[[], object]) -> None:
    with pytest.raises((UsageError, TypeError)) as caught:
        call()
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert HIDDEN.reveal() not in "".join(told.format())
    assert not in_plain(caught.value, caught.value.__traceback__)
