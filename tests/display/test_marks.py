"""The words under an answer that did not simply end: each verdict has its own."""

from dataclasses import replace

import pytest

import nbstream.errors
from nbstream.display.marks import Mark, facts_of, footer_of, mark_of, notes_of
from nbstream.errors import InvalidAnswerError, ModerationError, RateLimitError, StalledError, StreamError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import (
    ActivityPart,
    Choice,
    Quota,
    StreamResult,
    StreamState,
    StreamWarning,
    Timing,
    ToolCall,
    Usage,
    Verdict,
)
from nbstream.text.place import Place

COMPLETED, CANCELLED, FAILED = StreamState.COMPLETED, StreamState.CANCELLED, StreamState.FAILED
CALL = (ToolCall("call_1", "get_weather", "{}"),)


def word_of(result):
    mark = mark_of(result)
    return mark and mark.word


def sentence_of(result, place=Place.CELL):
    mark = mark_of(result, place)
    return mark.sentence if mark else ""


@pytest.mark.parametrize(
    "result",
    [
        StreamResult("a", StreamState.PENDING),
        StreamResult("a", StreamState.STREAMING, "length"),
        StreamResult("", StreamState.STREAMING, "stop"),
        StreamResult("a", COMPLETED, "stop"),
        StreamResult("a", COMPLETED, "tool_calls", tool_calls=CALL),
        StreamResult("a", COMPLETED, "stop", reasoning="hm"),
    ],
)
def test_an_answer_that_simply_ended_or_goes_on_has_no_mark(result):
    assert mark_of(result) is None


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (StreamResult("a", COMPLETED, None), "Reason unknown"),
        (StreamResult("a", COMPLETED, "length"), "Cut off"),
        (StreamResult("a", COMPLETED, "length", tool_calls=CALL), "Cut off"),
        (StreamResult("a", COMPLETED, "content_filter"), "Filtered"),
        (StreamResult("a", COMPLETED, "a_new_reason"), "Ended"),
        (StreamResult("a", COMPLETED, "stop_when"), "Ended early"),
        (StreamResult("a", COMPLETED, "stop", refusal="No."), "Refused"),
        (StreamResult("", COMPLETED, "stop", refusal="No."), "Refused"),
        (StreamResult("", COMPLETED, None, refusal="No."), "Refused"),
        (StreamResult("a", CANCELLED, "length"), "Stopped"),
        (StreamResult("", CANCELLED), "Stopped"),
        (StreamResult("a", FAILED), "Failed"),
    ],
)
def test_the_word_for_each_verdict(result, word):
    assert word_of(result) == word


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (StreamResult("", COMPLETED, "stop"), "Empty"),
        (StreamResult(" \n", COMPLETED, "stop"), "Empty"),
        (StreamResult("", COMPLETED, None), "Empty"),
        (StreamResult("", COMPLETED, "a_new_reason"), "Empty"),
        (StreamResult("", COMPLETED, "stop", reasoning="hm"), "No answer"),
        (StreamResult("", COMPLETED, "length", reasoning="hm"), "No answer"),
        (StreamResult("", COMPLETED, "length", Usage(1, 9, 10, reasoning_tokens=9)), "No answer"),
        (StreamResult("", COMPLETED, "length", Usage(1, 9, 10, reasoning_tokens=0)), "Cut off"),
        (StreamResult("", COMPLETED, "content_filter", reasoning="hm"), "Filtered"),
        (StreamResult("", COMPLETED, "tool_calls", tool_calls=CALL), "Tool call"),
        (StreamResult("", COMPLETED, "length", tool_calls=CALL), "Cut off"),
        (StreamResult("", COMPLETED, None, tool_calls=CALL), "Reason unknown"),
    ],
)
def test_an_output_without_text_is_never_left_without_a_word(result, word):
    assert word_of(result) == word


# Every kind of failure that there is; the completeness is checked below.
FAILURES = {
    "answer_too_long": "Limit reached",
    "approval": "Not allowed",
    "authentication": "Failed",
    "budget": "Over budget",
    "connect_timeout": "Timed out",
    "connection_lost": "Connection lost",
    "context_length": "Too long",
    "empty_answer": "Empty answer",
    "error": "Failed",
    "event_too_large": "Limit reached",
    "first_token_timeout": "Timed out",
    "internal": "Failed",
    "invalid_answer": "Does not fit",
    "missing_key": "Failed",
    "moderation": "Not checked",
    "no_recording": "No recording",
    "not_a_stream": "Not a stream",
    "not_found": "Failed",
    "quota": "Quota used up",
    "rate_limit": "Rate limited",
    "secrets": "Not sent",
    "rejected": "Failed",
    "server": "Server error",
    "size_limit": "Limit reached",
    "stalled": "Stalled",
    "stage": "Failed",
    "stop_when": "Failed",
    "time_budget": "Out of time",
    "time_limit": "Timed out",
    "total_timeout": "Timed out",
    "unreachable": "Failed",
}
STREAM_ERRORS = [
    error for error in vars(nbstream.errors).values() if isinstance(error, type) and issubclass(error, StreamError)
]


def test_every_kind_of_failure_is_listed():
    assert {kind.kind for kind in STREAM_ERRORS} == set(FAILURES)


@pytest.mark.parametrize("kind", STREAM_ERRORS, ids=lambda kind: kind.kind)
def test_a_failure_has_its_own_word_and_the_errors_sentence(kind):
    result = StreamResult("a", FAILED, error=kind("It broke. Mend it."))
    assert mark_of(result) == (FAILURES[kind.kind], "It broke. Mend it.")


def test_a_failure_tells_what_failed_before_what_the_answer_had():
    assert word_of(StreamResult("a", FAILED, "length", refusal="No.", error=StalledError("It hung."))) == "Stalled"


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (StreamResult("a" * 1234, CANCELLED), "after 1,234 characters. Run %stream_continue"),
        (StreamResult(refusal="I cannot", state=CANCELLED), "after 8 characters."),
        (StreamResult("", CANCELLED), "before the answer began"),
        (StreamResult("a", COMPLETED, "length"), "--max-tokens"),
        (StreamResult("a", COMPLETED, "length"), "%stream_continue"),
        (StreamResult("", COMPLETED, "length"), "--max-tokens"),
        (StreamResult("", COMPLETED, "length", reasoning="hm"), "token limit was used up by thinking"),
        (StreamResult("", COMPLETED, "length", reasoning="hm"), "stream_result.reasoning"),
        (StreamResult("", COMPLETED, "stop", reasoning="hm"), "stream_result.reasoning"),
        (StreamResult("a", COMPLETED, None), "may be incomplete. Run %stream_continue"),
        (StreamResult("a", COMPLETED, "Weird_Reason"), "Weird_Reason"),
        (StreamResult("", COMPLETED, "Weird_Reason"), "Weird_Reason"),
        (StreamResult("a", COMPLETED, refusal="No."), "stream_result.refusal"),
        (StreamResult("", COMPLETED, "tool_calls", tool_calls=CALL * 2), "call get_weather; see"),
    ],
)
def test_the_sentence_says_what_happened_and_what_to_do(result, words):
    assert words in sentence_of(result)
    assert sentence_of(result).endswith(".")


@pytest.mark.parametrize(
    "result",
    [
        StreamResult("a", COMPLETED, "content_filter"),
        StreamResult("a", COMPLETED, "a_new_reason"),
        StreamResult("", COMPLETED, "length", tool_calls=CALL),
        StreamResult("", COMPLETED, None, tool_calls=CALL),
        StreamResult("a", CANCELLED, choices=(Choice(0, "a"), Choice(1, "b"))),
    ],
)
def test_no_way_on_is_promised_where_there_is_none(result):
    assert "%stream_continue" not in sentence_of(result)


@pytest.mark.parametrize(
    ("finish_reason", "words"),
    [("stop", "The answer is not what its schema describes."), ("length", "The answer is incomplete.")],
)
def test_a_whole_answer_that_does_not_fit_is_not_called_incomplete(finish_reason, words):
    error = InvalidAnswerError("people: not a number.")
    assert mark_of(StreamResult("[]", FAILED, finish_reason, error=error), raised=True) == Mark("Does not fit", words)


def test_hidden_thoughts_are_not_promised():
    hidden = StreamResult("", COMPLETED, "length", Usage(1, 9, 10, reasoning_tokens=9))
    assert "stream_result.reasoning" not in sentence_of(hidden)


def test_a_sentence_is_one_line_without_what_acts_instead_of_showing():
    error = StalledError("It\nhung\x1b[31m\r\n\r\n    here.")
    assert sentence_of(StreamResult("", FAILED, error=error)) == "It hung␛[31m here."
    assert sentence_of(StreamResult("a", COMPLETED, "new\n\nreason")).endswith("new reason.")


WARNED = (
    StreamWarning("repeated_text", "The last chunk repeated all text."),
    StreamWarning("malformed_event", "An image\nis not shown."),
    StreamWarning("repeated_text", "The last chunk repeated all text."),
)


@pytest.mark.parametrize("state", [COMPLETED, CANCELLED, FAILED])
def test_each_warning_is_a_note_once_when_the_answer_has_ended(state):
    notes = ["The last chunk repeated all text.", "An image is not shown."]
    assert notes_of(StreamResult("a", state, "stop", warnings=WARNED)) == notes


def test_an_empty_answer_is_not_told_twice():
    result = StreamResult("", COMPLETED, "stop", warnings=(StreamWarning("empty_answer", "Not a word came."),))
    assert word_of(result) == "Empty"
    assert notes_of(result) == []


@pytest.mark.parametrize("state", [StreamState.PENDING, StreamState.STREAMING])
def test_no_notes_while_the_answer_arrives(state):
    assert notes_of(StreamResult("a", state, warnings=WARNED)) == []


@pytest.mark.parametrize(
    ("result", "facts"),
    [
        (StreamResult("a", COMPLETED, "stop"), ["complete"]),
        (StreamResult("a", COMPLETED, "length", model="m"), ["m", "cut off"]),
        (StreamResult("a", COMPLETED, "stop", Usage(5, 0, 5)), ["complete", "0 tokens"]),
        (StreamResult("a", COMPLETED, "stop", Usage(5, 1, 6)), ["complete", "1 token"]),
        (StreamResult("", FAILED, timing=Timing(total=3.0)), ["failed"]),
        (StreamResult("a", CANCELLED, timing=Timing(ttft=1.5, total=3.0)), ["stopped", "first token after 1.50 s"]),
        (
            StreamResult("a", COMPLETED, "stop", timing=Timing(1.5, 2.55, 134_225.0, startup=1.0)),
            ["complete", "first token after 1.50 s"],  # all of it came at once
        ),
        (StreamResult("a", COMPLETED, "stop", model="m\x1b[1m\nx"), ["m\u241b[1m x", "complete"]),
    ],
)
def test_the_facts_leave_out_what_is_not_known(result, facts):
    assert facts_of(result) == facts


@pytest.mark.parametrize(
    ("result", "short", "full"),
    [
        (StreamResult("a", COMPLETED, "stop"), [], ["complete"]),
        (StreamResult("a", COMPLETED, "length", model="m"), ["m"], ["m", "cut off"]),
        (StreamResult("a", COMPLETED, "stop", Usage(5, 1, 6)), ["1 token"], ["complete", "5 tokens in", "1 token out"]),
        (StreamResult("a", CANCELLED, model="m"), [], ["m", "stopped"]),
        (StreamResult("a", StreamState.STREAMING, model="m"), [], []),
    ],
)
def test_the_footer_says_nothing_that_differs_between_runs(result, short, full):
    timed = replace(result, timing=Timing(1.0, 2.0, 3.0))
    assert (footer_of(timed), footer_of(timed, "full"), footer_of(timed, "none")) == (short, full, [])


@pytest.mark.parametrize(
    ("result", "in_a_cell", "in_a_panel"),
    [
        (StreamResult("a", CANCELLED), ". Run %stream_continue to continue.", ". Continue picks up from here."),
        (StreamResult("", COMPLETED, "length"), "with --max-tokens.", "with Max tokens in the settings."),
        (StreamResult("", COMPLETED, "stop"), "Run the cell again, or", "Ask for another answer, or"),
        (StreamResult("a", COMPLETED, refusal="No"), "in stream_result.refusal.", "in panel.result.refusal."),
    ],
)
def test_the_sentence_names_the_ways_on_that_there_are(result, in_a_cell, in_a_panel):
    assert in_a_cell in sentence_of(result)
    assert in_a_panel in sentence_of(result, Place.PANEL)


def test_a_failure_and_a_note_speak_in_the_words_of_the_place():
    warned = StreamWarning(
        "other_api", "The server answered in the Responses format.", (Remedy(RemedyKind.USE_API, "responses"),)
    )
    error = RateLimitError("Too many.", remedies=[Remedy(RemedyKind.RETRY)])
    result = StreamResult("", FAILED, error=error, warnings=(warned,))
    assert sentence_of(result) == "Too many. Run the cell again."
    assert sentence_of(result, Place.PANEL) == sentence_of(result, Place.PYTHON) == "Too many. Ask again."
    assert notes_of(result)[0].endswith("; --api responses suits it better.")
    assert notes_of(result, Place.PANEL)[0].endswith('; panel.chat.configure(api="responses") suits it better.')
    assert notes_of(result, Place.PYTHON)[0].endswith('; api="responses" suits it better.')


def test_a_sentence_of_before_is_shown_as_it_is():
    """Files and pickles of earlier versions have sentences that say what to do."""
    result = StreamResult("", FAILED, error=RateLimitError("Too many. Run the cell again."))
    assert sentence_of(result, Place.PANEL) == "Too many. Run the cell again."


def test_an_answer_that_only_asks_for_a_tool_is_not_empty():
    asked = ActivityPart("local_shell_call", item={"action": {"command": ["ls"]}})
    approval = ActivityPart("mcp_approval_request", item={"name": "roll"})
    mark = mark_of(StreamResult(parts=(asked, approval), state=StreamState.COMPLETED, finish_reason="stop"))
    assert mark == Mark("Tool call", "The model asks for local_shell, roll and says nothing; see stream_result.parts.")


CHECKED = Verdict("answer", "clean", by="f")
FLAGGED = Verdict("answer", "flagged", ("rude", "loud"), by="openai")
UNCHECKED = Verdict("answer", "unchecked", by="f", reason="it took longer than 1 s")


@pytest.mark.parametrize(
    ("reason", "verdicts", "mark", "notes"),
    [
        ("stop", [CHECKED], None, []),
        ("stop", [FLAGGED], ("Flagged", "Moderation (openai) flagged the answer: rude, loud."), []),
        ("stop", [UNCHECKED], ("Not checked", UNCHECKED.sentence), []),
        ("stop", [replace(UNCHECKED, subject="prompt"), FLAGGED], ("Flagged", FLAGGED.sentence), ["The prompt was"]),
        ("length", [FLAGGED], None, [FLAGGED.sentence]),
        (
            "content_filter",
            [CHECKED, FLAGGED],
            ("Filtered", f"{FLAGGED.sentence} The rest was dropped."),
            [],
        ),
        ("content_filter", [CHECKED], ("Filtered", "The provider's content filter ended the answer."), []),
    ],
)
def test_what_moderation_says_is_told_once(reason, verdicts, mark, notes):
    result = StreamResult("a", COMPLETED, reason, moderation=tuple(verdicts))
    if reason != "length":
        assert mark_of(result) == mark
    told = notes_of(result)
    assert len(told) == len(notes)
    assert all(note.startswith(begin) for note, begin in zip(told, notes, strict=True))


def test_a_prompt_that_was_flagged_was_not_sent():
    flagged = Verdict("prompt", "flagged", by="f")
    mark = mark_of(StreamResult("", COMPLETED, "content_filter", moderation=(flagged,)))
    assert mark is not None
    assert mark.sentence.startswith("Moderation (f) flagged the prompt. It was not sent.")


def test_what_could_not_be_checked_is_told_by_the_error():
    error = ModerationError(f"{UNCHECKED.sentence} What was not checked was dropped.")
    result = StreamResult("a", FAILED, error=error, moderation=(UNCHECKED,))
    assert notes_of(result) == []
    prompt = replace(UNCHECKED, subject="prompt")
    assert notes_of(replace(result, moderation=(prompt, UNCHECKED))) == [prompt.sentence]


@pytest.mark.parametrize(
    ("quota", "left"),
    [
        (Quota(12_300, 0.98), ["12,300 tokens left", "$0.98 left"]),
        (Quota(-40, None), ["0 tokens left"]),
        (Quota(1), ["1 token left"]),
        (Quota(price=(1.0, 2.0, 0.1)), []),
        (None, []),
    ],
)
def test_what_a_relay_has_left_is_the_last_of_the_facts(quota, left):
    result = StreamResult("Hi", StreamState.COMPLETED, "stop", Usage(9, 3, 12), "m", quota=quota)
    assert footer_of(result) == ["m", "3 tokens", *left]
    assert facts_of(result)[3:] == left
