"""The demo model where no socket can be bound: the same answers and faults, without a server."""

from __future__ import annotations

from typing import Any

import pytest

import nbstream as nbs


@pytest.fixture(autouse=True)
def _without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden() -> None:
        raise PermissionError("no socket here")

    monkeypatch.setattr("nbstream.demo.demo_server", forbidden)
    monkeypatch.setenv("NBSTREAM_DEMO_PACE", "instant")


def ask(prompt: str = "Count to 40", **options: Any) -> nbs.StreamResult:
    return nbs.stream(prompt, model="demo", display=False, max_retries=0, **options)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_answer_is_that_of_the_server(api: Any, stream: Any) -> None:
    result = ask(api=api, stream=stream, system="You are a pirate.", max_tokens=60)
    assert (result.state, result.finish_reason, result.model, result.warnings) == ("completed", "length", "demo", ())
    assert "1, 2, 3, 4" in result.text
    assert result.usage is not None
    assert result.usage.output_tokens == 60


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("cut", nbs.errors.ConnectionLostError, "The connection to demo broke off"),
        ("stall", nbs.errors.StalledError, "demo went silent for 0.2 s in the middle of the answer"),
        ("error", nbs.errors.ServerError, "the request asked the demo model to simulate this"),
        ("rate_limit", nbs.errors.RateLimitError, "Rate limit reached"),
    ],
)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_faults_are_played(api: Any, fault: str, error: type[nbs.StreamError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        ask(api=api, timeout=0.2, demo={"fault": fault})
    assert (caught.value.result.text != "") == (fault != "rate_limit")


def test_what_the_demo_refuses_is_refused() -> None:
    with pytest.raises(nbs.StreamError, match="Invalid 'temperature': expected a value from 0 to 2"):
        ask(temperature=9.0)


def test_it_can_be_stopped_in_the_middle() -> None:
    handle = nbs.start("Count to 400", model="demo", display=False, demo={"tokens_per_second": 50})
    for _ in handle:
        handle.cancel()
    assert handle.result().state == "cancelled"
