"""What is sent of a prompt: in the form of either API, and repaired in one way wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.testing import FaultServer, chat_body, responses_body

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0
KEY = "sk-test-0123456789abcdef"
PIXEL = "data:image/png;base64,AA=="
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "7"}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}


@pytest.fixture
def sent(loopback: FaultServer) -> Callable[..., Any]:
    """What is sent of a prompt."""

    def sent(prompt: Any, api: str = "responses", **options: Any) -> Any:
        loopback.send(chat_body("Yes") if api == "chat" else responses_body("Yes"))
        asked: dict[str, Any] = {
            "model": "m",
            "api": api,
            "base_url": loopback.base_url,
            "api_key": "sk-test-0123456789abcdef",
        }
        assert nbs.start(prompt, **asked, display=False, **options).result(PATIENCE).text == "Yes"
        body = loopback.requests[-1].json
        return body["messages" if api == "chat" else "input"]

    return sent


def test_items_of_the_responses_api_are_sent_as_they_are(sent: Callable[..., Any]) -> None:
    question: dict[str, Any] = {"role": "user", "content": [{"type": "input_image", "image_url": PIXEL}]}
    reasoning: dict[str, Any] = {"type": "reasoning", "id": "r1", "summary": []}
    assert sent([question, reasoning, CALL, OUTPUT]) == [{"type": "message", **question}, reasoning, CALL, OUTPUT]
    assert sent([OUTPUT], previous_response_id="resp_1") == [OUTPUT]


def test_mere_parts_are_one_message(sent: Callable[..., Any]) -> None:
    parts: list[dict[str, Any]] = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": PIXEL},
    ]
    assert sent([*parts, OUTPUT]) == [{"type": "message", "role": "user", "content": parts}, OUTPUT]
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    assert sent(parts, "chat") == [{"role": "user", "content": parts}]
    assert sent(parts) == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": PIXEL},
            ],
        }
    ]


def test_chat_completions_take_only_messages() -> None:
    with pytest.raises(UsageError, match="function_call_output") as caught:
        nbs.start([{"role": "user", "content": "Hi"}, OUTPUT], model="m", base_url="http://localhost:1/v1", api="chat")
    assert caught.value.remedies == (Remedy(RemedyKind.USE_API, "responses"),)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_half_a_character_keeps_nothing_from_being_sent(api: str, sent: Callable[..., Any]) -> None:
    said = sent("Hi \ud83d", api, system="Be \ud83d brief.", metadata={"who": "\ud83d"})
    assert said[-1]["content"] == "Hi \ufffd"
    assert sent([{"role": "user", "content": "\ud83d\ude00 \ude00"}], api)[-1]["content"] == "😀 \ufffd"
    history = [{"role": "assistant", "content": "Half \ud83d"}, {"role": "user", "content": "Hi"}]
    assert "Half \\ufffd" in repr(sent(history, api)).replace("\ufffd", "\\ufffd")


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_lines_end_in_one_way(api: str, sent: Callable[..., Any], loopback: FaultServer) -> None:
    assert sent("One\r\nTwo\rThree\n", api, system="A\r\nB")[-1]["content"] == "One\nTwo\nThree\n"
    body = loopback.requests[-1].json
    assert "A\nB" in {body.get("instructions"), body.get("messages", [{"content": ""}])[0]["content"]}
    chat = nbs.Chat(model="m", api=api, base_url=loopback.base_url, api_key=KEY)
    loopback.send(chat_body("Yes") if api == "chat" else responses_body("Yes"))
    chat.start("One\r\nTwo \ud83d", display=False).result(PATIENCE)
    asked = loopback.requests[-1].json["messages" if api == "chat" else "input"][-1]["content"]
    assert (asked, chat.turns[0].text) == ("One\nTwo \ufffd", "One\nTwo \ufffd")


def test_what_is_sent_as_data_keeps_its_line_ends(sent: Callable[..., Any]) -> None:
    output = {**OUTPUT, "output": "a\r\nb"}
    assert sent([output]) == [output]
    message = {"role": "tool", "tool_call_id": "c1", "content": "a\r\nb"}
    assert sent([message], "chat") == [message]
