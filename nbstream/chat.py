"""`Chat`: a conversation that asks. It keeps the tree of turns, starts streams through `api`, and tells its listeners.

What is sent and saved is decided in `conversation`; where an answer is drawn is the surfaces' business.
"""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbstream.api import launch, surface_here
from nbstream.chat_running import Ending, RunningTurn
from nbstream.config import resolve, settings
from nbstream.conversation.history import Limits, context_of, outgoing
from nbstream.conversation.messages import content_from, message_of, messages_to_send, turns_from
from nbstream.conversation.tree import Tree
from nbstream.conversation.turn import Turn, answer_turn, new_id
from nbstream.display.fan_out import fan_out
from nbstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.chat_running import ChatListener
    from nbstream.handle import StreamHandle
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult

__all__ = ["Chat", "Prompt"]

_log = logging.getLogger("nbstream")

Prompt: TypeAlias = str | list[dict[str, Any]]


class Chat:
    """A conversation with a model: every question is sent with what was said before.

    Args:
        system: System prompt; by default that of the settings.
        model: Model to ask; `"demo"` is the built-in one.
        name: What to call the chat, as in `%%stream --chat NAME`.
        messages: OpenAI messages to begin with.
        history: `"messages"` sends the earlier turns with each request; `"server"` sends `previous_response_id` in
            their place, which needs the Responses API.
        max_turns: The most earlier turns that a request sends; the oldest exchanges are left out first.
        max_history_tokens: The same by tokens.
        **options: Any option of `nbs.start`, for every turn.

    Raises:
        UsageError: The messages are no OpenAI messages, or an option cannot be.

    Example:
        ```python
        chat = nbs.Chat("You are terse.", model="demo")
        chat.stream("What is a token?")
        chat.stream("And why does it matter?")
        chat.messages
        ```
    """

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
        self._lock = threading.RLock()
        self._tree = Tree()
        self._running: RunningTurn | None = None
        self._ended: tuple[str, StreamResult] | None = None
        self._listeners: list[ChatListener] = []
        self._name, self._system = name, system
        self.history = history
        self.max_turns, self.max_history_tokens = max_turns, max_history_tokens
        self.options = {key: value for key, value in {"model": model, **options}.items() if value is not None}
        if messages:
            self.messages = messages
            if system is not None and self._system is not None:
                raise UsageError("the system prompt is given twice: as system=… and as the first message")
            self._system = system if self._system is None else self._system

    # --- what there is ------------------------------------------------------------------------------------------------

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of the active path, oldest first."""
        with self._lock:
            return tuple(self._tree.path())

    @property
    def running(self) -> RunningTurn | None:
        """The exchange under way, if there is one."""
        return self._running

    @property
    def result(self) -> StreamResult | None:
        """The result of the turn that ended last."""
        return self._ended and self._ended[1]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The active path as OpenAI messages, the system prompt first. Set it to begin anew with others."""
        turns, system = self.turns, self._system
        return [*([{"role": "system", "content": system}] if system else []), *map(message_of, turns)]

    @messages.setter
    def messages(self, messages: list[dict[str, Any]]) -> None:
        system, turns = turns_from(messages)
        tree = Tree()
        parent = None
        for turn in turns:
            tree.add(turn, parent)
            parent = turn.id
        with self._lock:
            self._check_idle("set the messages")
            self._tree, self._system = tree, system
        self._changed()

    # --- asking -------------------------------------------------------------------------------------------------------

    def start(self, prompt: Prompt, *, display: bool = True, **options: Any) -> StreamHandle:
        """Ask, and return at once; question and answer join the turns together when the answer ends.

        Args:
            prompt: Text, or OpenAI content parts (`{"type": "text", …}`, `{"type": "image_url", …}`).
            display: Whether to draw the answer below the current cell; panels of the chat show it in any case.
            **options: Any option of `nbs.start`, for this turn only.

        Raises:
            UsageError: The call is wrong, or the chat is still answering; nothing was sent.

        Example:
            ```python
            handle = chat.start("Write a long story")
            chat.running.handle is handle
            ```
        """
        user = Turn(new_id(), "user", content_from(prompt))
        with self._lock:
            running = self._reserve(RunningTurn(self._tree.leaf(), user, user.content))
        return self._run(running, options, display=display)

    def stream(self, prompt: Prompt, **options: Any) -> StreamResult:
        """Ask, wait for the end and return the result.

        Args:
            prompt: Text, or OpenAI content parts.
            **options: As for `start`.

        Raises:
            UsageError: The call is wrong, or the chat is still answering; nothing was sent.
            StreamError: The stream failed; what had arrived is among the turns, marked as failed.
            KeyboardInterrupt: The kernel was interrupted; what had arrived is among the turns.

        Example:
            ```python
            chat.stream("And in one sentence?").text
            ```
        """
        return self.start(prompt, **options).wait()

    async def astream(self, prompt: Prompt, **options: Any) -> StreamResult:
        """Like `stream`, without blocking the event loop; cancelling the awaiting task cancels the stream.

        Args:
            prompt: Text, or OpenAI content parts.
            **options: As for `start`.

        Raises:
            UsageError: The call is wrong, or the chat is still answering; nothing was sent.
            StreamError: The stream failed; what had arrived is among the turns, marked as failed.
        """
        return await self.start(prompt, **options).wait_async()

    # --- who is told --------------------------------------------------------------------------------------------------

    def listen(self, listener: ChatListener) -> Callable[[], None]:
        """Tell `listener` of what happens here from now on.

        Returns:
            A function that ends it.
        """
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return leave

    # --- one exchange, from its beginning to its end ------------------------------------------------------------------

    def _reserve(self, running: RunningTurn) -> RunningTurn:
        self._check_idle("ask")
        self._running = running
        return running

    def _check_idle(self, to_do: str) -> None:
        running = self._running
        # A stream that is over without having told so has crashed; it must not block the chat for ever.
        if running is not None and not (running.handle is not None and running.handle.done()):
            raise UsageError(
                f"this chat is still answering; wait, or stop it with chat.running.handle.cancel(), to {to_do}"
            )

    def _run(self, running: RunningTurn, options: dict[str, Any], *, display: bool) -> StreamHandle:
        try:
            with self._lock:
                path = self._tree.path_to(running.parent)
            request, running.context = self._request(path if running.user is None else [*path, running.user], options)
            return self._launch(running, request, display=display)
        except BaseException:
            self._release(running)
            raise

    def _launch(self, running: RunningTurn, request: StreamRequest, *, display: bool) -> StreamHandle:
        drawn_on = [_told(listener.turn_began, running) for listener in tuple(self._listeners)]
        surfaces = [surface_here(display=display), *(surface for surface in drawn_on if surface is not None)]
        surfaces.append(Ending(functools.partial(self._end, running)))
        resume = functools.partial(self._go_on, running.id, running.context)
        running.handle = launch(request, fan_out(surfaces), running.beginning, resume)
        return running.handle

    def _request(self, path: list[Turn], options: dict[str, Any]) -> tuple[StreamRequest, str]:
        """The request for what follows `path`, and what stands for the turns that it sends."""
        given = {key: value for key, value in options.items() if value is not None}
        sent = outgoing(path, self._limits()).turns
        named = {"system": self._system, **self.options, **given}
        request = resolve(settings(), messages_to_send(sent), **named)
        return request, context_of(sent, request.endpoint.base_url)

    def _limits(self) -> Limits:
        return Limits(self.max_turns, self.max_history_tokens)

    def _go_on(
        self,
        turn_id: str,
        context: str,
        request: StreamRequest,
        beginning: StreamResult,
        display: bool,  # noqa: FBT001  the shape that `Continuation` calls
    ) -> StreamHandle:
        with self._lock:
            turn, parent = self._tree[turn_id], self._tree.parent(turn_id)
            prompt = self._tree[parent].content if parent is not None else None
            running = RunningTurn(parent, None, prompt, None, turn.id, beginning, turn.id, context)
            self._reserve(running)
        try:
            return self._launch(running, request, display=display)
        except BaseException:
            self._release(running)
            raise

    def _release(self, running: RunningTurn) -> None:
        """Forget an exchange that could not be started."""
        with self._lock:
            if self._running is running:
                self._running = None
        self._changed()

    def _end(self, running: RunningTurn, result: StreamResult) -> None:
        """Commit an exchange, whatever its end."""
        with self._lock:
            if self._running is not running:
                return
            self._running = None
            self._ended = running.id, result
            self._commit(running, result)
        for listener in tuple(self._listeners):
            _told(listener.turn_ended, running, result)
        self._changed()

    def _commit(self, running: RunningTurn, result: StreamResult) -> None:
        before = self._tree[running.replaces] if running.replaces else None
        answer = answer_turn(running.id, result, running.context, before)
        if before is not None:
            self._tree.put(answer)
            return
        parent = running.parent
        if running.user is not None:
            self._tree.add(running.user, parent)
            parent = running.user.id
        self._tree.add(answer, parent)

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            _told(listener.turns_changed)


def _told(tell: Callable[..., Any], *what: Any) -> Any:
    """What a listener answers; what it raises must not lose the answer."""
    try:
        return tell(*what)
    except Exception:  # noqa: BLE001  whatever a listener raises
        _log.exception("nbstream could not tell a listener of a chat what happened")
        return None
