"""The tree of a conversation: every turn has one parent and may have siblings; one path through it is active.

It keeps order and branches only, not what a turn says. Not thread-safe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbstream.conversation.turn import Turn

__all__ = ["Cut", "Tree"]


class Cut(NamedTuple):
    """What was taken out of a tree, with all that is needed to put it back.

    Attributes:
        turns: The turns, parents before children.
        parents: The parent of each.
        place: Which child of its parent the first one was.
        active: The turns that were active among their siblings.
        preferred: The sibling that became active in place of the first one.
    """

    turns: tuple[Turn, ...]
    parents: tuple[str | None, ...]
    place: int
    active: frozenset[str]
    preferred: str | None


class Tree:
    """Turns and branches. An empty one needs no arguments.

    Example:
        >>> from nbstream.conversation.turn import Turn
        >>> tree = Tree()
        >>> tree.add(Turn("q", "user", "Why?"), None)
        >>> tree.add(Turn("a", "assistant", "Because."), "q")
        >>> tree.add(Turn("b", "assistant", "It is so."), "q")
        >>> [turn.text for turn in tree.path()], tree.siblings("b")
        (['Why?', 'It is so.'], ('a', 'b'))
    """

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}
        self._parents: dict[str, str | None] = {}
        self._children: dict[str | None, list[str]] = {}
        self._active: dict[str | None, str] = {}  # the child that the active path takes

    def __contains__(self, turn_id: object) -> bool:
        return turn_id in self._turns

    def __iter__(self) -> Iterator[Turn]:
        """All turns, parents before children, siblings in order."""
        waiting = [*reversed(self._children.get(None, ()))]
        while waiting:
            turn_id = waiting.pop()
            yield self._turns[turn_id]
            waiting.extend(reversed(self._children.get(turn_id, ())))

    def __getitem__(self, turn_id: str) -> Turn:
        """The turn of this id.

        Raises:
            UsageError: There is none.
        """
        try:
            return self._turns[turn_id]
        except (KeyError, TypeError):
            raise UsageError(f"there is no turn {turn_id!r} in this chat; chat.turns lists them") from None

    def parent(self, turn_id: str) -> str | None:
        """The turn before this one; `None` for a first turn."""
        return self._parents[self[turn_id].id]

    def children(self, turn_id: str | None) -> tuple[str, ...]:
        """What follows a turn, in order; of `None`, the first turns."""
        return tuple(self._children.get(turn_id, ()))

    def siblings(self, turn_id: str) -> tuple[str, ...]:
        """The turn and its alternatives, in the order in which they were made."""
        return self.children(self.parent(turn_id))

    def is_active(self, turn_id: str) -> bool:
        """Whether its parent's active child is this turn."""
        return self._active.get(self.parent(turn_id)) == turn_id

    def path(self) -> list[Turn]:
        """The active path, from the first turn to the leaf."""
        turns = []
        at = self._active.get(None)
        while at is not None:
            turns.append(self._turns[at])
            at = self._active.get(at)
        return turns

    def path_to(self, turn_id: str | None) -> list[Turn]:
        """The turns from the first one to this one; none for `None`."""
        turns = []
        while turn_id is not None:
            turns.append(self[turn_id])
            turn_id = self._parents[turn_id]
        return turns[::-1]

    def leaf(self) -> str | None:
        """The last turn of the active path."""
        path = self.path()
        return path[-1].id if path else None

    def add(self, turn: Turn, parent: str | None) -> None:
        """Add a turn after `parent` and make its branch the active one.

        Raises:
            UsageError: There is no such parent, or there is a turn of this id already.
        """
        self.attach(turn, parent)
        self.select(turn.id)

    def attach(self, turn: Turn, parent: str | None) -> None:
        """Add a turn after `parent`, the active one among its siblings, without making their branch active.

        Raises:
            UsageError: There is no such parent, or there is a turn of this id already.
        """
        if parent is not None:
            self[parent]
        if turn.id in self._turns:
            raise UsageError(f"there is a turn {turn.id!r} already")
        self._turns[turn.id] = turn
        self._parents[turn.id] = parent
        self._children.setdefault(parent, []).append(turn.id)
        self._active[parent] = turn.id

    def put(self, turn: Turn) -> None:
        """Replace the turn with the same id."""
        self[turn.id]
        self._turns[turn.id] = turn

    def select(self, turn_id: str) -> None:
        """Make the branch of this turn the active one; after it comes the path that was last active there."""
        at: str | None = self[turn_id].id
        while at is not None:
            parent = self._parents[at]
            self._active[parent] = at
            at = parent

    def prefer(self, turn_id: str) -> None:
        """Make this turn the active one among its siblings, wherever the active path may be."""
        self._active[self.parent(turn_id)] = turn_id

    def subtree(self, turn_id: str) -> list[str]:
        """The ids of a turn and of all that follows it, on every branch."""
        found = [self[turn_id].id]
        for each in found:
            found.extend(self._children.get(each, ()))
        return found

    def cut(self, turn_id: str) -> Cut:
        """Take out a turn with all that follows it; if it was active, the sibling before it (or after) becomes active.

        Returns:
            What `put_back` takes.
        """
        parent, was_active = self.parent(turn_id), self.is_active(turn_id)
        siblings, gone = self._children[parent], self.subtree(turn_id)
        place = siblings.index(turn_id)
        turns, parents = tuple(self._turns[each] for each in gone), tuple(self._parents[each] for each in gone)
        active = frozenset(each for each in gone if self.is_active(each))
        for each in gone:
            del self._turns[each], self._parents[each]
            self._children.pop(each, None)
            self._active.pop(each, None)
        del siblings[place]
        if not siblings:
            del self._children[parent]
        if was_active:
            del self._active[parent]
            if siblings:
                self._active[parent] = siblings[max(place - 1, 0)]
        return Cut(turns, parents, place, active, self._active.get(parent))

    def put_back(self, cut: Cut) -> None:
        """Put back what was cut out, where it was; it becomes active again unless another branch was chosen since.

        Raises:
            UsageError: What it followed is no longer there.
        """
        [(first, parent), *rest] = zip(cut.turns, cut.parents, strict=True)
        chosen = self._active.get(parent)
        self.attach(first, parent)
        siblings = self._children[parent]
        siblings.insert(cut.place, siblings.pop())
        if chosen is not None and not (first.id in cut.active and chosen == cut.preferred):
            self._active[parent] = chosen
        for turn, before in rest:
            self.attach(turn, before)
        for turn, before in rest:
            if turn.id in cut.active:
                self._active[before] = turn.id

    def copy(self) -> Tree:
        """Another tree with the same turns, which is independent from here on."""
        other = Tree()
        other._turns, other._parents = self._turns.copy(), self._parents.copy()
        other._children = {parent: children.copy() for parent, children in self._children.items()}
        other._active = self._active.copy()
        return other
