"""Background responses, which continue without a reader: resumed where they broke off, nothing lost, nothing twice."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import StreamError
from nbstream.result import ToolCall
from nbstream.testing import FaultServer, RecordingSurface, error_body, frame, responses_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.result import StreamResult
    from nbstream.streaming.handle import StreamHandle

KEY = "sk-test-0123456789abcdef"
PATIENCE = 60.0
JSON = {"content-type": "application/json"}
SENT_BACK = [
    {"type": "message", "role": "user", "content": "Hi"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
]


def broken(handle: StreamHandle) -> StreamResult:
    """What there is of an answer that fails."""
    with pytest.raises(StreamError) as caught:
        handle.result(PATIENCE)
    return caught.value.result


@pytest.fixture
def background(loopback: FaultServer) -> Callable[..., StreamHandle]:
    """Start a background response that is asked for only once and drawn nowhere, unless the test says so."""
    usual: dict[str, Any] = {
        "model": "m",
        "base_url": loopback.base_url,
        "api_key": KEY,
        "display": False,
        "max_retries": 0,
    }
    return functools.partial(nbs.start, "Hi", **usual, api="responses", background=True)


@pytest.fixture
def drawn_on(monkeypatch: pytest.MonkeyPatch) -> RecordingSurface:
    surface = RecordingSurface()
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    return surface


# --- events -----------------------------------------------------------------------------------------------------------


def numbered(*events: dict[str, Any], first: int = 0) -> list[bytes]:
    """Events of the Responses API, one after the other."""
    written = [json.dumps({**event, "sequence_number": number}) for number, event in enumerate(events, first)]
    return [frame(each) for each in written]


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
CALL_PLACE = {"item_id": "fc_1", "output_index": 1}


def text(delta: str, **place: Any) -> dict[str, Any]:
    return event("output_text.delta", **{**PLACE, **place}, delta=delta)


def call(arguments: str) -> dict[str, Any]:
    return {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": arguments}


CREATED = event("created", response={"id": "resp_1", "model": "m-1", "output": []})


def completed(*output: Any) -> dict[str, Any]:
    usage = {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}
    response = {"id": "resp_1", "model": "m-1", "status": "completed", "output": list(output), "usage": usage}
    return event("completed", response=response)


def message(*parts: str, item: str = "msg_1") -> dict[str, Any]:
    content = [{"type": "output_text", "text": part, "annotations": []} for part in parts]
    return {"id": item, "type": "message", "content": content}


def after(server: FaultServer) -> list[str | None]:
    """After which number each request asked to resume; `None` for one that begins."""
    for received in server.requests:
        taken_up = received.method == "GET"
        assert (received.method, received.path) == (
            ("GET", "/v1/responses/resp_1") if taken_up else ("POST", "/v1/responses")
        )
        assert not taken_up or received.query["stream"] == "true"
    return [received.query.get("starting_after") for received in server.requests]


# --- taken up ---------------------------------------------------------------------------------------------------------

REPLAYS = pytest.mark.parametrize("replays", [False, True], ids=["goes on", "replays from the beginning"])


@pytest.mark.wire("H21")
@REPLAYS
def test_a_background_response_is_taken_up_where_it_broke_off(
    loopback: FaultServer,
    background: Callable[..., StreamHandle],
    replays: bool,  # noqa: FBT001
) -> None:
    pieces = ("Hel", "lo", " wor", "ld")
    loopback.send(responses_body("Hel", "lo", status=None), then="close")
    loopback.send(responses_body(*pieces, usage=(3, 9), after=-1 if replays else 5))
    first = broken(background())
    assert (first.text, first.response_id) == ("Hello", "resp_1")
    result = first.resume(display=False)
    assert (result.text, result.state, result.finish_reason) == ("Hello world", "completed", "stop")
    assert (result.usage and result.usage.output_tokens, result.response_id, result.warnings) == (9, "resp_1", ())
    assert after(loopback) == [None, "5"]
    assert loopback.requests[0].json["background"] is True
    assert loopback.requests[1].headers["authorization"] == f"Bearer {KEY}"
    assert loopback.requests[1].body == b""


EVENTS = [
    CREATED,
    event("output_item.added", output_index=0, item=message()),
    text("Hel"),
    text("lo "),
    event("output_item.added", output_index=1, item=call("")),
    event("function_call_arguments.delta", **CALL_PLACE, delta='{"x"'),
    text("wor"),
    event("function_call_arguments.delta", **CALL_PLACE, delta=":1}"),
    text("ld"),
    event("output_text.annotation.added", **PLACE, annotation={"type": "url_citation", "url": "http://x"}),
    event("output_text.done", **PLACE, text="Hello world"),
    event("function_call_arguments.done", **CALL_PLACE, arguments='{"x":1}'),
    event("output_item.done", output_index=0, item=message("Hello world")),
    text("And", item_id="msg_2", output_index=2),
    text(" more.", item_id="msg_2", output_index=2),
    event("output_item.done", output_index=1, item=call('{"x":1}')),
    completed(message("Hello world"), call('{"x":1}'), message("And more.", item="msg_2")),
]


def facts(result: StreamResult) -> tuple[Any, ...]:
    return (
        *(str(result.state), result.text, result.tool_calls, result.annotations, result.finish_reason),
        *(result.usage, result.model, result.response_id, result.warnings),
    )


@pytest.mark.wire("H21")
@REPLAYS
def test_wherever_it_is_cut_the_answer_is_the_same(
    loopback: FaultServer,
    background: Callable[..., StreamHandle],
    replays: bool,  # noqa: FBT001
) -> None:
    """Two cuts, anywhere: parts, calls and items go on, and what is said again as a whole is not said twice."""
    frames = numbered(*EVENTS)
    loopback.send(*frames)
    whole = facts(background().result(PATIENCE))
    assert whole[1:3] == ("Hello world\n\nAnd more.", (ToolCall("call_1", "f", '{"x":1}'),))
    for one in range(1, len(frames)):
        two = min(one + 5, len(frames) - 1)
        del loopback.requests[:]
        loopback.send(*frames[:one], then="close")
        if one < two:
            loopback.send(*frames[0 if replays else one : two], then="close")
        loopback.send(*frames[0 if replays else two :])
        result = broken(background())
        if one < two:
            result = broken(result.start_again(display=False))
        assert facts(result.resume(display=False)) == whole, (one, two)
        assert after(loopback) == [None, *sorted({str(one - 1), str(two - 1)}, key=int)]


@pytest.mark.wire("H21", "H15")
def test_a_final_wording_after_the_cut_is_of_the_whole_part(
    loopback: FaultServer, background: Callable[..., StreamHandle]
) -> None:
    loopback.send(*numbered(CREATED, text("Hel")), then="close")
    rest = [text("lx"), event("output_text.done", **PLACE, text="Hello"), completed(message("Hello"))]
    loopback.send(*numbered(*rest, first=2))
    assert broken(background()).resume(display=False).text == "Hello"


@pytest.mark.wire("H21", "I01")
def test_a_character_may_be_cut_in_two(loopback: FaultServer, background: Callable[..., StreamHandle]) -> None:
    loopback.send(*numbered(CREATED, text("Hi \ud83d")), then="close")
    loopback.send(*numbered(text("\ude00!"), completed(message("Hi 😀!")), first=2))
    first = broken(background())
    assert first.text == "Hi \ufffd"
    assert first.resume(display=False).text == "Hi 😀!"


@pytest.mark.wire("H21")
def test_the_same_background_result_can_be_taken_up_again(
    loopback: FaultServer, background: Callable[..., StreamHandle]
) -> None:
    """Each time from where that result ends, not from where a later one does."""
    frames = numbered(CREATED, text("Hel"), text("lo"), text(" world"), completed(message("Hello world")))
    loopback.send(*frames[:2], then="close")
    loopback.send(*frames[2:3], then="close")
    loopback.send(*frames[2:])
    first = broken(background())
    assert broken(first.start_again(display=False)).text == "Hello"
    assert first.resume(display=False).text == "Hello world"
    assert after(loopback) == [None, "1", "1"]


@pytest.mark.wire("H21")
def test_a_stopped_background_response_is_taken_up(
    loopback: FaultServer, background: Callable[..., StreamHandle], drawn_on: RecordingSurface
) -> None:
    frames = numbered(CREATED, text("Hello"), text(" world"), completed(message("Hello world")))
    loopback.send(*frames[:2], then="hold")
    loopback.send(*frames[2:])
    handle = background(display=True)
    assert drawn_on.drawn.wait(PATIENCE)
    handle.cancel()
    assert handle.result(PATIENCE).resume(display=False).text == "Hello world"
    assert after(loopback) == [None, "1"]


# --- not taken up -----------------------------------------------------------------------------------------------------


@pytest.mark.wire("H21")
@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (404, "Response with id 'resp_1' not found.", "not_found"),
        (400, "Response is more than 5 minutes old and can no longer be streamed.", "rejected"),
    ],
)
def test_a_background_response_that_is_gone_keeps_the_text_and_says_so(
    loopback: FaultServer, background: Callable[..., StreamHandle], status: int, said: str, kind: str
) -> None:
    loopback.send(*numbered(CREATED, text("Hello")), then="close")
    loopback.send(error_body(said), status=status, headers=JSON)
    gone = broken(broken(background()).start_again(display=False))
    assert (gone.text, gone.error and gone.error.kind) == ("Hello", kind)
    assert gone.error is not None
    assert said.rstrip(".") in gone.error.message
    assert "--api chat" not in gone.error.message


@pytest.mark.wire("H21")
def test_a_background_response_is_taken_up_again_after_a_refusal(
    loopback: FaultServer, background: Callable[..., StreamHandle]
) -> None:
    frames = numbered(
        CREATED,
        text("Hello"),
        event("output_text.annotation.added", **PLACE, annotation={"type": "url_citation"}),
        text(" world"),
        completed(message("Hello world")),
    )
    loopback.send(*frames[:2], then="close")
    loopback.send(error_body("busy"), status=503, headers={**JSON, "retry-after-ms": "1"})
    loopback.send(*frames[2:3], then="close")  # nothing of the text, but something
    loopback.send(*frames[2:])
    result = broken(background(max_retries=2)).resume(display=False)
    assert (result.text, result.attempts, len(result.annotations)) == ("Hello world", 3, 1)
    assert after(loopback) == [None, "1", "1", "1"]


@pytest.mark.wire("H21")
def test_a_background_response_cut_at_its_limit_is_sent_back(
    loopback: FaultServer, background: Callable[..., StreamHandle]
) -> None:
    loopback.send(responses_body("Hello", status="incomplete"))
    loopback.send(responses_body(" world", id="resp_2"))
    assert background().result(PATIENCE).resume(display=False).text == "Hello world"
    assert loopback.requests[1].json["input"] == SENT_BACK


@pytest.mark.wire("H21")
@pytest.mark.parametrize("kind", ["failed", "cancelled"])
def test_a_background_response_that_the_server_gave_up_is_sent_back(
    loopback: FaultServer, background: Callable[..., StreamHandle], kind: str
) -> None:
    """It has ended on the server, so there is nothing to resume."""
    ended = event(kind, response={"id": "resp_1", "status": kind, "error": {"code": "server_error", "message": "no"}})
    loopback.send(*numbered(CREATED, text("Hello"), ended))
    loopback.send(responses_body(" world", id="resp_2"))
    assert broken(background()).resume(display=False).text == "Hello world"
    assert loopback.requests[1].json["input"] == SENT_BACK


@pytest.mark.wire("H21", "H14")
def test_a_server_that_numbers_nothing_repeats_nothing(
    loopback: FaultServer, background: Callable[..., StreamHandle]
) -> None:
    """Without numbers it cannot be told what to leave out, and nobody can tell what it repeats."""
    events = [CREATED, text("Hello"), text(" world"), completed(message("Hello world"))]
    frames = [frame(each) for each in events]
    loopback.send(*frames[:2], then="close")
    loopback.respond(
        lambda received: b"".join(frames) if received.method == "GET" else responses_body(" world", id="resp_2")
    )
    assert broken(background()).resume(display=False).text == "Hello world"


@pytest.mark.wire("H21")
def test_what_was_sent_back_is_not_taken_up_under_its_old_name(
    loopback: FaultServer, background: Callable[..., StreamHandle]
) -> None:
    """A continuation that breaks off before it has a name is begun again; the old answer would say it all twice."""
    old = responses_body("Hello", status="incomplete")
    loopback.send(old)
    loopback.send(": ping\n\n", then="close")
    loopback.respond(lambda received: old if received.method == "GET" else responses_body(" world", id="resp_2"))
    limited = background().result(PATIENCE)
    assert broken(limited.start_again(display=False)).resume(display=False).text == "Hello world"


@pytest.mark.wire("H21")
def test_a_response_that_broke_off_before_it_had_a_name_is_asked_for_afresh(
    loopback: FaultServer, background: Callable[..., StreamHandle]
) -> None:
    loopback.send(": ping\n\n", then="close")
    loopback.send(responses_body("Hello"))
    assert broken(background()).resume(display=False).text == "Hello"
    assert after(loopback) == [None, None]
    assert loopback.requests[1].json == loopback.requests[0].json


@pytest.mark.wire("H21")
@pytest.mark.usefixtures("demo")
def test_the_demo_models_background_response_is_taken_up() -> None:
    with pytest.raises(StreamError) as caught:
        nbs.stream(
            "Tell a long story", model="demo", api="responses", display=False, background=True, demo={"fault": "cut"}
        )
    whole = nbs.stream("Tell a long story", model="demo", api="responses", display=False)
    partial = caught.value.result
    assert whole.text.startswith(partial.text)
    assert partial.resume(display=False).text == whole.text
