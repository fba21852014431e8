"""Conversations in small, for tests: turns by their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.conversation.budget import context_of
from nbstream.conversation.turn import Turn, answer_turn
from nbstream.errors import ConnectionLostError
from nbstream.result import StreamResult, StreamState, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["answer", "question", "said", "talk", "texts"]

ENDS: dict[str, dict[str, Any]] = {
    "completed": {"state": StreamState.COMPLETED, "finish_reason": "stop"},
    "cancelled": {"state": StreamState.CANCELLED},
    "failed": {"state": StreamState.FAILED, "error": ConnectionLostError("The connection broke off.")},
}


def said(*contents: str, system: str | None = None) -> list[dict[str, Any]]:
    """Messages of a user and an assistant in turn."""
    turns = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(contents)]
    return [*([{"role": "system", "content": system}] if system else []), *turns]


def question(text: str) -> Turn:
    return Turn(text, "user", text)


def answer(text: str, end: str = "completed", context: str = "", usage: Usage | None = None, **values: Any) -> Turn:
    """An assistant turn as a stream leaves it; its id is its text."""
    values = {"text": text, "usage": usage, **ENDS[end], **values}
    return answer_turn(text, StreamResult(**values), context)


def talk(*sizes: tuple[int, int], system: int = 0) -> list[Turn]:
    """A conversation whose server counts tokens: (question, answer) for each exchange."""
    turns: list[Turn] = []
    total = system
    for number, (asked, written) in enumerate(sizes):
        turns.append(question(f"Q{number}"))
        total += asked
        usage = Usage(total, written, total + written)
        turns.append(answer(f"A{number}", context=context_of(turns, "seed"), usage=usage))
        total += written
    return turns


def texts(turns: Sequence[Turn]) -> list[str]:
    return [turn.text for turn in turns]
