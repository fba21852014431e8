"""A refused field that nbstream chose is left out or renamed once, and this is remembered: the real SDK over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.display.surface import NullSurface
from nbstream.settings.capabilities import Capabilities
from nbstream.streaming.rounds import Rounds
from nbstream.testing import chat_body, responses_body
from nbstream.transport.open import ClientPool
from tests.transport.over_http import PATIENCE, a_request

if TYPE_CHECKING:
    from nbstream.result import StreamResult
    from nbstream.testing import FaultServer


def refusal(message: str, **fields: Any) -> str:
    return json.dumps({"error": {"message": message, **fields}})


OLD_NAME = refusal(
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    code="unsupported_parameter",
    param="max_tokens",
)
NEW_NAME = refusal("Unrecognized request argument supplied: max_completion_tokens")
NO_USAGE = refusal("Unknown parameter: 'stream_options'.", code="unknown_parameter", param="stream_options")


class Asked:
    """A pool and its answers, one after the other."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.learned = Capabilities()

    def answers(self, *requests: dict[str, Any], beginning: StreamResult | None = None) -> list[StreamResult]:
        async def main() -> list[StreamResult]:
            pool = ClientPool()
            try:
                sent = [a_request(self.server.base_url, **values) for values in requests]
                results = [await Rounds(request, NullSurface(), pool, beginning=beginning).run() for request in sent]
                self.learned = pool.capabilities.of(self.server.base_url, sent[0].model)
                return results
            finally:
                await pool.close()

        return asyncio.run(asyncio.wait_for(main(), PATIENCE))

    def bodies(self, *names: str) -> list[dict[str, Any]]:
        """What was sent of these fields."""
        return [{name: body[name] for name in names if name in body} for body in (r.json for r in self.server.requests)]


@pytest.fixture
def asked(loopback: FaultServer) -> Asked:
    return Asked(loopback)


LIMITS = ("max_tokens", "max_completion_tokens")


def test_a_limit_is_sent_by_its_other_name_and_so_from_then_on(loopback: FaultServer, asked: Asked) -> None:
    loopback.send(OLD_NAME, status=400)
    loopback.send(chat_body("Hi"))
    one, two = asked.answers({"max_tokens": 9}, {"max_tokens": 7})
    assert (one.text, one.attempts, two.text) == ("Hi", 1, "Hi")
    assert asked.bodies(*LIMITS) == [{"max_tokens": 9}, {"max_completion_tokens": 9}, {"max_completion_tokens": 7}]
    assert asked.learned == Capabilities(limit_field="max_completion_tokens")


def test_another_model_of_the_same_server_is_asked_afresh(loopback: FaultServer, asked: Asked) -> None:
    loopback.send(OLD_NAME, status=400)
    loopback.send(chat_body("Hi"))
    asked.answers({"max_tokens": 9}, {"max_tokens": 9, "model": "other"})
    assert asked.bodies(*LIMITS)[-1] == {"max_tokens": 9}


def test_both_may_be_refused_one_after_the_other(loopback: FaultServer, asked: Asked) -> None:
    for refusal in (NO_USAGE, OLD_NAME):
        loopback.send(refusal, status=422)
    loopback.send(chat_body("Hi"))
    [result] = asked.answers({"max_tokens": 9})
    assert result.text == "Hi"
    assert asked.bodies("stream_options", *LIMITS)[-1] == {"max_completion_tokens": 9}
    assert asked.learned == Capabilities(stream_options=False, limit_field="max_completion_tokens")


def test_where_neither_name_is_taken_the_first_refusal_is_told_and_the_limit_is_not_dropped(
    loopback: FaultServer, asked: Asked
) -> None:
    loopback.send(OLD_NAME, status=400)
    loopback.send(NEW_NAME, status=400)
    [result] = asked.answers({"max_tokens": 9})
    assert result.error is not None
    assert "'max_tokens' is not supported" in result.error.message
    assert asked.bodies(*LIMITS) == [{"max_tokens": 9}, {"max_completion_tokens": 9}]
    assert asked.learned == Capabilities(), "nothing has proved to be true"


def test_what_comes_after_an_adaptation_is_the_error(loopback: FaultServer, asked: Asked) -> None:
    loopback.send(NO_USAGE, status=400)
    loopback.send(refusal("Bad key"), status=401)
    [result] = asked.answers({})
    assert result.error is not None
    assert result.error.kind == "authentication"
    assert asked.learned == Capabilities()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"params": {"stream_options": {"include_usage": False}}}, "Unknown parameter: 'stream_options'"),
        ({"params": {"max_tokens": 9}}, "Unsupported parameter: 'max_tokens'"),
        ({"temperature": 0.5}, "Unsupported parameter: 'temperature' is not supported with this model"),
        ({"params": {"seed": 7}}, "Unknown parameter: 'seed'"),
        ({"params": {"response_format": {"type": "json_object"}}}, "'response_format' is not supported"),
        ({"max_tokens": 9}, "max_tokens is too large: 9. This model supports at most 4"),
    ],
)
def test_what_the_user_asked_for_is_sent_once_and_never_dropped(
    loopback: FaultServer, asked: Asked, values: dict[str, Any], message: str
) -> None:
    loopback.send(refusal(message), status=400)
    [result] = asked.answers(values)
    assert result.error is not None
    assert (result.error.kind, len(loopback.requests)) == ("rejected", 1)
    assert message in result.error.message


@pytest.mark.parametrize(
    ("api", "values", "message", "learned"),
    [
        (
            "chat",
            {"partial_answer": "On"},
            "This model does not support assistant message prefill.",
            {"prefill": False},
        ),
        ("chat", {"params": {"response_format": {}}}, "'response_format' is not supported", {"schemas": False}),
        ("responses", {"params": {"text": {"format": {}}}}, "Unsupported parameter: 'text.format'", {"schemas": False}),
        ("responses", {"params": {"background": True}}, "Unknown parameter: 'background'", {"background": False}),
    ],
)
def test_a_feature_that_is_lacking_is_remembered(
    loopback: FaultServer, asked: Asked, api: str, values: dict[str, Any], message: str, learned: dict[str, Any]
) -> None:
    loopback.send(refusal(message), status=400)
    asked.answers({"api": api, **values})
    assert len(loopback.requests) == 1
    assert asked.learned == Capabilities(**learned)


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_only_a_rejected_request_is_a_refusal(loopback: FaultServer, asked: Asked, status: int) -> None:
    loopback.send(NO_USAGE, status=status, headers={"x-should-retry": "false"})
    asked.answers({})
    assert len(loopback.requests) == 1


def test_responses_have_a_name_of_their_own_for_the_limit(loopback: FaultServer, asked: Asked) -> None:
    loopback.send(responses_body("Hi"))
    [result] = asked.answers({"api": "responses", "max_tokens": 9})
    assert result.text == "Hi"
    assert asked.bodies("max_output_tokens", "stream_options", *LIMITS) == [{"max_output_tokens": 9}]
