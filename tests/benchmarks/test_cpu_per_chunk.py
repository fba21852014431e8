"""CPU time to take in a chunk, against the SDK's own typed loop over the same bytes in the same run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

import nbstream as nbs
from tests.benchmarks.conftest import CHUNKS, PIECE, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

EXPECTED = PIECE * CHUNKS


def sdk_loop(api: str, client: openai.OpenAI) -> str:
    """What a user of the SDK writes."""
    text = ""
    if api == "chat":
        for chunk in client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        ):
            if chunk.choices and chunk.choices[0].delta.content:
                text += chunk.choices[0].delta.content
    else:
        for event in client.responses.create(model="m", input="hi", stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
    return text


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_chunk_costs_at_most_a_quarter_of_the_sdk_loop(api: Any, burst_url: str) -> None:
    def checked(answer: Callable[[], str]) -> Callable[[], None]:
        def run() -> None:
            assert answer() == EXPECTED

        return run

    with openai.OpenAI(base_url=burst_url, api_key="x") as client:
        figures = take_turns(
            {
                "nbs.stream": checked(
                    lambda: nbs.stream("hi", model="m", base_url=burst_url, api=api, display=False).text
                ),
                "openai create(stream=True)": checked(lambda: sdk_loop(api, client)),
            }
        )
    print(f"\n{api}, {CHUNKS:,} chunks, openai {openai.__version__}")
    for each in figures.values():
        low, median = min(each.seconds) / CHUNKS * 1e6, each.median / CHUNKS * 1e6
        print(f"  {each.name:30} {median:6.1f} us CPU a chunk (median), {low:6.1f} us (least)")
    ours, sdk = figures.values()
    print(f"  ratio {ours.median / sdk.median:.3f} (at most 0.25)")
    assert ours.median / sdk.median <= 0.25
