"""A server that repeats the key: nothing that is shown or saved holds it, while the answer stays exact."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.display.bundle import answer_bundle
from nbstream.request import Endpoint
from nbstream.settings.credential import Credential
from nbstream.testing import chat_body
from nbstream.text.secret import Secret
from nbstream.transport.translate import as_sent
from tests.transport.over_http import ask

if TYPE_CHECKING:
    from nbstream.result import StreamResult
    from nbstream.testing import FaultServer

KEY = "sk-test-0123456789abcdefghij"
ECHOES = [KEY, KEY[:14], KEY[14:], base64.b64encode(KEY.encode()).decode(), KEY.replace("-", "%2D")]


def everything(result: StreamResult) -> str:
    """All that is shown or saved of an answer, apart from what it says."""
    error, bundle = result.error, answer_bundle(result, footer="full")
    facts: list[Any] = [
        repr(result),
        json.dumps(result.metadata()),
        json.dumps(bundle),
        result.summary(),
    ]
    facts += [result.request_id, result.response_id, result.model, result.finish_reason, result.rounds]
    facts += [result.tool_calls, result.annotations, result.parts, [each.message for each in result.warnings]]
    if error is not None:
        facts += [str(error), repr(error), error.code, error.request_id, error.args, error.remedies]
    return " ".join(map(str, facts))


def shreds(echo: str) -> set[str]:
    return {echo[at : at + 10] for at in range(len(echo) - 9)}


@pytest.mark.parametrize("echo", ECHOES)
def test_no_name_holds_it(loopback: FaultServer, echo: str) -> None:
    call = {"index": 0, "id": f"call_{echo}", "function": {"name": f"f_{echo}", "arguments": "{}"}}
    cite = {
        "type": "url_citation",
        "url_citation": {"url": f"https://e.example/{echo}", "start_index": 0, "end_index": 1},
    }
    choices = [
        {"delta": {"content": "Hello", "annotations": [cite]}},
        {"delta": {"tool_calls": [call]}},
        {"delta": {}, "finish_reason": f"why_{echo}"},
    ]
    head = {"id": f"chat_{echo}", "model": f"m-{echo}"}
    body = "".join(f"data: {json.dumps({**head, 'choices': [each]})}\n\n" for each in choices)
    loopback.send(body, headers={"x-request-id": f"req_{echo}"})
    result = ask(loopback.base_url, api_key=Credential(Secret(KEY)))
    assert (result.state, result.text) == ("completed", "Hello")
    assert (result.request_id, result.model) == ("req_<key>", "m-<key>")
    shown = everything(result)
    assert not [shred for shred in shreds(echo) if shred in shown]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("in_stream", [False, True])
def test_no_error_holds_it(loopback: FaultServer, echo: str, in_stream: bool) -> None:  # noqa: FBT001  a parameter
    body: Any = json.dumps({"error": {"message": f"No such key: {echo}", "code": f"bad_{echo}", "type": echo}})
    headers = {"x-request-id": f"req_{echo}"}
    if in_stream:
        loopback.send(f"data: {body}\n\n", headers=headers)
    else:
        loopback.send(body, status=401, headers=headers)
    result = ask(loopback.base_url, api_key=Credential(Secret(KEY)))
    assert result.error is not None
    assert "No such key: <key>" in result.error.message
    assert result.request_id == "req_<key>"
    shown = everything(result)
    assert not [shred for shred in shreds(echo) if shred in shown]


def test_what_nothing_understood_holds_it_neither(loopback: FaultServer) -> None:
    loopback.send(f'data: {{"odd":"{KEY}"}}\n\n')
    error = ask(loopback.base_url, api_key=Credential(Secret(KEY))).error
    assert error is not None
    assert '{"odd":"<key>"}' in error.message


def test_the_answer_itself_stays_exact(loopback: FaultServer) -> None:
    loopback.send(chat_body(f"You gave me {KEY}.\x00"))
    assert ask(loopback.base_url, api_key=Credential(Secret(KEY))).text == f"You gave me {KEY}.\x00"


@pytest.mark.parametrize("headers", [{"api-key": KEY}, {"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}])
def test_a_key_that_a_client_of_the_users_own_sends_counts_too(headers: dict[str, str]) -> None:
    sent = as_sent(Endpoint("http://localhost:8000/v1"), SimpleNamespace(headers=headers))
    assert sent.redact(f"No such key: {KEY}") == "No such key: <key>"
