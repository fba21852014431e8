"""How many events, batches and pieces the chunks of an answer become: one each, however long the answer is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbstream.assembly import Assembler
from nbstream.events import TextDelta
from nbstream.request import Endpoint
from nbstream.testing import chat_body, responses_body
from nbstream.transport.chat_completions import ChatCompletionsAdapter
from nbstream.transport.responses import ResponsesAdapter
from nbstream.transport.wire import WireDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.transport.wire import Adapter

APIS: dict[str, tuple[Callable[..., str | bytes], Callable[[], Adapter]]] = {
    "chat": (chat_body, ChatCompletionsAdapter),
    "responses": (responses_body, ResponsesAdapter),
}
CHUNKS = 2_000
AROUND_THEM = 20  # events that say how the answer begins and ends


@pytest.mark.parametrize("cut", [50, 65_536])
@pytest.mark.parametrize("api", APIS)
def test_a_chunk_is_one_event(api: str, cut: int) -> None:
    make, adapter = APIS[api]
    made = make(*["token "] * CHUNKS)
    body = made.encode() if isinstance(made, str) else made
    decoder = WireDecoder(adapter(), Endpoint("http://localhost:8000/v1"))
    assembler = Assembler(model="m", endpoint="localhost:8000")
    events = [event for start in range(0, len(body), cut) for event in decoder.feed(body[start : start + cut])]
    events += decoder.close()
    for event in events:
        assembler.feed(event)
    assert sum(isinstance(event, TextDelta) for event in events) == CHUNKS
    assert len(events) <= CHUNKS + AROUND_THEM
    assert assembler.snapshot().text == "token " * CHUNKS
