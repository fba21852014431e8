"""What an answer has cost, read from its bytes in any pieces; and what a hostile provider cannot do to that."""

from __future__ import annotations

import json
import random

import pytest

from nbstream.relay.usage_reader import UsageReader, estimated_tokens
from nbstream.testing import chat_body, chat_chunk, responses_body

CHAT, RESPONSES = chat_body("Hel", "lo", usage=(9, 3)), responses_body("Hel", "lo", usage=(9, 3))


def read(*pieces: bytes, streamed: bool = True) -> UsageReader:
    reader = UsageReader(streamed=streamed)
    for piece in pieces:
        reader.feed(piece)
    reader.close()
    return reader


@pytest.mark.parametrize("body", [CHAT, RESPONSES], ids=["chat", "responses"])
def test_the_usage_is_found_whatever_the_cuts(body: bytes) -> None:
    dice = random.Random(7)
    for _ in range(50):
        cuts = sorted(dice.sample(range(len(body)), 5))
        reader = read(*(body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)))
        assert reader.usage is not None
        assert (reader.usage.input_tokens, reader.usage.output_tokens, reader.ended) == (9, 3, True)


def test_half_an_answer_is_estimated_by_its_pieces_and_its_length() -> None:
    assert read(*[chat_chunk("a")] * 10).estimated_output == 10
    assert read(chat_chunk("a" * 400)).estimated_output == 100
    assert read(responses_body("a" * 400, status=None)).estimated_output == 100
    assert read(chat_chunk("a")).ended is False


def test_reasoning_and_arguments_count_too() -> None:
    delta = {"reasoning_content": "b" * 40, "tool_calls": [{"function": {"arguments": "c" * 40}}]}
    event = f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode()
    assert read(event).estimated_output == 20


def test_one_document_is_read_at_its_end() -> None:
    document = {"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    body = json.dumps(document).encode()
    reader = read(body[:20], body[20:], streamed=False)
    assert reader.usage is not None
    assert (reader.usage.input_tokens, reader.usage.output_tokens) == (5, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"data: [1]\n\n",
        b"data: {\n\n",
        b'data: {"choices": 7, "usage": 7, "response": 7, "delta": 7}\n\n',
        b'data: {"choices": [7, {"delta": 7}]}\n\n',
        b'data: {"usage": {"prompt_tokens": -5, "completion_tokens": 1e400}}\n\n',
        b'data: {"usage": {"prompt_tokens": "many"}}\n\n',
        b"\xff\xfe\n\n",
    ],
)
def test_what_makes_no_sense_says_nothing(body: bytes) -> None:
    reader = read(body)
    assert reader.usage is None or reader.usage.total_tokens >= 0
    assert reader.estimated_output == 0


def test_an_image_by_data_is_not_taken_for_text() -> None:
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    assert estimated_tokens({"messages": [{"role": "user", "content": [url]}]}) < 10
