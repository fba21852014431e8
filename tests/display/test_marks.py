"""The words under an answer that did not simply end."""

import pytest

from nbstream.display.marks import mark_of
from nbstream.errors import StalledError
from nbstream.result import StreamResult, StreamState

COMPLETED = StreamState.COMPLETED


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (StreamResult("a", StreamState.PENDING), None),
        (StreamResult("a", StreamState.STREAMING, "length"), None),
        (StreamResult("a", COMPLETED, "stop"), None),
        (StreamResult("a", COMPLETED, "tool_calls"), None),
        (StreamResult("a", COMPLETED, "a_new_reason"), None),
        (StreamResult("a", COMPLETED, None), None),
        (
            StreamResult("a" * 1234, StreamState.CANCELLED, "length"),
            ("Stopped", "You stopped the answer after 1,234 characters."),
        ),
        (StreamResult("", StreamState.CANCELLED), ("Stopped", "You stopped the answer after 0 characters.")),
        (StreamResult("a", StreamState.FAILED, error=StalledError("It went silent.")), ("Failed", "It went silent.")),
        (StreamResult("a", StreamState.FAILED), ("Failed", "The stream failed.")),
        (StreamResult("a", COMPLETED, refusal="No."), ("Refused", "The model refused to answer.")),
    ],
)
def test_marks(result, expected):
    assert mark_of(result) == expected


def test_a_cut_answer_says_which_option_helps():
    word, sentence = mark_of(StreamResult("a", COMPLETED, "length")) or ("", "")
    assert word == "Cut off"
    assert "--max-tokens" in sentence


def test_a_filtered_answer():
    word, _ = mark_of(StreamResult("a", COMPLETED, "content_filter")) or ("", "")
    assert word == "Filtered"
