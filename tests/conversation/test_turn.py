"""A turn, and what of a stream's result is kept in it."""

import json
import pickle
from dataclasses import replace

import pytest

from nbstream.conversation.answers import answer_from_dict, answer_to_dict
from nbstream.conversation.turn import Turn, answer_turn
from nbstream.display.marks import facts_of, mark_of
from nbstream.errors import RateLimitError, StreamError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamResult, StreamState, StreamWarning, Timing, ToolCall, Usage
from nbstream.text.place import Place
from nbstream.text.saved_errors import error_from_dict

WHOLE = StreamResult(
    text="Hello",
    state=StreamState.COMPLETED,
    finish_reason="length",
    usage=Usage(9, 5, 14, cached_tokens=3),
    model="m-1",
    request_id="req_1",
    response_id="resp_1",
    reasoning="Hm.",
    tool_calls=(ToolCall("call_1", "f", '{"x":1}'),),
    warnings=(StreamWarning("buffered", "It came at once."),),
    attempts=2,
    timing=Timing(0.25, 1.5, 4.0),
)


def test_a_result_is_kept_as_a_turn_and_can_be_had_again():
    turn = answer_turn("a", WHOLE, "context")
    assert (turn.id, turn.role, turn.content, turn.state, turn.included) == (
        "a",
        "assistant",
        "Hello",
        "completed",
        True,
    )
    assert turn.context == "context"
    assert turn.result == WHOLE
    assert facts_of(turn.result) == facts_of(WHOLE)


def test_a_failure_can_be_shown_from_the_turn():
    error = RateLimitError("Too many requests.", status=429, code="slow_down")
    failed = StreamResult(text="He", state=StreamState.FAILED, error=error)
    turn = answer_turn("a", failed)
    assert mark_of(turn.result) == mark_of(failed)
    again = turn.result.error
    assert isinstance(again, RateLimitError)
    assert (again.status, again.code, again.message) == (429, "slow_down", "Too many requests.")


def test_what_can_be_done_is_kept_as_values():
    """A chat that a panel loads says what a panel offers, wherever the answer came."""
    api, onward = Remedy(RemedyKind.USE_API, "chat"), Remedy(RemedyKind.CONTINUE)
    failed = StreamResult(
        "He",
        StreamState.FAILED,
        warnings=(StreamWarning("other_api", "It speaks the other API.", (api,)),),
        error=RateLimitError("Too many.", remedies=[onward, Remedy(RemedyKind.WAIT, 2.5)]),
    )
    saved = json.loads(json.dumps(answer_to_dict(failed)))
    assert saved["warnings"] == [
        {"kind": "other_api", "message": "It speaks the other API.", "remedies": [{"kind": "use_api", "value": "chat"}]}
    ]
    assert saved["error"] == {
        "kind": "rate_limit",
        "message": "Too many.",
        "remedies": [{"kind": "continue"}, {"kind": "wait", "value": 2.5}],
    }
    again = answer_from_dict(saved)
    assert again.warnings == failed.warnings
    for place in Place:
        assert mark_of(again, place) == mark_of(failed, place)


def test_a_remedy_unheard_of_is_left_out():
    remedies = [{"kind": "pray"}, {"kind": "retry"}]
    error = error_from_dict({"kind": "server", "message": "Down.", "remedies": remedies})
    assert error is not None
    assert error.remedies == (Remedy(RemedyKind.RETRY),)


def test_a_failure_of_a_kind_unheard_of_is_a_failure():
    error = error_from_dict({"kind": "quux", "message": "Quux."})
    assert type(error) is StreamError
    assert error.message == "Quux."


@pytest.mark.parametrize(
    ("values", "included"),
    [
        ({"text": "Hi", "state": StreamState.COMPLETED}, True),
        ({"refusal": "No.", "state": StreamState.COMPLETED}, True),
        ({"tool_calls": (ToolCall("c", "f", "{}"),), "state": StreamState.COMPLETED}, True),
        ({"state": StreamState.COMPLETED}, False),
        ({"reasoning": "Hm.", "state": StreamState.COMPLETED}, False),
        ({"text": "Hi", "state": StreamState.CANCELLED}, True),
        ({"reasoning": "Hm.", "state": StreamState.CANCELLED}, False),
        ({"text": "Hi", "state": StreamState.FAILED}, False),
    ],
    ids=str,
)
def test_what_is_sent_by_itself(values, included):
    assert answer_turn("a", StreamResult(**values)).included is included


def continued(before, text, state, **facts):
    """The turn once another request has continued it."""
    result = StreamResult(text, state, **facts)
    return answer_turn("a", replace(result, rounds=(*before.result.all_rounds, *result.all_rounds)), before=before)


def test_the_usage_of_a_turn_is_that_of_all_its_requests():
    first = answer_turn("a", StreamResult("He", StreamState.CANCELLED, usage=Usage(5, 2, 7)))
    silent = continued(first, "Hel", StreamState.CANCELLED)
    last = continued(silent, "Hello", StreamState.COMPLETED, usage=Usage(7, 3, 10, 1))
    assert (first.usage, silent.usage, last.usage) == (Usage(5, 2, 7), Usage(5, 2, 7), Usage(12, 5, 17, 1))
    assert (silent.result.usage, last.result.usage) == (None, Usage(7, 3, 10, 1))


def test_time_and_cost_of_a_turn_are_those_of_all_its_requests():
    first = answer_turn("a", StreamResult("He", StreamState.CANCELLED, timing=Timing(total=0.5), cost=0.25))
    silent = continued(first, "Hel", StreamState.CANCELLED)
    last = continued(silent, "Hello", StreamState.COMPLETED, timing=Timing(total=1.5), cost=0.5)
    assert [(turn.seconds, turn.cost) for turn in (first, silent, last)] == [(0.5, 0.25), (0.5, 0.25), (2.0, 0.75)]
    assert last.result.timing.total == 1.5
    assert facts_of(last.result)[-1] == "$0.75"


def test_an_answer_that_never_came_has_taken_no_time():
    assert answer_turn("a", StreamResult("", StreamState.FAILED, timing=Timing(total=0.5))).seconds == 0


def test_what_the_user_has_decided_holds_until_the_answer_is_whole():
    stopped, failed = (
        answer_turn("a", StreamResult("He", state)) for state in (StreamState.CANCELLED, StreamState.FAILED)
    )
    for before in (stopped, replace(failed, included=True)):
        assert answer_turn("a", StreamResult("Hell", StreamState.FAILED), before=before).included
        assert not answer_turn("a", StreamResult("", StreamState.FAILED), before=before).included
    excluded = replace(stopped, included=False)
    assert not answer_turn("a", StreamResult("Hell", StreamState.CANCELLED), before=excluded).included
    assert answer_turn("a", StreamResult("Hello", StreamState.COMPLETED), before=excluded).included
    assert answer_turn("a", StreamResult("Hell", StreamState.CANCELLED), before=failed).included


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi", "Hi"),
        (None, ""),
        ((), ""),
        (({"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "…"}}, {"text": "b"}), "a\n\nb"),
        (({"type": "text", "text": 7},), ""),
    ],
    ids=str,
)
def test_the_text_of_any_content(content, text):
    assert Turn("1", "user", content).text == text


def test_a_pickled_turn_is_read_also_as_it_was_before_answers_had_parts():
    turn = answer_turn("a", WHOLE, "context")
    assert pickle.loads(pickle.dumps(turn)) == turn
    facts = {
        "model": "m-1",
        "usage": {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14, "cached_tokens": 3},
        "context": "c",
        "finish_reason": "stop",
    }
    before = Turn.__new__(Turn)
    before.__setstate__(["a", "assistant", "Hel", StreamState.CANCELLED, False, "Hm.", "", facts, {"name": "n"}])
    assert (before.text, before.state, before.included, before.extra) == ("Hel", "cancelled", False, {"name": "n"})
    assert (before.reasoning, before.usage, before.model, before.context) == ("Hm.", WHOLE.usage, "m-1", "c")
    question = Turn.__new__(Turn)
    question.__setstate__(["q", "user", "Hi", StreamState.COMPLETED, True, "", "", {}, {}])
    assert question == Turn("q", "user", "Hi")
