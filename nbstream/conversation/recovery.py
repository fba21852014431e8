"""What a journal has that the chat's file has not: exchanges that ran tools and were not saved, put back as turns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.conversation.answers import answer_from_dict, part_from_dict
from nbstream.conversation.document import turn_from_dict
from nbstream.conversation.turn import answer_turn
from nbstream.errors import ConnectionLostError, UsageError
from nbstream.parts import ToolCallPart, ToolRun
from nbstream.result import StreamResult, StreamState
from nbstream.text.json_fields import field_of
from nbstream.tools.journal import attempted

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable, Mapping

    from nbstream.conversation.conversation import Conversation
    from nbstream.conversation.turn import Turn
    from nbstream.parts import Part

__all__ = ["recover"]

_ENDED = "The program ended while the answer was arriving."


def recover(
    conversation: Conversation, entries: Iterable[Mapping[str, Any]], path: pathlib.Path
) -> tuple[ToolCallPart, ...]:
    """Put the exchanges of a journal among the turns, unless they are there.

    Args:
        conversation: The turns.
        entries: The lines of the journal.
        path: Its file, for messages.

    Returns:
        The calls that were begun, and of which nobody knows how they ended.

    Raises:
        UsageError: The journal is damaged.
    """
    exchanges: dict[str, dict[str, Any]] = {}
    lost: list[ToolCallPart] = []
    try:
        for entry in entries:
            if "parent" in entry:  # a first line; what came before it is older, because an answer was continued
                exchanges[entry["turn"]] = {"parts": {}}
            made = exchanges.setdefault(entry["turn"], {"parts": {}})
            made["parts"] |= field_of(entry, "parts", dict) or {}
            made |= {name: entry[name] for name in ("parent", "question", "context", "answer") if name in entry}
        for turn_id, made in exchanges.items():
            answer = _answer(made)
            if _put(conversation, turn_id, answer, made):
                lost += [each for each in answer.tool_runs if each.run is not None and each.run.state == "unknown"]
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UsageError(f"{path} is damaged; move it away to load the chat without it") from None
    return tuple(lost)


def _answer(made: Mapping[str, Any]) -> StreamResult:
    if (whole := field_of(made, "answer", dict)) is not None:
        return answer_from_dict(whole)
    parts = [_ended(part_from_dict(made["parts"][place])) for place in sorted(made["parts"], key=int)]
    error = ConnectionLostError(_ENDED)
    return StreamResult(parts=tuple(parts), state=StreamState.FAILED, error=error)


def _ended(part: Part) -> Part:
    """A part as it is now; a call that had not been decided on was not made."""
    if isinstance(part, ToolCallPart) and part.run is None:
        return replace(part, run=ToolRun("denied", "The program ended before the call was allowed.", "denied"))
    return part


def _put(conversation: Conversation, turn_id: str, answer: StreamResult, made: Mapping[str, Any]) -> bool:
    """Put an answer in its place, with its question; whether it was missing."""
    tree, context = conversation.tree, field_of(made, "context", str) or ""
    if turn_id in tree:
        before = tree[turn_id]
        if before.answer is None or attempted(before.answer.parts).keys() >= attempted(answer.parts).keys():
            return False
        tree.put(answer_turn(turn_id, answer, context, before))
        return True
    turns: list[Turn] = [answer_turn(turn_id, answer, context)]
    parent, asked = field_of(made, "parent", str), field_of(made, "question", dict)
    if parent is not None and parent not in tree:  # what came between was not saved
        parent = tree.leaf()
    if asked is not None:
        question = turn_from_dict(asked)
        if question.id in tree:
            parent = question.id
        else:
            turns.insert(0, question)
    conversation.commit(parent, turns)
    return True
