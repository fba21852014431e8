"""Bodies that nobody wrote down: random legal streams, and recorded bodies with random damage.

The strict decoder says what a legal stream means, and what a damaged one said for certain before its first damage; the
package must agree with it that far, whatever the cuts, and must end every stream in a verdict of its own. Everything is
seeded: a case that fails names its seed and prints its bytes, and `examined` plays them again.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nbstream
from nbstream.errors import StreamError
from nbstream.request import Endpoint
from tests.transport.legal_streams import legal_body
from tests.transport.mutations import mutated
from tests.transport.playing import ADAPTERS, check_verdict, facts, played
from tests.transport.strict_decoder import joined, strict_reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.request import Api
    from nbstream.result import StreamResult
    from nbstream.streaming.handle import StreamHandle
    from nbstream.testing import FaultServer
    from nbstream.testing.answers import Ending

FOLDER = Path(__file__).parents[1] / "data" / "recorded"
RECORDED = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if not path.name.startswith(".")}

MARKS = ("<think>", "</think>", "<thinking>", "<thought>", "<seed:think>", "[THINK]", "◁think▷", "<|channel|>")

BLOCKS, CASES_IN_A_BLOCK = 3, 1250
EXAMPLES = 100
CASES_OVER_HTTP = 200

# --- against the strict decoder ---------------------------------------------------------------------------------------


def examined(body: bytes, api: str, cuts: Sequence[int], *, broken: bool = False) -> None:
    """Play a body in two ways and hold it against the strict decoder."""
    strict = strict_reading(body, api)
    certain = dict(strict.steps)
    ends = [end for end, _ in strict.steps[-1:] + strict.steps[len(strict.steps) // 2 :][:1]]
    result, texts, taken_back = played(body, api, sorted({*cuts, *ends}), broken=broken)
    for end, text in texts:
        if end in certain:
            check_beginning(text, joined(certain[end], more_may_come=True))
    if not taken_back:
        check_beginning(result.text, joined(strict.text, more_may_come=True), more_may_come=False)
    if strict.whole:
        assert result.text == joined(strict.text, more_may_come=False)
    assert facts(played(body, api, broken=broken).result) == facts(result), "the cuts decide"


def check_beginning(text: str, certain: str, *, more_may_come: bool = True) -> None:
    """All the certain text is there, apart from an end that may yet become a tag of reasoning."""
    if more_may_come:
        assert certain.startswith(text)
        held = certain[len(text) :].removeprefix("\ufffd").lstrip()  # a half waits for its other half before a tag too
        assert any(mark.startswith(held) for mark in MARKS), f"{held!r} is missing"
    else:
        assert text.startswith(certain), f"{text!r} lacks {certain!r}"


# --- recorded bodies --------------------------------------------------------------------------------------------------

FAILING = {
    "chat_cut_short.sse": "connection_lost",
    "chat_detail.json": "server",
    "chat_error.json": "not_found",
    "chat_llamacpp_error_field.sse": "context_length",
    "chat_login_page.html": "not_a_stream",
    "chat_ollama_native.ndjson": "not_a_stream",
    "chat_openrouter_error.sse": "rate_limit",
    "chat_plain_error.sse": "server",
    "chat_vllm_error.sse": "server",
    "responses_error.json": "authentication",
    "responses_openai_error.sse": "rate_limit",
    "responses_openai_failed.sse": "server",
}


def api_of(name: str) -> str:
    return name.partition("_")[0]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_bodies(name: str) -> None:
    body, api = RECORDED[name], api_of(name)
    assert len(body) < 6000
    examined(body, api, range(1, len(body)))
    result = played(body, api).result
    assert (result.error and result.error.kind) == FAILING.get(name)


# --- random legal streams ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ADAPTERS)
def test_legal_streams(api: str) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(legal_body(api), st.lists(st.integers(0), max_size=6))
    def check(body: bytes, numbers: list[int]) -> None:
        strict = strict_reading(body, api)
        assert strict.whole
        cuts = sorted(number % len(body) for number in numbers)
        examined(body, api, cuts)
        for ways in (cuts, range(1, len(body))):
            result = played(body, api, ways).result
            usage = result.usage and (result.usage.input_tokens, result.usage.output_tokens)
            assert (result.state, result.finish_reason, usage) == ("completed", strict.finish_reason, strict.usage)
            assert result.text == joined(strict.text, more_may_come=False)

    check()


# --- damaged bodies ---------------------------------------------------------------------------------------------------


class Damaged(NamedTuple):
    """One case; `str` says which it is, and all of it."""

    seed: str
    body: bytes
    api: str
    cuts: Sequence[int]
    broken: bool

    def __str__(self) -> str:
        ending = "broken off" if self.broken else "ended"
        return f"seed {self.seed!r}: {self.api}, cut at {list(self.cuts)}, {ending}:\n{self.body!r}"


def damaged(seed: str) -> Damaged:
    """The case of a seed, which begins with the API."""
    generator = random.Random(seed)
    api = seed.partition("-")[0]
    of_api = [name for name in RECORDED if api_of(name) == api]
    name = generator.choice(of_api if generator.random() < 0.95 else list(RECORDED))
    body = mutated(RECORDED[name], list(RECORDED.values()), generator)
    cuts: Sequence[int] = sorted(generator.randrange(len(body) + 1) for _ in range(generator.randrange(6)))
    if generator.random() < 0.01:
        cuts = range(1, min(len(body), 6000))
    return Damaged(seed, body, api, cuts, broken=generator.random() < 0.25)


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("api", ADAPTERS)
def test_damaged_bodies(api: str, block: int) -> None:
    for number in range(CASES_IN_A_BLOCK):
        case = damaged(f"{api}-{block}-{number}")
        try:
            examined(case.body, api, case.cuts, broken=case.broken)
        except Exception as error:
            error.add_note(str(case))
            raise


@pytest.mark.parametrize("api", ADAPTERS)
def test_damaged_bodies_over_http(loopback: FaultServer, api: Api) -> None:
    for number in range(CASES_OVER_HTTP // 2):
        case = damaged(f"{api}-http-{number}")
        endings: tuple[Ending, Ending] = ("close", "reset") if case.broken else ("end", "end")
        cuts = (0, *case.cuts, len(case.body))
        loopback.send(*(case.body[a:b] for a, b in itertools.pairwise(cuts)), then=endings[number % 2])
        handle = nbstream.start("Hi", model="m", api=api, base_url=loopback.base_url, display=False, max_retries=0)
        try:
            result = ended(handle)
            check_verdict(result)
            if endings[number % 2] != "reset":  # which takes with it what had not been read
                twin = played(case.body, api, broken=case.broken, endpoint=Endpoint(loopback.base_url)).result
                assert facts(result)[:-1] == facts(twin)[:-1]
        except Exception as error:
            error.add_note(str(case))
            raise
        assert len(loopback.requests) == number + 1


def ended(handle: StreamHandle) -> StreamResult:
    """The one result that the caller, the handle and the error agree on."""
    error = None
    try:
        result = handle.result(timeout=30)
    except StreamError as raised:
        error, result = raised, raised.result
    assert result.error is error
    assert handle.snapshot is result
    return result
