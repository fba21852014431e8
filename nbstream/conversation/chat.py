"""`Chat`: a conversation that asks. It starts streams through `api`, and commits every exchange at its end, once.

`conversation` decides what is sent, `SavedChat` what is kept, and the surfaces where an answer is drawn.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from nbstream.api import launch, surface_for
from nbstream.attachments.attached import attached
from nbstream.conversation.asking import request_after
from nbstream.conversation.chat_options import check_options
from nbstream.conversation.chat_running import STILL_ANSWERING, RunningTurn
from nbstream.conversation.chat_saving import SavedChat
from nbstream.conversation.messages import content_from
from nbstream.conversation.turn import Turn, new_id
from nbstream.errors import UsageError
from nbstream.settings.shell import running_shell
from nbstream.streaming.continuation import Continuation
from nbstream.streaming.interrupts import HeldInterrupts
from nbstream.streaming.surfaces import Surfaces
from nbstream.streaming.waiting import awaited, waited_for
from nbstream.text.secret import takes_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.outcome import StreamWarning
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.streaming.handle import StreamHandle

__all__ = ["Chat"]

Prompt: TypeAlias = str | list[dict[str, Any]]


class Chat(SavedChat):
    """A conversation with a model: every question is sent with what was said before.

    Question and answer join the turns together, when the answer ends. An answer that failed or was stopped stays, and
    is marked; neither it nor its question is sent with later ones until `include` says so.

    Token limits go by what servers report: the tokens by which a prompt has grown since the one before. Where nothing
    was reported, or something else was sent in between, four bytes of text count as a token and an image as 1,000.

    A chat can be copied (`copy.copy`, or `fork` for one without a name) and pickled, which `%store` does, too: a pickle
    holds what `save` writes, so neither keys nor a client of your own.

    Args:
        system: System prompt; by default that of the settings.
        model: Model to ask; `"demo"` is the built-in one.
        name: What to call the chat.
        messages: OpenAI messages to begin with.
        history: `"messages"` sends the earlier turns with each request. `"server"` sends `previous_response_id`
            instead, which needs the Responses API, and a server that keeps the answers.
        max_turns: The maximum number of earlier exchanges in a request, each a question with its answer; the oldest are
            left out first.
        max_history_tokens: The same by tokens, of the earlier turns. The system prompt and the new question are sent in
            any case, and do not count.
        **options: Any option of `nbs.start` other than `display`, for every turn.

    Raises:
        UsageError: The messages are not OpenAI messages, or an option is invalid.

    Example:
        ```python
        chat = nbs.Chat("You are terse.", model="demo")
        chat.stream("What is a token?")
        chat.stream("And why does it matter?")
        chat.messages, chat.usage
        ```
    """

    _kept: ClassVar[dict[str, Chat]] = {}

    @classmethod
    def named(cls, name: str) -> Chat:
        """The chat that `%%stream --chat NAME` continues.

        That is the notebook variable of this name if it is a chat or a panel, else the chat that was asked for by this
        name before, else a new one.

        Args:
            name: The name.

        Example:
            ```python
            nbs.Chat.named("tutor").messages
            ```
        """
        shell = running_shell()
        variable = shell.user_ns.get(name) if shell is not None else None
        for found in (variable, getattr(variable, "chat", None)):
            if isinstance(found, Chat):
                return found
        return cls._kept.get(name) or cls._kept.setdefault(name, cls(name=name))

    # --- asking -------------------------------------------------------------------------------------------------------

    @takes_key
    def start(
        self, prompt: Prompt, *, image: Any = None, file: Any = None, display: bool = True, **options: Any
    ) -> StreamHandle:
        """Ask, and return at once.

        Args:
            prompt: Text, or OpenAI content parts (`{"type": "text", …}`, `{"type": "image_url", …}`).
            image: An image or a list of them, as for `nbs.start`; later questions are sent with them as well.
            file: A file or a list of them, likewise.
            display: Whether to draw the answer below the current cell; panels of the chat show it in any case.
            **options: Any option of `nbs.start`, for this turn only.

        Raises:
            UsageError: The call is wrong, or the chat is still answering; nothing was sent.

        Example:
            ```python
            handle = chat.start("Write a long story")
            handle.text
            ```
        """
        asked, warnings = attached(prompt, image=image, file=file)
        user = Turn(new_id(), "user", content_from(asked))
        return self._ask(
            lambda: RunningTurn(self._conversation.tree.leaf(), user, user.content), options, warnings, display=display
        )

    @takes_key
    def request(self, prompt: Prompt, *, image: Any = None, file: Any = None, **options: Any) -> StreamRequest:
        """What `start` would send, as a value; nothing is sent, and the chat stays as it is.

        Args:
            prompt: Text, or OpenAI content parts.
            image: As for `start`.
            file: As for `start`.
            **options: Any option of `nbs.start`.

        Raises:
            UsageError: The call is wrong.

        Example:
            ```python
            len(chat.request("And in one sentence?").messages)
            ```
        """
        asked, _ = attached(prompt, image=image, file=file)
        with self._lock:
            path = self._conversation.tree.path_to(self._conversation.tree.leaf())
        return self._request([*path, Turn(new_id(), "user", content_from(asked))], options)[0]

    @takes_key
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
        return waited_for(lambda: self.start(prompt, **options))

    @takes_key
    async def astream(self, prompt: Prompt, **options: Any) -> StreamResult:
        """Like `stream`, without blocking the event loop; cancelling the awaiting task cancels the stream.

        Args:
            prompt: Text, or OpenAI content parts.
            **options: As for `start`.

        Raises:
            UsageError: The call is wrong, or the chat is still answering; nothing was sent.
            StreamError: The stream failed; what had arrived is among the turns, marked as failed.

        Example:
            ```python
            one, two = await asyncio.gather(chat.astream("Go on"), chat.fork().astream("Go on"))
            ```
        """
        return await awaited(lambda: self.start(prompt, **options))

    def stop(self) -> None:
        """End the answer in flight, if there is one; what had arrived is kept, and marked as stopped.

        Example:
            ```python
            chat.start("Write a long story")
            chat.stop()
            ```
        """
        if (running := self.running) is not None:
            running.stop()

    @takes_key
    def regenerate(self, turn_id: str | None = None, *, display: bool = True, **options: Any) -> StreamHandle:
        """Ask for an answer again; the new one is a sibling of the old one.

        Args:
            turn_id: The answer, or its question; by default the last turn.
            display: Whether to draw the answer below the current cell.
            **options: Any option of `nbs.start`, for this turn only.

        Raises:
            UsageError: There is no such turn, or the chat is still answering.

        Example:
            ```python
            chat.regenerate(temperature=1.0).result()
            chat.siblings(chat.turns[-1].id)
            ```
        """

        def again() -> RunningTurn:
            asked, answer_id = self._conversation.to_answer(turn_id)
            return RunningTurn(asked.id, None, asked.content, sibling_of=answer_id)

        return self._ask(again, options, display=display)

    @takes_key
    def edit(
        self,
        turn_id: str,
        prompt: Prompt,
        *,
        image: Any = None,
        file: Any = None,
        display: bool = True,
        **options: Any,
    ) -> StreamHandle:
        """Replace a question; the new one is a sibling of the old one.

        Args:
            turn_id: The question.
            prompt: Text, or OpenAI content parts: the whole new question.
            image: An image or a list of them, as for `nbs.start`.
            file: A file or a list of them, likewise.
            display: Whether to draw the answer below the current cell.
            **options: Any option of `nbs.start`, for this turn only.

        Raises:
            UsageError: There is no such question, or the chat is still answering.

        Example:
            ```python
            chat.edit(chat.turns[0].id, "What is a byte?").result()
            ```
        """
        asked, warnings = attached(prompt, image=image, file=file)
        user = Turn(new_id(), "user", content_from(asked))

        def edited() -> RunningTurn:
            parent = self._conversation.tree.parent(self._conversation.question(turn_id).id)
            return RunningTurn(parent, user, user.content, sibling_of=turn_id)

        return self._ask(edited, options, warnings, display=display)

    @takes_key
    def resume(self, turn_id: str | None = None, *, display: bool = True, **options: Any) -> StreamHandle:
        """Continue an answer that broke off, was stopped or was cut at its limit; the whole takes its place.

        Args:
            turn_id: The answer; by default the last one.
            display: Whether to draw the answer below the current cell, from its beginning.
            **options: Any option of `nbs.start`, for this request only.

        Raises:
            UsageError: There is no such answer, it is complete, or the chat is still answering.

        Example:
            ```python
            chat.resume().result()
            ```
        """
        with self._lock:
            turn = self._conversation.answer(turn_id)
            path = self._conversation.tree.path_to(self._conversation.asked(turn).id)
        last_id, last = self._ended or (None, None)
        kept = last.continuation if last is not None and last_id == turn.id and not options else None
        if last is not None and kept is not None and kept.in_background:
            continued: StreamHandle = kept.resume(last, display=display)
            return continued
        request, context = self._request(path, options)
        answer = turn.result
        if last is not None and last_id == turn.id and last.continuation is not None and last.tool_runs:
            further = last.continuation.asked_further(request)
            request, answer = (request, answer) if further is None else (further, last)
        going_on = Continuation(request, None, functools.partial(self._go_on, turn.id, context))
        handle: StreamHandle = going_on.resume(answer, display=display)
        return handle

    # --- one exchange, from its beginning to its end ------------------------------------------------------------------

    def _begin(
        self, make: Callable[[], RunningTurn], request: Callable[[RunningTurn], StreamRequest], *, display: bool
    ) -> StreamHandle:
        """Reserve the chat for an exchange and start it, as a whole: an interrupt comes before it or ends it.

        Args:
            make: Makes the exchange, while nothing else changes the conversation.
            request: What to ask for it.
            display: Whether to draw it below the current cell.
        """
        with HeldInterrupts() as held:
            with self._lock:
                running = make()
                if self.running is not None:
                    raise UsageError(STILL_ANSWERING)
                self._running = running
            held.stop_with(running.stop)
            try:
                return self._launch(running, request(running), display=display)
            except BaseException:
                self._release(running)
                raise

    def _ask(
        self,
        make: Callable[[], RunningTurn],
        options: dict[str, Any],
        warnings: tuple[StreamWarning, ...] = (),
        *,
        display: bool,
    ) -> StreamHandle:
        def request(running: RunningTurn) -> StreamRequest:
            with self._lock:
                path = self._conversation.tree.path_to(running.parent)
            asked, running.context = self._request([*path, running.user] if running.user else path, options)
            return replace(asked, warnings=warnings)

        return self._begin(make, request, display=display)

    def _go_on(
        self,
        turn_id: str,
        context: str,
        request: StreamRequest,
        beginning: StreamResult,
        display: bool,  # noqa: FBT001  as `Continuation` calls it
    ) -> StreamHandle:
        def further() -> RunningTurn:
            turn, parent = self._conversation.tree[turn_id], self._conversation.tree.parent(turn_id)
            asked = self._conversation.asked(turn).content
            return RunningTurn(parent, None, asked, replaces=turn_id, beginning=beginning, id=turn_id, context=context)

        return self._begin(further, lambda _: request, display=display)

    def _launch(self, running: RunningTurn, request: StreamRequest, *, display: bool) -> StreamHandle:
        drawn = surface_for(request, display=display)
        running.surfaces = Surfaces([drawn, *self._listeners.tell(lambda listener: listener.turn_began(running))])
        resume = functools.partial(self._go_on, running.id, running.context)
        commit = functools.partial(self._commit, running)
        running.journal = self._journal_of(running) if request.tools else None
        request = replace(request, journal=running.journal)
        running.handle = launch(request, running.surfaces, running.beginning, resume, commit)
        if running.stopped:
            running.stop()
        return running.handle

    def _request(self, path: list[Turn], options: dict[str, Any]) -> tuple[StreamRequest, str]:
        """The request for what follows `path`, and what stands for the turns that it sends."""
        check_options(set(options))
        given = {key: value for key, value in options.items() if value is not None}
        return request_after(path, self._limits(), self.history, {"system": self.system, **self.options, **given})

    def _release(self, running: RunningTurn) -> None:
        """Forget an exchange that could not be started."""
        with self._lock:
            if self._running is running:
                self._running = None
        self._changed()

    def _commit(self, running: RunningTurn, result: StreamResult) -> Callable[[], object] | None:
        """Commit an exchange, whatever its end; return what tells the listeners."""
        with self._lock:
            running.commit(self._conversation, result)
            self._running, self._ended = None, (running.id, result)
        if running.journal is not None:
            running.journal.end(result)
        if not self._listeners:
            return None
        return lambda: self._listeners.tell(lambda listener: listener.turn_ended(running, result))
