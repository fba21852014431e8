"""What of a conversation a request sends: whole exchanges only, as many as the limits allow, the newest first to stay.

An exchange is a question (a user turn and what was added to it) with its answer. Where an answer is not to be sent, its
question is not sent either, for a question without an answer confuses models and some servers refuse it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.conversation.turn import Turn

__all__ = ["Limits", "Outgoing", "context_of", "exchanges_of", "note_of", "outgoing"]

_INSTRUCTIONS = {"system", "developer"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the history is sent.

    Attributes:
        turns: The most earlier turns; `None` sets no limit.
        tokens: The most tokens of earlier turns; `None` sets no limit.
    """

    turns: int | None = None
    tokens: int | None = None


class Outgoing(NamedTuple):
    """What is sent, and how many turns the limits leave out."""

    turns: list[Turn]
    left_out: int


def exchanges_of(turns: Iterable[Turn]) -> list[list[Turn]]:
    """Group turns into exchanges. What comes before the first user turn is a group of its own."""
    groups: list[list[Turn]] = []
    answered = True
    for turn in turns:
        if not groups or (turn.role == "user" and (answered or groups[-1][0].role != "user")):
            groups.append([])
            answered = False
        groups[-1].append(turn)
        answered = answered or turn.role == "assistant"
    return groups


def outgoing(turns: Sequence[Turn], limits: Limits = Limits()) -> Outgoing:
    """What a request for the answer to the last of `turns` sends.

    Args:
        turns: The path that ends with the question.
        limits: How much of what came before may go along. The question and system prompts always do.
    """
    *earlier, question = exchanges_of(turns) or [[]]
    sent = [group for group in earlier if all(turn.included for turn in group if turn.role == "assistant")]
    preface = [sent.pop(0)] if sent and sent[0][0].role != "user" else []
    dropped = _excess(sent, limits)
    kept = [*preface, *([turn for turn in group if turn.role in _INSTRUCTIONS] for group in sent[:dropped])]
    kept += [*sent[dropped:], question]
    return Outgoing([turn for group in kept for turn in group], sum(map(len, sent[:dropped])))


def note_of(left_out: int, limits: Limits) -> str | None:
    """What to tell the reader about the turns that are left out.

    Example:
        >>> note_of(6, Limits(turns=20))
        'The 6 oldest turns are no longer sent (max_turns=20).'
    """
    if not left_out:
        return None
    set_limits = {"max_turns": limits.turns, "max_history_tokens": limits.tokens}
    why = ", ".join(f"{name}={value:,}" for name, value in set_limits.items() if value is not None)
    return f"The {left_out} oldest turns are no longer sent ({why})."


def context_of(turns: Iterable[Turn], seed: str = "") -> str:
    """A word for a row of turns, the same only for the same turns in the same order.

    Example:
        >>> from nbstream.conversation.turn import Turn
        >>> one, two = Turn("1", "user", "a"), Turn("2", "assistant", "b")
        >>> context_of([two], context_of([one])) == context_of([one, two]) != context_of([two, one])
        True
    """
    for turn in turns:
        seed = hashlib.sha256(f"{seed}/{turn.id}".encode()).hexdigest()[:16]
    return seed


def _excess(groups: list[list[Turn]], limits: Limits) -> int:
    """How many of the oldest exchanges are too many."""
    if limits.turns is None:
        return 0
    count, kept = 0, 0
    for group in reversed(groups):
        count += len(group)
        if count > limits.turns:
            break
        kept += 1
    return len(groups) - kept
