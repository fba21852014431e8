"""Answers as the first format of chat files has them: the text of a turn, and facts without types."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from nbstream.conversation.answers import timing_from_dict, usage_from_dict
from nbstream.result import Round, StreamResult, StreamState, StreamWarning, Timing, Usage
from nbstream.text.json_fields import field_of, number_of
from nbstream.text.saved_errors import error_from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.result import ToolCall

__all__ = ["answer_v1"]

_COUNT = (int, type(None))
_FACTS: dict[str, tuple[type, tuple[type, ...]]] = {
    "usage": (dict, _COUNT),
    "spent": (dict, _COUNT),
    "cost": (float, ()),
    "spent_seconds": (float, ()),
    "timing": (dict, (float, *_COUNT)),
    "error": (dict, (str, *_COUNT)),
    "attempts": (int, ()),
    **dict.fromkeys(("model", "finish_reason", "request_id", "response_id", "context"), (str, ())),
}


def answer_v1(
    text: str, tool_calls: tuple[ToolCall, ...], entry: Mapping[str, Any]
) -> tuple[StreamResult | None, str, str]:
    """The answer that a turn's entry holds; `None` if it holds none.

    Args:
        text: The text of the turn.
        tool_calls: Its calls.
        entry: The entry of the file.

    Returns:
        The answer, the refusal of a turn without one, and what stands for the turns that were sent.

    Raises:
        LookupError: Something is missing.
        TypeError: Something is of another type.
        ValueError: Something makes no sense.
    """
    facts = _checked(field_of(entry, "facts", dict) or {})
    state = StreamState(entry.get("state", "completed"))
    reasoning, refusal = field_of(entry, "reasoning", str) or "", field_of(entry, "refusal", str) or ""
    if not state.terminal:
        raise ValueError("state")
    if not facts and not reasoning and state is StreamState.COMPLETED:
        return None, refusal, ""
    answer = StreamResult(
        text,
        state,
        facts.get("finish_reason"),
        usage_from_dict(facts.get("usage")),
        facts.get("model"),
        facts.get("request_id"),
        facts.get("response_id"),
        reasoning,
        refusal,
        tool_calls,
        warnings=tuple(StreamWarning(each["kind"], each["message"]) for each in facts.get("warnings") or ()),
        attempts=facts.get("attempts") or 1,
        error=error_from_dict(facts.get("error")),
        timing=timing_from_dict(facts.get("timing") or {}),
        cost=number_of(facts, "cost"),
    )
    spent, seconds = usage_from_dict(facts.get("spent")), number_of(facts, "spent_seconds")
    if spent is not None or seconds is not None:
        earlier = Round(
            StreamState.CANCELLED, usage=_less(spent, answer.usage), timing=Timing(None, _rest(seconds, answer.timing))
        )
        answer = replace(answer, rounds=(earlier, *answer.all_rounds))
    return answer, "", facts.get("context") or ""


def _less(spent: Usage | None, usage: Usage | None) -> Usage | None:
    """The tokens of the requests before the last, of which only the sum with it was kept."""
    if spent is None or usage is None:
        return spent
    counts = {name: (count, getattr(usage, name)) for name, count in asdict(spent).items()}
    return Usage(**{name: None if a is None else max(0, a - (b or 0)) for name, (a, b) in counts.items()})  # type: ignore[arg-type]


def _rest(seconds: float | None, timing: Timing) -> float:
    return max(0.0, (seconds or 0.0) - timing.total)


def _checked(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts, if their types can be relied on when they are shown."""
    for name, (kind, within) in _FACTS.items():
        value = facts.get(name)
        fits = value is None or (isinstance(value, kind) and not isinstance(value, bool))
        if not fits or (isinstance(value, dict) and not all(isinstance(each, within) for each in value.values())):
            raise TypeError(name)
    if not all(isinstance(each[name], str) for each in facts.get("warnings") or () for name in ("kind", "message")):
        raise TypeError("warnings")
    return facts
