"""The life of a stream, as a table: every legal transition stands here and nowhere else.

This file does not know what events carry, nor who fires them; `next_state` is the only way from one state to another.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from nbstream.result import StreamState

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TRANSITIONS", "IllegalTransitionError", "Trigger", "next_state"]


class Trigger(enum.Enum):
    """What can move a stream."""

    CONTENT = "content"  # a piece of the answer, or a fact about it
    COMPLETE = "complete"  # it ended, and was meant to end there
    FAIL = "fail"  # it ended, and was not
    CANCEL = "cancel"  # the user ended it


_PENDING, _STREAMING = StreamState.PENDING, StreamState.STREAMING

TRANSITIONS: Mapping[StreamState, Mapping[Trigger, StreamState]] = {
    _PENDING: {
        Trigger.CONTENT: _STREAMING,
        Trigger.COMPLETE: StreamState.COMPLETED,
        Trigger.FAIL: StreamState.FAILED,
        Trigger.CANCEL: StreamState.CANCELLED,
    },
    _STREAMING: {
        Trigger.CONTENT: _STREAMING,
        Trigger.COMPLETE: StreamState.COMPLETED,
        Trigger.FAIL: StreamState.FAILED,
        Trigger.CANCEL: StreamState.CANCELLED,
    },
    StreamState.COMPLETED: {},
    StreamState.FAILED: {},
    StreamState.CANCELLED: {},
}


class IllegalTransitionError(RuntimeError):
    """Something happened to a stream that had already ended."""


def next_state(state: StreamState, trigger: Trigger) -> StreamState:
    """Return the state after `trigger`.

    Raises:
        IllegalTransitionError: The table has no such transition.

    Example:
        >>> next_state(StreamState.PENDING, Trigger.CONTENT)
        'streaming'
    """
    try:
        return TRANSITIONS[state][trigger]
    except KeyError:
        raise IllegalTransitionError(f"a {state} stream cannot take {trigger.value!r}") from None
