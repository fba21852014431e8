"""A conversation as a whole: the system prompt, the tree of turns, and what can be done to them.

Every change is whole or does not happen. Not thread-safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from nbstream.conversation.messages import message_of, turns_from
from nbstream.conversation.tree import Tree
from nbstream.errors import UsageError
from nbstream.outcome import add_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbstream.conversation.tree import Cut
    from nbstream.conversation.turn import Turn
    from nbstream.result import Usage

__all__ = ["Conversation", "Spent"]


class Spent(NamedTuple):
    """What turns have cost.

    Attributes:
        usage: Their tokens, as far as they are known.
        seconds: How long their answers took.
        cost: Their price in US dollars, as far as it is known.
    """

    usage: Usage | None = None
    seconds: float = 0.0
    cost: float | None = None

    def and_for(self, turns: Iterable[Turn]) -> Spent:
        """The sum of this and what the turns have cost."""
        every = list(turns)
        costs = [cost for cost in (self.cost, *(turn.cost for turn in every)) if cost is not None]
        return Spent(
            add_up([self.usage, *(turn.usage for turn in every)]),
            sum((turn.seconds for turn in every), self.seconds),
            sum(costs) if costs else None,
        )


@dataclass(slots=True, eq=False)
class Conversation:
    """The turns of a chat, with their branches.

    Attributes:
        system: The system prompt, if any.
        tree: The turns.
        deleted: What turns have cost that were deleted: it is spent all the same.

    Example:
        >>> talk = Conversation.from_messages([{"role": "user", "content": "Why?"}])
        >>> talk.messages()
        [{'role': 'user', 'content': 'Why?'}]
    """

    system: str | None = None
    tree: Tree = field(default_factory=Tree)
    deleted: Spent = field(default_factory=Spent)
    _last_cut: tuple[Cut, Spent] | None = None

    @classmethod
    def from_messages(cls, messages: list[dict[str, Any]]) -> Conversation:
        """A conversation without branches.

        Raises:
            UsageError: They are not OpenAI messages.
        """
        system, turns = turns_from(messages)
        made = cls(system)
        parent = None
        for turn in turns:
            made.tree.attach(turn, parent)  # the only child is the active one; `add` would go up to the first each time
            parent = turn.id
        return made

    def messages(self) -> list[dict[str, Any]]:
        """The active path as OpenAI messages, the system prompt first."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, *map(message_of, self.tree.path())]

    def spent(self) -> Spent:
        """What all turns on all branches have cost, those that were deleted included."""
        return self.deleted.and_for(self.tree)

    def copy(self) -> Conversation:
        """Another conversation with the same turns, which is independent from here on."""
        return Conversation(self.system, self.tree.copy(), self.deleted)

    def delete(self, turn_id: str) -> None:
        """Delete a turn with all that follows it.

        Raises:
            UsageError: There is no such turn.
        """
        before = self.deleted
        cut = self.tree.cut(turn_id)
        self.deleted, self._last_cut = before.and_for(cut.turns), (cut, before)

    @property
    def can_undelete(self) -> bool:
        """Whether `undelete` has something to put back."""
        if self._last_cut is None:
            return False
        parent = self._last_cut[0].parents[0]
        return parent is None or parent in self.tree

    def undelete(self) -> None:
        """Put back what was deleted last.

        Raises:
            UsageError: Nothing was, or what it followed is gone.
        """
        if self._last_cut is None or not self.can_undelete:
            raise UsageError("there is nothing to undelete in this chat")
        cut, self.deleted = self._last_cut
        self._last_cut = None
        self.tree.put_back(cut)

    def question(self, turn_id: str) -> Turn:
        """The user turn of this id.

        Raises:
            UsageError: There is none.
        """
        turn = self.tree[turn_id]
        if turn.role != "user":
            raise UsageError(f"turn {turn_id} is not a question; only a user turn can be edited")
        return turn

    def answer(self, turn_id: str | None) -> Turn:
        """The assistant turn of this id, or the last one on the active path.

        Raises:
            UsageError: There is none.
        """
        if turn_id is None:
            answers = [turn for turn in self.tree.path() if turn.role == "assistant"]
            if not answers:
                raise UsageError("there is no answer in this chat yet")
            return answers[-1]
        turn = self.tree[turn_id]
        if turn.role != "assistant":
            raise UsageError(f"turn {turn_id} is not an answer")
        return turn

    def asked(self, answer: Turn) -> Turn:
        """The turn that an answer answers.

        Raises:
            UsageError: Nothing was asked before it.
        """
        parent = self.tree.parent(answer.id)
        if parent is None or self.tree[parent].role not in {"user", "tool"}:
            raise UsageError("nothing was asked before this turn")
        return self.tree[parent]

    def to_answer(self, turn_id: str | None) -> tuple[Turn, str | None]:
        """What is asked when an answer is asked for again, and the id of that answer if there is one.

        Args:
            turn_id: The answer or its question; by default the last turn that is either.

        Raises:
            UsageError: There is nothing to answer.
        """
        if turn_id is None:
            either = [turn.id for turn in self.tree.path() if turn.role in {"user", "assistant"}]
            if not either:
                raise UsageError("there is nothing to answer in this chat yet")
            turn_id = either[-1]
        turn = self.tree[turn_id]
        if turn.role == "user":
            return turn, None
        return self.asked(self.answer(turn.id)), turn.id

    def include(self, turn_id: str, *, included: bool) -> None:
        """Say whether later requests send an answer, with its question.

        Raises:
            UsageError: It is not an answer, or has nothing that could be sent.
        """
        turn = self.answer(turn_id)
        if included and not (turn.content or turn.refusal or turn.extra.get("tool_calls")):
            raise UsageError("there is no text in this turn that could be sent")
        self.tree.put(replace(turn, included=included))

    def doomed(self, turn_id: str) -> str:
        """Where a deletion of this turn begins: an only answer takes its question along, which would be left alone."""
        at = self.tree[turn_id]
        while at.role != "user" and len(self.tree.siblings(at.id)) == 1:
            parent = self.tree.parent(at.id)
            before = None if parent is None else self.tree[parent]
            calls_tool = before is not None and at.role == "tool" and bool(before.extra.get("tool_calls"))
            if before is None or not (before.role in {"user", "tool"} or calls_tool):
                break
            at = before
        return at.id

    def commit(self, parent: str | None, turns: Iterable[Turn]) -> None:
        """Add turns, one after the other, and make their branch the active one."""
        for turn in turns:
            self.tree.add(turn, parent)
            parent = turn.id
