"""Continuing an answer that broke off, was stopped or was cut at its limit: what is sent, and what comes of it."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import StreamError, UsageError
from nbstream.result import StreamResult, ToolCall
from nbstream.testing import FaultServer, RecordingSurface, chat_body, chat_chunk, error_body, responses_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.streaming.handle import StreamHandle

KEY = "sk-test-0123456789abcdef"
PATIENCE = 60.0
JSON = {"content-type": "application/json"}
USER = {"role": "user", "content": "Hi"}
HELLO = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}


@pytest.fixture
def start(loopback: FaultServer) -> Callable[..., StreamHandle]:
    """Start a stream of the scripted server that is asked only once and drawn nowhere, unless the test says so."""

    def start(**options: Any) -> StreamHandle:
        usual = {"model": "m", "base_url": loopback.base_url, "api_key": KEY, "display": False, "max_retries": 0}
        return nbs.start("Hi", **{**usual, **options})

    return start


def broken(handle: StreamHandle) -> StreamResult:
    """What there is of an answer that fails."""
    with pytest.raises(StreamError) as caught:
        handle.result(PATIENCE)
    return caught.value.result


def half(*pieces: str) -> bytes:
    return chat_body(*pieces, finish_reason=None, done=False)


@pytest.fixture
def cut(loopback: FaultServer, start: Callable[..., StreamHandle]) -> StreamResult:
    """A Chat Completions answer that broke off after `Hello`."""
    loopback.send(half("Hel", "lo"), then="close")
    return broken(start())


# --- sent back for the model to continue ------------------------------------------------------------------------------


def test_a_broken_answer_is_sent_back_and_what_comes_is_appended(cut: StreamResult, loopback: FaultServer) -> None:
    loopback.send(chat_body(" wor", "ld", usage=(7, 2)))
    result = cut.resume(display=False)
    assert (result.text, result.state, result.error, result.finish_reason) == ("Hello world", "completed", None, "stop")
    assert result.usage is not None
    assert (result.usage.input_tokens, result.usage.output_tokens) == (7, 2)
    first, second = loopback.requests
    assert second.json == {**first.json, "messages": [USER, {"role": "assistant", "content": "Hello"}]}
    assert (second.method, second.path) == ("POST", "/v1/chat/completions")
    assert second.headers["authorization"] == f"Bearer {KEY}"


def test_every_option_is_sent_again(loopback: FaultServer, start: Callable[..., StreamHandle]) -> None:
    loopback.send(half("Hello"), then="close")
    loopback.send(chat_body("!"))
    options = {"system": "Be terse.", "temperature": 0.5, "max_tokens": 9, "seed": 7, "user": "me"}
    assert broken(start(**options)).resume(display=False).text == "Hello!"
    first, second = (received.json for received in loopback.requests)
    assert second["messages"] == [*first["messages"], {"role": "assistant", "content": "Hello"}]
    assert {**second, "messages": None} == {**first, "messages": None}


@pytest.mark.parametrize("background", [{}, {"background": False}], ids=str)
def test_a_response_is_sent_back_as_input(
    loopback: FaultServer, start: Callable[..., StreamHandle], background: dict[str, Any]
) -> None:
    loopback.send(responses_body("Hel", "lo", status=None), then="close")
    loopback.send(responses_body(" wor", "ld", id="resp_2", usage=(7, 2)))
    result = broken(start(api="responses", system="Be terse.", **background)).resume(display=False)
    assert (result.text, result.state, result.response_id) == ("Hello world", "completed", "resp_2")
    assert result.usage is not None
    assert result.warnings == ()
    first, second = loopback.requests
    assert second.json == {**first.json, "input": [{"type": "message", **USER}, HELLO]}
    assert (second.method, second.path) == ("POST", "/v1/responses")


def test_nothing_but_thoughts_is_asked_for_afresh(loopback: FaultServer, start: Callable[..., StreamHandle]) -> None:
    """What was thought is not sent back, so the model thinks it all again."""
    loopback.send(chat_chunk({"reasoning_content": "Hm. "}), then="close")
    loopback.send(chat_chunk({"reasoning_content": "Hm. Well."}), chat_body("Hello"))
    result = broken(start()).resume(display=False)
    assert (result.text, result.reasoning) == ("Hello", "Hm. Well.")
    assert loopback.requests[1].json == loopback.requests[0].json


def a_call(arguments: str, **first: str) -> bytes:
    function = {"name": "f", "arguments": arguments} if first else {"arguments": arguments}
    return chat_chunk({"tool_calls": [{"index": 0, "function": function, **first}]})


@pytest.mark.parametrize("said", ["", "Let me see."])
def test_a_call_that_broke_off_is_made_again(
    loopback: FaultServer, start: Callable[..., StreamHandle], said: str
) -> None:
    """It is not sent back either, so the model makes it again as a whole; nobody must carry out both."""
    loopback.send(chat_chunk(said), a_call('{"x":', id="call_1"), then="close")
    loopback.send(a_call('{"x"', id="call_2"), a_call(":1}"), chat_body(finish_reason="tool_calls"))
    result = broken(start()).resume(display=False)
    assert (result.text, result.tool_calls) == (said, (ToolCall("call_2", "f", '{"x":1}'),))
    assert result.warnings == ()


def test_a_second_cut_is_gone_on_with_too(cut: StreamResult, loopback: FaultServer) -> None:
    loopback.send(half(" wor"), then="close")
    loopback.send(chat_body("ld"))
    again = broken(cut.start_again(display=False))
    assert (again.text, again.state) == ("Hello wor", "failed")
    assert again.resume(display=False).text == "Hello world"
    contents = [received.json["messages"][1:] for received in loopback.requests]
    assert contents == [
        [],
        [{"role": "assistant", "content": "Hello"}],
        [{"role": "assistant", "content": "Hello wor"}],
    ]


def test_the_same_result_can_be_gone_on_with_again(cut: StreamResult, loopback: FaultServer) -> None:
    for rest in (" world", " moon"):
        loopback.send(chat_body(rest))
        assert cut.resume(display=False).text == f"Hello{rest}"
    assert cut.text == "Hello"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "authentication"), (404, "not_found"), (429, "rate_limit"), (500, "server")]
)
def test_a_refused_continuation_keeps_all_the_text(
    cut: StreamResult, loopback: FaultServer, status: int, kind: str
) -> None:
    loopback.send(error_body("no"), status=status, headers=JSON)
    loopback.send(chat_body(" world"))
    refused = broken(cut.start_again(display=False))
    assert (refused.text, refused.state, refused.error and refused.error.kind) == ("Hello", "failed", kind)
    assert refused.resume(display=False).text == "Hello world"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty_answer"),
        (b"<html>", "not_a_stream"),
        (b'data: {"error":{"message":"boom"}}\n\n', "server"),
        (half(" wor"), "connection_lost"),
    ],
)
def test_a_continuation_that_fails_keeps_all_the_text(
    cut: StreamResult, loopback: FaultServer, body: bytes, kind: str
) -> None:
    loopback.send(body)
    failed = broken(cut.start_again(display=False))
    assert (failed.text, failed.error and failed.error.kind) == ("Hello wor" if b"wor" in body else "Hello", kind)


def test_a_continuation_is_tried_again_like_any_request(
    loopback: FaultServer, start: Callable[..., StreamHandle]
) -> None:
    loopback.send(half("Hello"), then="close")
    loopback.send(error_body("busy"), status=503, headers={**JSON, "retry-after-ms": "1"})
    loopback.send(chat_body(" world"))
    result = broken(start(max_retries=1)).resume(display=False)
    assert (result.text, result.attempts) == ("Hello world", 2)
    assert loopback.requests[1].json == loopback.requests[2].json


def test_the_servers_final_wording_is_of_what_it_sent(
    loopback: FaultServer, start: Callable[..., StreamHandle]
) -> None:
    loopback.send(responses_body("Hel", status=None), then="close")
    wire = responses_body("lx", id="resp_2").replace(b'"text":"lx"', b'"text":"lo"')
    loopback.send(wire)
    assert broken(start(api="responses")).resume(display=False).text == "Hello"


# --- what can be continued --------------------------------------------------------------------------------------------


@pytest.fixture
def drawn_on(monkeypatch: pytest.MonkeyPatch) -> RecordingSurface:
    surface = RecordingSurface()
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    return surface


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_stopped_answer(
    loopback: FaultServer, start: Callable[..., StreamHandle], drawn_on: RecordingSurface, api: str
) -> None:
    loopback.send(half("Hello") if api == "chat" else responses_body("Hello", status=None), then="hold")
    loopback.send(chat_body(" world") if api == "chat" else responses_body(" world"))
    handle = start(api=api, display=True)
    assert drawn_on.drawn.wait(PATIENCE)
    handle.cancel()
    stopped = handle.result(PATIENCE)
    assert (stopped.state, stopped.text) == ("cancelled", "Hello")
    assert stopped.resume(display=False).text == "Hello world"


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_answer_cut_at_its_limit(loopback: FaultServer, start: Callable[..., StreamHandle], api: str) -> None:
    if api == "chat":
        loopback.send(chat_body("Hello", finish_reason="length"))
        loopback.send(chat_body(" world"))
    else:
        loopback.send(responses_body("Hello", status="incomplete"))
        loopback.send(responses_body(" world"))
    limited = start(api=api).result(PATIENCE)
    assert (limited.state, limited.finish_reason) == ("completed", "length")
    whole = limited.resume(display=False)
    assert (whole.text, whole.finish_reason) == ("Hello world", "stop")


def test_an_answer_without_a_reason_to_end(loopback: FaultServer, start: Callable[..., StreamHandle]) -> None:
    loopback.send(chat_body("Hello", finish_reason=None))
    loopback.send(chat_body(" world"))
    assert start().result(PATIENCE).resume(display=False).text == "Hello world"


@pytest.mark.parametrize("reason", ["stop", "content_filter", "tool_calls", "quux"])
def test_a_whole_answer_is_not_gone_on_with(
    loopback: FaultServer, start: Callable[..., StreamHandle], reason: str
) -> None:
    loopback.send(chat_body("Hello", finish_reason=reason))
    result = start().result(PATIENCE)
    for go_on in (result.resume, result.start_again):
        with pytest.raises(UsageError, match="the answer is complete"):
            go_on(display=False)
    assert len(loopback.requests) == 1


def test_several_answers_are_not_gone_on_with(loopback: FaultServer, start: Callable[..., StreamHandle]) -> None:
    loopback.send(chat_chunk("a"), chat_chunk("b", index=1), then="close")
    with pytest.raises(UsageError, match="n above 1"):
        broken(start(n=2)).resume(display=False)


def test_an_answer_that_is_still_arriving_is_not_gone_on_with(
    loopback: FaultServer, start: Callable[..., StreamHandle]
) -> None:
    loopback.send(half("Hello"), then="hold")
    handle = start()
    loopback.wait(requests=1)
    with pytest.raises(UsageError):
        handle.snapshot.resume(display=False)
    handle.cancel()
    handle.result(PATIENCE)


def test_a_result_from_elsewhere_is_not_gone_on_with() -> None:
    with pytest.raises(UsageError, match="run its prompt again"):
        StreamResult(text="Hello").resume()


# --- how it looks to a program ----------------------------------------------------------------------------------------


def test_a_continuation_can_be_awaited_and_cancelled(cut: StreamResult, loopback: FaultServer) -> None:
    loopback.send(chat_body(" world"))
    loopback.send(half(" wor"), then="hold")

    async def main() -> tuple[StreamResult, StreamResult]:
        whole = await cut.start_again(display=False)
        handle = cut.start_again(display=False)
        await asyncio.to_thread(loopback.wait, requests=3)
        handle.cancel()
        return whole, await handle

    whole, stopped = asyncio.run(main())
    assert whole.text == "Hello world"
    assert (stopped.state, stopped.text[:5]) == ("cancelled", "Hello")
    loopback.wait(left=1)


def test_the_whole_answer_is_drawn(cut: StreamResult, loopback: FaultServer, drawn_on: RecordingSurface) -> None:
    loopback.send(drawn_on.drawn, chat_body(" world"))
    result = cut.resume()
    assert (drawn_on.frames[0].text, drawn_on.frames[0].state) == ("Hello", "pending")
    assert drawn_on.final == result
    assert result.text == "Hello world"


# --- what a result carries along --------------------------------------------------------------------------------------


def secrets_in(thing: object) -> list[str]:
    """Where the key, or the continuation, can be read in what is made of a result."""
    words = [str(thing), repr(thing)]
    if isinstance(thing, StreamResult):
        words += [str(thing.metadata()), str(thing.summary())]
    return [word for word in words if KEY in word or "Continuation" in word]


@pytest.mark.parametrize(
    "copied",
    [
        pytest.param(lambda result: pickle.loads(pickle.dumps(result)), id="pickle"),
        pytest.param(copy.deepcopy, id="deepcopy"),
    ],
)
def test_a_copy_cannot_be_gone_on_with(cut: StreamResult, copied: Callable[[StreamResult], StreamResult]) -> None:
    made = copied(cut)
    assert made.continuation is None
    assert (made.text, made.state, made.error and made.error.kind) == ("Hello", "failed", "connection_lost")
    with pytest.raises(UsageError, match="run its prompt again"):
        made.resume()
    assert cut.continuation is not None


def test_nothing_made_of_a_result_holds_the_key(cut: StreamResult) -> None:
    assert cut.continuation is not None
    assert KEY.encode() not in pickle.dumps(cut)
    assert KEY.encode() not in pickle.dumps(cut.error)
    assert dataclasses.asdict(cut)["continuation"] is None
    assert not [
        secret for made in (cut, dataclasses.asdict(cut), dataclasses.astuple(cut)) for secret in secrets_in(made)
    ]
    assert KEY not in repr(cut.continuation)
    assert KEY not in str([getattr(cut.continuation, name) for name in vars(type(cut.continuation))["__slots__"]])


def test_results_are_compared_by_what_they_say(cut: StreamResult) -> None:
    assert dataclasses.replace(cut, continuation=None) == cut


@pytest.mark.parametrize("again", [45, 81], ids=["its end", "all of it"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_the_server_says_again_is_dropped(
    loopback: FaultServer, start: Callable[..., StreamHandle], api: str, again: int
) -> None:
    begun = "The tide tables of Oban say that the water is highest a little after noon, and th"
    body = chat_body if api == "chat" else responses_body
    cut: dict[str, Any] = {"finish_reason": "length"} if api == "chat" else {"status": "incomplete"}
    loopback.send(body(begun[:30], begun[30:], **cut))
    loopback.send(body(begun[-again:][:20], begun[-again:][20:], "en it", " falls."))
    first = start(api=api).result(PATIENCE)
    assert (first.text, first.finish_reason) == (begun, "length")
    resumed = first.resume(display=False)
    assert (resumed.text, resumed.state) == (begun + "en it falls.", "completed")
    assert [warning.kind for warning in resumed.warnings] == ["overlapping_text"]
