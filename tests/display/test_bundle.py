"""What a saved notebook keeps of an answer."""

import json
import re

import pytest

from nbstream.display.bundle import answer_bundle, waiting_bundle
from nbstream.errors import ServerError
from nbstream.result import StreamResult, StreamState, Timing, Usage

COMPLETED = StreamState.COMPLETED


def test_a_whole_answer():
    timing = Timing(0.12345, 1.5, 10.0)
    data, metadata = answer_bundle(
        StreamResult("**Hi**", COMPLETED, "stop", Usage(3, 4, 7), "m", "req_1", timing=timing, reasoning="hm")
    )
    assert set(data) == {"text/markdown", "text/plain"}
    assert data["text/markdown"].strip() == "**Hi**"
    assert data["text/plain"] == "**Hi**"
    facts = metadata["nbstream"]
    assert (facts["state"], facts["model"], facts["finish_reason"]) == ("completed", "m", "stop")
    assert facts["usage"]["total_tokens"] == 7
    assert facts["ttft"] == 0.1235
    assert facts["request_id"] == "req_1"


@pytest.mark.parametrize("state", StreamState)
def test_every_bundle_is_json_and_has_the_same_types(state):
    error = ServerError("boom") if state is StreamState.FAILED else None
    data, metadata = answer_bundle(StreamResult("Hi 😀", state, error=error))
    assert json.loads(json.dumps([data, metadata])) == [data, metadata]
    assert set(data) == {"text/markdown", "text/plain"}


def test_an_unusual_end_is_marked_in_both():
    data, metadata = answer_bundle(StreamResult("Hal", StreamState.CANCELLED))
    assert data["text/markdown"].startswith("Hal")
    assert "> **Stopped.** You stopped the answer after 3 characters" in data["text/markdown"]
    assert data["text/plain"] == "Hal\n\n[Stopped: You stopped the answer after 3 characters.]"
    assert metadata["nbstream"]["state"] == "cancelled"


def test_the_words_of_an_error_are_not_markdown():
    error = ServerError("said: <img src=x onerror=alert(1)> [here](javascript:x) *loud* `code`\n# head \x1b[31m")
    markdown = answer_bundle(StreamResult("", StreamState.FAILED, error=error))[0]["text/markdown"]
    sentence = markdown.removeprefix("> **Failed.** ")
    unescaped = re.sub(r"\\.", "", sentence)
    assert not set("<>[]()*`#\x1b") & set(unescaped)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "![p](http://evil.example/p)",
    ],
)
def test_the_answer_is_inert_and_the_text_exact(hostile):
    result = StreamResult(hostile, COMPLETED)
    data, _ = answer_bundle(result)
    assert result.text == hostile
    assert data["text/plain"] == hostile
    for active in ("<script", "<img", "](javascript:", "![p](http"):
        assert active not in data["text/markdown"]


def test_controls_do_not_reach_the_plain_text():
    assert answer_bundle(StreamResult("a\x1b[31mb\r\n", COMPLETED))[0]["text/plain"] == "a␛[31mb\n"


def test_a_refusal_is_the_answer():
    data, _ = answer_bundle(StreamResult(refusal="I will not.", state=COMPLETED))
    assert data["text/markdown"].startswith("I will not.")
    assert "Refused" in data["text/plain"]


def test_the_waiting_line_names_the_model_and_cannot_be_abused():
    data = waiting_bundle("<b>x</b>*y*\x1b")
    assert data["text/plain"] == "Waiting for <b>x</b>*y*␛ …"
    assert "<b>" not in data["text/markdown"]
    assert "*y*" not in data["text/markdown"]
