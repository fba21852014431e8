"""The bound variable follows the magic's rule."""

import pytest

from nbstream.errors import UsageError
from nbstream.panel.bound_name import BoundName
from nbstream.result import StreamResult, StreamState


def test_it_is_set_after_a_completed_turn_and_unset_when_one_begins(shell):
    bound = BoundName("answer", shell)
    bound.end(StreamResult("Hello", StreamState.COMPLETED))
    assert shell.user_ns["answer"] == "Hello"
    bound.begin()
    assert "answer" not in shell.user_ns


@pytest.mark.parametrize("state", [StreamState.FAILED, StreamState.CANCELLED])
def test_after_any_other_end_it_is_unset(shell, state):
    bound = BoundName("answer", shell)
    shell.user_ns["answer"] = "stale"
    bound.end(StreamResult("Hel", state))
    assert "answer" not in shell.user_ns


def test_without_a_name_nothing_is_bound(shell):
    before = dict(shell.user_ns)
    bound = BoundName(None, shell)
    bound.begin()
    bound.end(StreamResult("Hello", StreamState.COMPLETED))
    assert shell.user_ns == before


@pytest.mark.parametrize("name", ["", "a b", "class", "1a", 3])
def test_a_name_that_cannot_be_is_refused_at_once(name, shell):
    with pytest.raises(UsageError, match="is not a valid variable name"):
        BoundName(name, shell)


def test_there_must_be_a_notebook():
    with pytest.raises(UsageError, match="needs a notebook"):
        BoundName("answer", None)


def test_outside_a_notebook_it_is_in_the_namespace_that_is_given():
    namespace = {"answer": "stale", "x": 1}
    bound = BoundName("answer", None, namespace)
    bound.begin()
    assert namespace == {"x": 1}
    bound.end(StreamResult("Hello", StreamState.COMPLETED))
    assert namespace == {"answer": "Hello", "x": 1}
