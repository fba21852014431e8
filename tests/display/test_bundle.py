"""What a saved notebook keeps of an answer."""

import dataclasses
import json
import re

import pytest

from nbstream.display.bundle import answer_bundle, waiting_bundle
from nbstream.errors import ServerError
from nbstream.result import Retry, StreamResult, StreamState, StreamWarning, TextPart, Timing, Usage

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


def test_a_footer_says_what_is_known_once_the_answer_has_ended():
    usage, timing = Usage(3, 1200, 1203), Timing(0.42, 9.0, 141.3)
    result = StreamResult("Hi", COMPLETED, "stop", usage, "m_1*", timing=timing)
    short, _ = answer_bundle(result, footer="short")
    small = '<small style="opacity:.7;user-select:none">{}</small>'
    facts = r"m\_1\* · 1,200 tokens"
    assert short == {"text/markdown": f"Hi\n\n{small.format(facts)}\n", "text/plain": "Hi"}
    slower = dataclasses.replace(result, timing=Timing(3.0, 20.0, 60.0), request_id="req_2")
    for footer in ("none", "short", "full"):
        assert answer_bundle(slower, footer=footer)[0] == answer_bundle(result, footer=footer)[0]
    full, _ = answer_bundle(StreamResult("Hal", StreamState.CANCELLED), footer="full")
    assert full["text/markdown"].endswith(f"\n\n{small.format('stopped')}\n")
    for unfinished in (StreamState.CANCELLED, StreamState.STREAMING):
        data, _ = answer_bundle(StreamResult("Hal", unfinished, model="m_1*"), footer="short")
        assert "<small" not in data["text/markdown"]


@pytest.mark.parametrize("state", StreamState)
def test_every_bundle_is_json_and_has_the_same_types(state):
    error = ServerError("boom") if state is StreamState.FAILED else None
    data, metadata = answer_bundle(StreamResult("Hi 😀", state, error=error))
    assert json.loads(json.dumps([data, metadata])) == [data, metadata]
    assert set(data) == {"text/markdown", "text/plain"}


def test_reasoning_is_quoted_above_a_final_answer_where_that_is_wanted():
    hostile = "Hm *so*.\n\n```\n</details><script>"
    thought = StreamResult("Hi", COMPLETED, "stop", reasoning=hostile, timing=Timing(1.0, 2.0))
    data, metadata = answer_bundle(thought, reasoning=True)
    quote = "> *Reasoning*\n>\n> Hm *so*.\n>\n> ```\n> </details><script>\n> ```"
    assert (data["text/markdown"], data["text/plain"]) == (f"{quote}\n\nHi", "Hi")
    assert "reasoning" not in metadata["nbstream"]
    long = StreamResult("Hi", COMPLETED, "stop", reasoning="Hm, **so**. " * 100)
    data, metadata = answer_bundle(long, reasoning=True)
    assert len(data["text/markdown"]) < 500
    quote, answer = data["text/markdown"].rsplit("\n\n", 1)
    beginning, rest = quote.removeprefix("> *Reasoning*\n>\n> ").split("\n>\n> ")
    assert beginning == "Hm, **so**. " * 24 + "Hm, **so**."
    name = "`stream_result.reasoning`"
    assert rest == f"*… 900 more characters: see {name}, or this output's metadata once the kernel has stopped.*"
    assert answer == "Hi"
    assert metadata["nbstream"]["reasoning"] == long.reasoning
    steps = StreamResult("Hi", COMPLETED, "stop", reasoning="\n\n".join("abcde"))
    quote = answer_bundle(steps, reasoning=True)[0]["text/markdown"]
    assert quote.startswith("> *Reasoning*\n>\n> a\n>\n> b\n>\n> c\n>\n> *… 6 more characters: see `")
    cut_in_code = StreamResult("Hi", COMPLETED, "stop", reasoning="```python\n" + "x = 1\n" * 200)
    quote = answer_bundle(cut_in_code, reasoning=True)[0]["text/markdown"]
    assert "> x = 1\n> ```\n>\n> *… 9" in quote, "what is left is said outside of the code"
    for plain in (thought, dataclasses.replace(thought, parts=(TextPart("Hi"),))):
        assert answer_bundle(plain)[0]["text/markdown"] == "Hi"


def test_the_json_of_an_object_is_in_the_metadata():
    made = TextPart('{"value": [{"a": 1}]}', shown="| a |\n| --- |\n| 1 |")
    result = StreamResult(parts=(TextPart("Hm"), made), state=COMPLETED, finish_reason="stop", parsed=[{"a": 1}])
    data, metadata = answer_bundle(result)
    assert metadata["nbstream"]["json"] == {"value": [{"a": 1}]}
    assert data["text/markdown"].rstrip().endswith("| 1 |")
    assert set(data) == {"text/markdown", "text/plain"}
    for other in (StreamResult(parts=(made,), state=COMPLETED), StreamResult("No: {}", COMPLETED, parsed={})):
        assert "json" not in answer_bundle(other)[1]["nbstream"]


def test_an_unusual_end_is_marked_in_both():
    data, metadata = answer_bundle(StreamResult("Hal", StreamState.CANCELLED))
    assert data["text/markdown"].startswith("Hal")
    assert "> **Stopped.** You stopped the answer after 3 characters" in data["text/markdown"]
    assert data["text/plain"].startswith(
        "Hal\n\n[Stopped: You stopped the answer after 3 characters. Run %stream_continue"
    )
    assert metadata["nbstream"]["state"] == "cancelled"


def test_a_mark_and_notes_share_one_quote_and_each_note_comes_once():
    image = StreamWarning("malformed_event", "An <img> is not shown.")
    result = StreamResult(
        "Hal", COMPLETED, "length", warnings=(image, StreamWarning("other_api", "Other events."), image)
    )
    data, _ = answer_bundle(result)
    answer, quote = data["text/markdown"].rstrip("\n").split("\n\n")
    assert answer == "Hal"
    mark, *notes = quote.split("\n>\n")
    assert mark.startswith("> **Cut off.** ")
    assert notes == [r"> *Note.* An \<img\> is not shown\.", r"> *Note.* Other events\."]
    assert data["text/plain"].splitlines()[2:] == [
        "[Cut off: The token limit was reached (--max-tokens). Run %stream_continue to continue.]",
        "[Note: An <img> is not shown.]",
        "[Note: Other events.]",
    ]


def test_a_note_alone():
    result = StreamResult("Hi", COMPLETED, "stop", warnings=(StreamWarning("whole_answer", "It came at once."),))
    data, _ = answer_bundle(result)
    assert data["text/markdown"].endswith("\n\n> *Note.* It came at once\\.\n")
    assert data["text/plain"] == "Hi\n\n[Note: It came at once.]"


def test_an_output_without_an_answer_begins_with_its_mark():
    data, _ = answer_bundle(StreamResult("", COMPLETED, "stop", reasoning="hm"))
    assert data["text/markdown"].startswith("> **No answer.** ")
    assert data["text/plain"].startswith("[No answer: ")


def test_the_words_of_an_error_are_not_markdown():
    error = ServerError("said: <img src=x onerror=alert(1)> [here](javascript:x) *loud* `code`\n# head \x1b[31m")
    markdown = answer_bundle(StreamResult("", StreamState.FAILED, error=error))[0]["text/markdown"]
    sentence = markdown.removeprefix("> **Server error.** ")
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
    result = StreamResult(hostile, COMPLETED, "stop")
    data, _ = answer_bundle(result)
    assert result.text == hostile
    assert data["text/plain"] == hostile
    for active in ("<script", "<img", "](javascript:", "![p](http"):
        assert active not in data["text/markdown"]


def test_controls_do_not_reach_the_plain_text():
    assert answer_bundle(StreamResult("a\x1b[31mb\r\n", COMPLETED, "stop"))[0]["text/plain"] == "a␛[31mb\n"


def test_a_refusal_is_the_answer():
    data, _ = answer_bundle(StreamResult(refusal="I will not.", state=COMPLETED))
    assert data["text/markdown"].startswith("I will not.")
    assert "Refused" in data["text/plain"]


def test_a_pause_before_another_attempt_takes_the_waiting_lines_place():
    data = waiting_bundle("m", Retry("rate *limited*", 2.0, attempt=2, attempts=3))
    assert data["text/plain"] == "Rate *limited*, retrying in 2 s · attempt 2 of 3"
    assert data["text/markdown"] == r"*Rate \*limited\*, retrying in 2 s · attempt 2 of 3*"


def test_a_pause_is_told_below_the_text_of_an_answer_that_is_gone_on_with():
    pause = Retry("rate limited", 2.0, attempt=2, attempts=3)
    data, _ = answer_bundle(StreamResult("Half an", retry=pause))
    assert data["text/plain"] == "Half an\n\n[Rate limited, retrying in 2 s · attempt 2 of 3]"
    assert data["text/markdown"].endswith("\n\n> *Rate limited, retrying in 2 s · attempt 2 of 3*\n")
    stopped, _ = answer_bundle(StreamResult("Half an", StreamState.CANCELLED, retry=pause))
    assert "retrying" not in stopped["text/plain"]


def test_the_waiting_line_names_the_model_and_cannot_be_abused():
    data = waiting_bundle("<b>x</b>*y*\x1b")
    assert data["text/plain"] == "Waiting for <b>x</b>*y*␛ …"
    assert "<b>" not in data["text/markdown"]
    assert "*y*" not in data["text/markdown"]
