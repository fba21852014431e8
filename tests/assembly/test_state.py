"""The transition table is complete, and nothing leaves a terminal state."""

import pytest

from nbstream.assembly.state import TRANSITIONS, IllegalTransitionError, Trigger, next_state
from nbstream.result import StreamState

LEGAL = {
    (before, trigger): after
    for before in (StreamState.PENDING, StreamState.STREAMING)
    for trigger, after in {
        Trigger.CONTENT: StreamState.STREAMING,
        Trigger.COMPLETE: StreamState.COMPLETED,
        Trigger.FAIL: StreamState.FAILED,
        Trigger.CANCEL: StreamState.CANCELLED,
    }.items()
}


def test_every_state_has_a_row():
    assert set(TRANSITIONS) == set(StreamState)


@pytest.mark.parametrize("state", StreamState)
@pytest.mark.parametrize("trigger", Trigger)
def test_every_pair_of_state_and_trigger(state, trigger):
    if (state, trigger) in LEGAL:
        assert next_state(state, trigger) is LEGAL[state, trigger]
    else:
        with pytest.raises(IllegalTransitionError, match=f"a {state} stream cannot take '{trigger.value}'"):
            next_state(state, trigger)


def test_terminal_states_are_those_without_a_way_out():
    assert {state for state in StreamState if state.terminal} == {s for s, row in TRANSITIONS.items() if not row}


def test_every_state_can_be_reached():
    assert {after for row in TRANSITIONS.values() for after in row.values()} | {StreamState.PENDING} == set(StreamState)
