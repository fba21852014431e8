"""What a chat is apart from asking and saving: its settings, its turns with their branches, and who listens.

It guards the conversation against several threads and tells listeners of every change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from nbstream.conversation.chat_files import KnownFiles
from nbstream.conversation.chat_options import ChatOptions
from nbstream.conversation.chat_running import STILL_ANSWERING, Listeners
from nbstream.conversation.conversation import Conversation
from nbstream.conversation.history import Limits, note_of, outgoing
from nbstream.conversation.turn import Turn
from nbstream.errors import UsageError
from nbstream.text.secret import takes_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.conversation.chat_running import ChatListener, RunningTurn
    from nbstream.conversation.conversation import Spent
    from nbstream.result import StreamResult, Usage

__all__ = ["ChatRecord", "Overview"]


class Overview(NamedTuple):
    """What there is to show of a chat at one moment.

    Attributes:
        turns: The active path, or the one that an exchange in flight belongs to.
        versions: For each of these turns, and for the one that is edited or asked for again, the ids of its siblings.
        running: The exchange in flight.
    """

    turns: tuple[Turn, ...]
    versions: dict[str, tuple[str, ...]]
    running: RunningTurn | None


class ChatRecord(ChatOptions):
    """The part of `nbs.Chat` that keeps; see there.

    Attributes:
        history: Who keeps the earlier turns, `"messages"` or `"server"`.
        max_turns: The most earlier exchanges that a request sends, each a question with its answer, if limited.
        max_history_tokens: The same by tokens.
    """

    @takes_key
    def __init__(
        self,
        system: str | None = None,
        *,
        model: str | None = None,
        name: str | None = None,
        messages: list[dict[str, Any]] | None = None,
        history: Literal["messages", "server"] = "messages",
        max_turns: int | None = None,
        max_history_tokens: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._listeners = Listeners()
        self._running: RunningTurn | None = None
        self._ended: tuple[str, StreamResult] | None = None
        self._name = name
        self._files = KnownFiles()
        self._loaded: frozenset[str] = frozenset()  # the turns that an earlier program has left
        self._conversation = Conversation()  # what follows may raise, and whatever shows the error shows the chat
        if history not in {"messages", "server"}:
            raise UsageError(f'history must be "messages" or "server", not {history!r}')
        self._conversation = Conversation.from_messages(messages or [])
        if system is not None:
            if self._conversation.system is not None:
                raise UsageError("the system prompt is given twice: as system=… and as the first message")
            self._conversation.system = system
        self.history: Literal["messages", "server"] = history
        self.max_turns, self.max_history_tokens = max_turns, max_history_tokens
        self._limits()
        self.configure(model=model, **options)

    # --- settings -----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str | None:
        """What the chat is called."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name
        self._changed()

    @property
    def system(self) -> str | None:
        """The system prompt; `None` takes that of the settings."""
        return self._conversation.system

    @system.setter
    def system(self, system: str | None) -> None:
        with self._lock:
            self._conversation.system = system
        self._changed()

    # --- what there is ------------------------------------------------------------------------------------------------

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of the active path, oldest first."""
        with self._lock:
            return tuple(self._conversation.tree.path())

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The active path as OpenAI messages, the system prompt first. Set it to start over with others."""
        with self._lock:
            return self._conversation.messages()

    @messages.setter
    def messages(self, messages: list[dict[str, Any]]) -> None:
        conversation = Conversation.from_messages(messages)
        with self._lock:
            if self.running is not None:
                raise UsageError(STILL_ANSWERING)
            self._conversation = conversation
        self._changed()

    @property
    def conversation(self) -> Conversation:
        """The turns with all their versions; only to be read, because listeners would not be told of a change."""
        return self._conversation

    @property
    def running(self) -> RunningTurn | None:
        """The exchange in flight, if there is one."""
        running = self._running
        if running is not None and running.handle is not None and running.handle.lost:
            self._running = None  # as in a fork of the process that reads it: its end will not come
        return self._running

    @property
    def result(self) -> StreamResult | None:
        """The result of the turn that ended last; `None` before, and in a chat that was loaded."""
        return self._ended and self._ended[1]

    @property
    def usage(self) -> Usage | None:
        """The tokens of all turns ever, as far as servers have reported them; `None` if none has."""
        return self.spent.usage

    @property
    def seconds(self) -> float:
        """How long all answers ever have taken, together."""
        return self.spent.seconds

    @property
    def cost(self) -> float | None:
        """What all turns ever have cost in US dollars, where prices are known; `None` otherwise."""
        return self.spent.cost

    @property
    def spent(self) -> Spent:
        """All three: `usage`, `seconds` and `cost`, which is less work than to ask for each."""
        with self._lock:
            return self._conversation.spent()

    def overview(self) -> Overview:
        """What there is to show, as it is at one moment."""
        with self._lock:
            tree, running = self._conversation.tree, self.running
            turns = tree.path()
            if running is not None and running.parent not in {None, *(turn.id for turn in turns)}:
                turns = tree.path_to(running.parent)  # its branch will be the active one
            shown = [turn.id for turn in turns] + ([running.sibling_of] if running and running.sibling_of else [])
            return Overview(tuple(turns), {each: tree.siblings(each) for each in shown}, running)

    def left_out(self) -> str | None:
        """What to tell the reader about turns that the limits keep out of the next request; `None` if there are none.

        Example:
            ```python
            chat.left_out()     # "The 6 oldest exchanges are no longer sent (max_turns=20)."
            ```
        """
        limits = self._limits()
        return note_of(outgoing([*self.turns, Turn("", "user", "…")], limits).left_out, limits)

    def _limits(self) -> Limits:
        return Limits(self.max_turns, self.max_history_tokens)

    # --- branches -----------------------------------------------------------------------------------------------------

    def siblings(self, turn_id: str) -> tuple[str, ...]:
        """The ids of a turn and its alternatives, in the order in which they were made.

        Raises:
            UsageError: There is no such turn.
        """
        with self._lock:
            return self._conversation.tree.siblings(turn_id)

    def select(self, turn_id: str) -> None:
        """Make the branch of a turn the active one; after it, the turns that were last active there follow.

        Raises:
            UsageError: There is no such turn.

        Example:
            ```python
            first, *_ = chat.siblings(chat.turns[-1].id)
            chat.select(first)
            ```
        """
        with self._lock:
            self._conversation.tree.select(turn_id)
        self._changed()

    def include(self, turn_id: str, included: bool = True) -> None:  # noqa: FBT001, FBT002  reads well by position
        """Say whether later requests send an answer with its question.

        By itself, one that you stopped is sent with a remark that it was stopped, and one that failed is not sent.

        Raises:
            UsageError: There is no such answer, or it has no text.

        Example:
            ```python
            chat.include(chat.turns[-1].id, False)     # what came before Stop was of no use
            ```
        """
        with self._lock:
            self._conversation.include(turn_id, included=included)
        self._changed()

    def delete(self, turn_id: str) -> None:
        """Delete a turn and all that follows it. If it is the only answer to a question, the question goes too.

        What they have cost is spent, so `usage`, `seconds` and `cost` stay. `undelete` puts them back.

        Raises:
            UsageError: There is no such turn, or an answer in flight belongs to it.
        """
        with self._lock:
            self._delete(turn_id)
        self._changed()

    def undelete(self) -> None:
        """Put back what was deleted last, where it was.

        Raises:
            UsageError: Nothing was deleted, or what it followed is gone.
        """
        with self._lock:
            self._conversation.undelete()
        self._changed()

    @property
    def can_undelete(self) -> bool:
        """Whether `undelete` has something to put back."""
        with self._lock:
            return self._conversation.can_undelete

    def undo(self) -> None:
        """Take back the last exchange; after `edit` or `regenerate`, what was there before comes back.

        Raises:
            UsageError: There is nothing to take back, or the chat is still answering.
        """
        with self._lock:
            if self.running is not None:
                raise UsageError(STILL_ANSWERING)
            leaf = self._conversation.tree.leaf()
            if leaf is None:
                raise UsageError("there is nothing to undo in this chat")
            self._delete(leaf)
        self._changed()

    def _delete(self, turn_id: str) -> None:
        tree = self._conversation.tree
        doomed = self._conversation.doomed(turn_id)
        running = self.running
        if running is not None and {running.parent, running.replaces, running.sibling_of} & {*tree.subtree(doomed)}:
            raise UsageError("the chat is still answering after this turn; wait or stop it first")
        self._conversation.delete(doomed)

    def fork(self) -> Self:
        """Another chat with the same turns, branches and settings, independent from here on; it has no name."""
        with self._lock:
            other = type(self)(
                history=self.history, max_turns=self.max_turns, max_history_tokens=self.max_history_tokens
            )
            other._take_options(self.options, self._untrusted)  # noqa: SLF001  another of this class
            other._conversation = self._conversation.copy()  # noqa: SLF001  another of this class
            other._files = self._files.copy()  # noqa: SLF001  another of this class
            other._loaded = self._loaded  # noqa: SLF001  another of this class
            return other

    # --- who is told --------------------------------------------------------------------------------------------------

    def listen(self, listener: ChatListener) -> Callable[[], None]:
        """Tell `listener` of what happens here from now on.

        Returns:
            A function that stops it.
        """
        return self._listeners.add(listener)

    def _changed(self) -> None:
        self._listeners.tell(lambda listener: listener.turns_changed())

    def __repr__(self) -> str:
        name, count, usage = f" {self.name!r}" if self.name else "", len(self.turns), self.usage
        cost = f", {usage.total_tokens:,} tokens" if usage else ""
        asked = f", not trusted: {', '.join(self._untrusted)}" if self._untrusted else ""
        return f"<Chat{name}: {count} turn{'s' * (count != 1)}{cost}{asked}>"
