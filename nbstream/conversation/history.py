"""What part of a conversation a request sends: only whole exchanges, the newest, as many as the limits allow.

An exchange is a question (a user turn and what was added to it) with its answer. Where an answer is not to be sent, its
question is not sent either, because a question without an answer confuses models, and some servers refuse it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from nbstream.conversation.budget import context_of, tokens_of
from nbstream.conversation.messages import answered_calls, has_something_to_send
from nbstream.errors import UsageError
from nbstream.result import StreamState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbstream.conversation.turn import Turn

__all__ = ["Limits", "Outgoing", "exchanges_of", "known_to_server", "note_of", "outgoing"]

_INSTRUCTIONS = {"system", "developer"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the history is sent.

    Attributes:
        turns: The maximum of earlier exchanges; `None` sets no limit.
        tokens: The maximum of tokens in earlier turns; `None` sets no limit.

    Raises:
        UsageError: One of them is not a whole number, or below 0.
    """

    turns: int | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        for name, value in self.named():
            if not isinstance(value, int) or value < 0:
                raise UsageError(f"{name} must be a whole number, 0 or above, not {value!r}")

    def named(self) -> list[tuple[str, int]]:
        """The limits that are set, by the names that users give them."""
        both = (("max_turns", self.turns), ("max_history_tokens", self.tokens))
        return [(name, value) for name, value in both if value is not None]


class Outgoing(NamedTuple):
    """What is sent, and how many exchanges the limits leave out."""

    turns: list[Turn]
    left_out: int


def exchanges_of(turns: Iterable[Turn]) -> list[list[Turn]]:
    """Group turns into exchanges. What comes before the first user turn is a group of its own.

    Example:
        >>> from nbstream.conversation.turn import Turn
        >>> roles = ("system", "user", "user", "assistant", "user")
        >>> [len(group) for group in exchanges_of(Turn(str(at), role, "…") for at, role in enumerate(roles))]
        [1, 3, 1]
    """
    groups: list[list[Turn]] = []
    answered = True
    for turn in turns:
        if not groups or (turn.role == "user" and (answered or groups[-1][0].role != "user")):
            groups.append([])
            answered = False
        groups[-1].append(turn)
        answered = answered or turn.role == "assistant"
    return groups


def outgoing(turns: Sequence[Turn], limits: Limits) -> Outgoing:
    """What a request for the answer to the last of `turns` sends.

    Args:
        turns: The path that ends with the question.
        limits: How much of what came before may go along. The question and system prompts always do.
    """
    *earlier, question = exchanges_of(turns) or [[]]
    answered = answered_calls(turns)
    sent = [
        group
        for group in earlier
        if all(turn.included and has_something_to_send(turn, answered) for turn in group if turn.role == "assistant")
    ]
    preface = [sent.pop(0)] if sent and sent[0][0].role != "user" else []
    excess = _excess(sent, limits)
    instructions = [turn for group in sent[:excess] for turn in group if turn.role in _INSTRUCTIONS]
    kept = [*preface, instructions, *sent[excess:], question]
    return Outgoing([turn for group in kept for turn in group], excess)


def note_of(left_out: int, limits: Limits) -> str | None:
    """What to tell the reader about the exchanges that are left out.

    Example:
        >>> note_of(6, Limits(turns=20))
        'The 6 oldest exchanges are no longer sent (max_turns=20).'
    """
    if not left_out:
        return None
    why = ", ".join(f"{name}={value:,}" for name, value in limits.named())
    who = "The oldest exchange is" if left_out == 1 else f"The {left_out} oldest exchanges are"
    return f"{who} no longer sent ({why})."


def known_to_server(turns: Sequence[Turn], seed: str) -> tuple[str | None, int]:
    """The id of the answer whose server-side history is exactly the first of these turns, and how many those are.

    Args:
        turns: What a request is to send.
        seed: What the contexts of requests to the same server began with.
    """
    found: tuple[str | None, int] = None, 0
    for number, turn in enumerate(turns, 1):
        answer = turn.answer
        if answer is not None and answer.response_id and turn.context == seed and turn.state is StreamState.COMPLETED:
            found = answer.response_id, number
        seed = context_of([turn], seed)
    return found


def _excess(groups: list[list[Turn]], limits: Limits) -> int:
    """How many of the oldest exchanges are too many."""
    sizes = []
    if limits.turns is not None:
        sizes.append((limits.turns, [1] * len(groups)))
    if limits.tokens is not None:
        sizes.append((limits.tokens, tokens_of(groups)))
    return max((_over(limit, each) for limit, each in sizes), default=0)


def _over(limit: int, sizes: list[int]) -> int:
    total, kept = 0, 0
    for size in reversed(sizes):
        total += size
        if total > limit:
            break
        kept += 1
    return len(sizes) - kept
