"""An exchange in flight, and who is told of it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from nbstream.conversation.turn import answer_turn, new_id
from nbstream.streaming.surfaces import Surfaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.conversation.conversation import Conversation
    from nbstream.conversation.journal import ChatJournal
    from nbstream.conversation.turn import Content, Turn
    from nbstream.display.surface import Surface
    from nbstream.result import StreamResult
    from nbstream.streaming.handle import StreamHandle

__all__ = ["STILL_ANSWERING", "ChatListener", "Listeners", "RunningTurn"]

STILL_ANSWERING = "this chat is still answering; wait, or stop it first"
"""What to say when something cannot be done before the end of an exchange."""

_log = logging.getLogger("nbstream")

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class RunningTurn:
    """An exchange whose answer is arriving; it joins the chat's turns at its end.

    Attributes:
        parent: The turn that it follows; `None` at the beginning of a chat.
        user: The question, if it is a new one.
        prompt: What is asked, also where the question is in the chat already.
        sibling_of: The turn that this one will be an alternative to: a question that was edited, or an answer.
        replaces: The turn that is continued; it has the same id.
        beginning: What that turn's answer holds so far.
        id: The id that the answer will have.
        context: What stands for the turns that the request sends.
        handle: The stream; `None` for the short while before it has started.
        surfaces: Where its answer is drawn; another one may join.
        journal: What keeps the calls of its answer.
        stopped: Whether it was stopped by `stop`.
    """

    parent: str | None
    user: Turn | None
    prompt: Content
    sibling_of: str | None = None
    replaces: str | None = None
    beginning: StreamResult | None = None
    id: str = field(default_factory=new_id)
    context: str = ""
    handle: StreamHandle | None = None
    surfaces: Surfaces = field(default_factory=Surfaces)
    journal: ChatJournal | None = None
    stopped: bool = False

    def commit(self, conversation: Conversation, result: StreamResult) -> None:
        """Put the exchange into a conversation, however its answer has ended."""
        before = conversation.tree[self.replaces] if self.replaces else None
        answer = answer_turn(self.id, result, self.context, before)
        if before is None:
            conversation.commit(self.parent, [self.user, answer] if self.user else [answer])
        else:
            conversation.tree.put(answer)
            conversation.tree.select(answer.id)

    def stop(self) -> None:
        """End the stream, also if it is only about to start; what had arrived is kept. Does nothing after the end."""
        self.stopped = True
        if self.handle is not None:
            self.handle.cancel()


class ChatListener(Protocol):
    """Is told what happens in a chat. Every call may come from any thread, and must not wait for an end.

    What a listener raises is logged; it never loses an answer.
    """

    def turn_began(self, running: RunningTurn) -> Surface | None:
        """An exchange begins.

        Returns:
            A surface on which to draw its answer as well; the chat opens it.
        """
        ...

    def turns_changed(self) -> None:
        """Turns, names or settings have changed, other than by the end of an exchange."""
        ...

    def turn_ended(self, running: RunningTurn, result: StreamResult) -> None:
        """An exchange has ended: it is among the turns now, and its last frame is drawn."""
        ...


class Listeners:
    """Who listens. Anybody may come and go at any time, also while they are being told."""

    def __init__(self) -> None:
        self._all: tuple[ChatListener, ...] = ()
        self._lock = threading.Lock()

    def add(self, listener: ChatListener) -> Callable[[], None]:
        """Tell `listener` from now on; call the returned function to stop."""
        with self._lock:
            self._all += (listener,)

        def leave() -> None:
            with self._lock:
                self._all = tuple(each for each in self._all if each is not listener)

        return leave

    def __bool__(self) -> bool:
        return bool(self._all)

    def tell(self, tell: Callable[[ChatListener], T | None]) -> list[T]:
        """The listeners' answers, where they give one; what a listener raises must not lose an answer."""
        answers = []
        for listener in self._all:
            try:
                answers.append(tell(listener))
            except (Exception, SystemExit):  # noqa: BLE001  whatever a listener raises
                _log.exception("nbstream could not tell a listener of a chat what happened")
        return [answer for answer in answers if answer is not None]
