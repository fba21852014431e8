"""What happens when the reader of a panel, or the notebook's code, does something; and what of a chat is then shown.

Nothing here waits: answers arrive on the engine, and what they change is told by the chat. The controller knows the
view only as something that shows states and lends surfaces.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol

from nbstream.conversation.chat_running import STILL_ANSWERING
from nbstream.errors import UsageError, words_of
from nbstream.panel.attachments import edited, prompt_from
from nbstream.panel.context import summaries, with_context
from nbstream.panel.exports import EXPORTS, export
from nbstream.panel.model_list import list_models
from nbstream.panel.queue import MessageQueue
from nbstream.panel.settings import checked, model_of, parameters_of, system_of, untrusted_of
from nbstream.panel.shown import ShownTurns, hint_of, totals_of
from nbstream.panel.view.panel_state import PanelState
from nbstream.result import StreamState
from nbstream.text.place import Place, reader_in
from nbstream.text.plain import encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from nbstream.conversation.chat import Chat
    from nbstream.conversation.chat_running import RunningTurn
    from nbstream.display.surface import Surface
    from nbstream.panel.hooks import Hooks
    from nbstream.panel.view.panel_actions import Download
    from nbstream.panel.view.panel_state import Attachment, QueueItem
    from nbstream.result import StreamResult

__all__ = ["PanelController", "Shown"]

_log = logging.getLogger("nbstream")

_BLOCKED = "Queue paused: the last answer is incomplete. Continue or delete it, or send a message, to resume."
_UNANSWERED = "Queue paused: the last question has no answer. Retry or delete it, or send a message, to resume."
_HELD = "Queue paused. Send a message to resume."


class Shown(Protocol):
    """What the controller needs of a view."""

    def show(self, state: PanelState) -> None:
        """Draw a state."""
        ...

    def surface(self, turn_id: str) -> Surface:
        """Where to draw the answer of a turn."""
        ...


class PanelController:
    """Connects a chat to a view: a `PanelActions` for the one, a `ChatListener` for the other.

    Args:
        chat: The conversation.
        suggestions: What an empty panel offers to send.
        context: The variables to tell the model about.
        namespace: The notebook's variables.
        hooks: Code of the notebook; what it raises is shown in the panel and never loses an answer.
    """

    def __init__(
        self,
        chat: Chat,
        *,
        suggestions: Sequence[str] = (),
        context: Sequence[str] = (),
        namespace: Mapping[str, Any],
        hooks: Hooks,
    ) -> None:
        self.chat = chat
        self._suggestions, self._context = tuple(suggestions), tuple(context)
        self._namespace = namespace
        self._hooks = hooks
        self._sending = False
        self._deleted = False
        self._view: Shown | None = None
        self._leave: Callable[[], None] = lambda: None
        self._turns = ShownTurns()
        self._queue = MessageQueue()
        self._models: tuple[str, ...] | None = None
        self._notices: dict[str, str] = {}
        # One for the state here, never held while others are called; one to show states in order.
        self._lock, self._showing = threading.Lock(), threading.RLock()

    def attach(self, view: Shown) -> None:
        """Show everything on this view, from now on."""
        self._view = view
        self._leave = self.chat.listen(self)
        self.refresh()
        if (running := self.chat.running) is not None:
            running.surfaces.join(view.surface(running.id))

    def detach(self) -> None:
        """Show nothing any more; a running stream continues."""
        self._leave()
        self._view = None

    def refresh(self) -> None:
        """Show the current state. If that fails, what has been done still stands."""
        if (view := self._view) is not None:
            try:
                with self._showing:
                    view.show(self._state())
            except Exception:  # noqa: BLE001  whatever the state holds
                _log.exception("nbstream could not draw a chat panel")

    def look_at_variables(self) -> None:
        """Show what the next message will tell of the variables, which may have changed."""
        if self._context:
            self.refresh()

    def tell(self, about: str, words: str) -> None:
        """Show a notice until it is dismissed, or there is another one about the same; no words take it away."""
        words = encodable(words)
        with self._lock:
            if self._notices.get(about, "") == words:
                return
            self._notices.pop(about, None)
            if words:
                self._notices[about] = words
        self.refresh()

    # --- what the reader does -----------------------------------------------------------------------------------------

    def send(self, text: str, attachments: tuple[Attachment, ...] = ()) -> None:
        """Ask, or queue the message while an answer is in flight."""
        prompt = prompt_from(text, attachments)
        if not self._asked(prompt):
            with self._lock:
                self._queue.add(text, attachments)
            self._send_next()  # the answer may have ended in the meantime
        self.refresh()

    def stop(self, turn_id: str | None = None) -> None:
        """Stop the answer in flight and keep what has arrived; does nothing if it belongs to another turn."""
        running = self.chat.running
        if running is not None and turn_id in {None, running.id}:
            running.stop()

    @reader_in(Place.PANEL)
    def edit(self, turn_id: str, text: str) -> None:
        """Ask again with other words, and with the files of the question."""
        content = next((turn.content for turn in self.chat.turns if turn.id == turn_id), None)
        self.chat.edit(turn_id, edited(content, text), display=False, **self._told()).unread()

    @reader_in(Place.PANEL)
    def regenerate(self, turn_id: str) -> None:
        """Ask for another answer."""
        self.chat.regenerate(turn_id, display=False, **self._told()).unread()

    retry = regenerate

    @reader_in(Place.PANEL)
    def resume(self, turn_id: str) -> None:
        """Continue a partial answer."""
        self.chat.resume(turn_id, display=False, **self._told()).unread()

    def select(self, turn_id: str) -> None:
        """Show the branch of this sibling; not while an answer arrives, which belongs to the branch that is shown."""
        if self._busy():
            raise UsageError(STILL_ANSWERING)
        if self._blocked():
            with self._lock:
                self._queue.hold()  # looking at another version does not ask anything there
        self.chat.select(turn_id)

    def delete(self, turn_id: str) -> None:
        """Delete a turn with what follows it."""
        self._deleted = True
        self.chat.delete(turn_id)

    def undelete(self) -> None:
        """Put back what was deleted last."""
        self._deleted = False
        self.chat.undelete()

    def include(self, turn_id: str, included: bool) -> None:  # noqa: FBT001  the protocol's shape
        """Send a partial answer along with later requests, or leave it out."""
        self.chat.include(turn_id, included)

    def change_queued(self, item_id: str, text: str) -> None:
        """Give a queued message another text; without any it is taken back."""
        with self._lock:
            if text.strip():
                self._queue.change(item_id, text)
            else:
                self._queue.drop(item_id)
        self.refresh()

    def drop_queued(self, item_id: str) -> None:
        """Take a queued message back."""
        with self._lock:
            self._queue.drop(item_id)
        self.refresh()

    def send_next(self) -> None:
        """Send the message that has waited longest, although the queue is paused."""
        with self._lock:
            self._queue.release()
        self._send_next(anyway=True)
        self.refresh()

    def set(self, name: str, value: str | float | None) -> None:
        """Set the model, the system prompt or a parameter."""
        value = checked(name, value)
        if name == "system":
            self.chat.system = None if value is None else str(value)
        else:
            self.chat.configure(**{name: value})

    def trust(self) -> None:
        """Use what the file of the chat asks for."""
        self.chat.trust()

    def distrust(self) -> None:
        """Forget what the file of the chat asks for."""
        self.chat.distrust()

    def list_models(self) -> None:
        """Ask the server which models it has."""
        list_models(self.chat.options).add_done_callback(self._take_models)

    def export(self, kind: str) -> Download:
        """The conversation as a file."""
        return export(self.chat, kind)

    def dismiss(self, words: str) -> None:
        """Take a notice away."""
        with self._lock:
            self._notices = {about: each for about, each in self._notices.items() if each != words}
            self._deleted = self._deleted and bool(words)
        self.refresh()

    # --- what the chat tells ------------------------------------------------------------------------------------------

    def turn_began(self, running: RunningTurn) -> Surface | None:
        """Show the exchange, and draw its answer."""
        self._call(self._hooks.began)
        with self._lock:
            self._queue.release()
            self._deleted = False
            for outlived in ("queue", "models"):
                self._notices.pop(outlived, None)
        self.refresh()
        return None if self._view is None else self._view.surface(running.id)

    def turn_ended(self, running: RunningTurn, result: StreamResult) -> None:
        """Tell the notebook."""
        del running
        self.refresh()
        # First, because those who hear of the end may look at what is kept.
        self._call(self._hooks.changed)
        self._call(self._hooks.ended, result)
        self._send_next()

    def turns_changed(self) -> None:
        """Show what there is now, and send what waits."""
        self.refresh()
        if not self._busy():
            self._call(self._hooks.changed)
            self._send_next()

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _busy(self) -> bool:
        return self.chat.running is not None

    def _blocked(self) -> bool:
        """Whether the last answer is one that later messages may make no sense after."""
        match self.chat.turns:
            case [*_, last]:
                return last.state is StreamState.CANCELLED or not (last.state is StreamState.COMPLETED or last.included)
        return False

    @reader_in(Place.PANEL)
    def _asked(self, prompt: str | list[dict[str, Any]]) -> bool:
        """Ask now, unless an answer is in flight."""
        if self._busy():
            return False
        try:
            self.chat.start(prompt, display=False, **self._told()).unread()
        except UsageError:
            if self._busy():  # somebody else was faster
                return False
            raise
        return True

    def _send_next(self, *, anyway: bool = False) -> None:
        """Send the message that has waited longest, if it may be sent now; one at a time, or they might overtake.

        Args:
            anyway: Send one whatever the last answer is.
        """
        while not self._busy() and (anyway or not self._blocked()):
            anyway = False
            with self._lock:
                item = None if self._sending else self._queue.take()
                if item is None:
                    return
                self._sending = True
            try:
                self._send_queued(item)
            finally:
                self._sending = False

    def _send_queued(self, item: QueueItem) -> None:
        """Send a message that has waited; if that cannot be, it waits again."""
        words = ""
        try:
            if self._asked(prompt_from(item.text, item.attachments)):
                self.refresh()
                return
        except Exception as error:  # noqa: BLE001  a message is never lost
            words = f"A queued message could not be sent: {words_of(error, Place.PANEL)}"
        with self._lock:
            self._queue.put_back(item)
            if words:
                self._queue.hold()
        self.tell("queue", words)

    def _told(self) -> dict[str, Any]:
        """What goes along with a request besides the conversation."""
        if not self._context:
            return {}
        return {"system": with_context(system_of(self.chat), summaries(self._context, self._namespace))}

    def _take_models(self, answer: Future[tuple[str, ...]]) -> None:
        """Show the models, or why there are none; on the engine's loop, so the rest runs elsewhere."""
        threading.Thread(target=self._show_models, args=(answer,), name="nbstream-panel", daemon=True).start()

    def _show_models(self, answer: Future[tuple[str, ...]]) -> None:
        try:
            self._models, words = answer.result(), ""
        except Exception as error:  # noqa: BLE001  nobody else would tell
            self._models, words = (), f"The models could not be listed: {words_of(error, Place.PANEL)}"
        self.tell("models", words)
        self.refresh()

    def _call(self, hooks: Sequence[tuple[str, Callable[..., object]]], *what: Any) -> None:
        """Call the notebook's code; what it raises is shown in the panel and never loses the answer."""
        for name, hook in hooks:
            try:
                hook(*what)
            except (Exception, SystemExit) as error:  # noqa: BLE001  whatever the notebook's code raises
                _log.info("%s of a chat panel failed", name, exc_info=True)
                words = " ".join(str(error).split())[:300]
                self.tell(name, f"{name} failed: {type(error).__name__}{words and f': {words}'}")

    def _state(self) -> PanelState:
        turns, running = self._turns.of(self.chat)
        with self._lock:
            queue, models, held = self._queue.items, self._models, self._queue.held
            notices = tuple(dict.fromkeys(self._notices.values()))
        blocked = self._blocked() and (_BLOCKED if self.chat.turns[-1].text else _UNANSWERED)
        why_paused = "" if not queue or running is not None else blocked or (_HELD if held else "")
        return PanelState(
            turns=turns,
            queue=queue,
            running=running,
            model=model_of(self.chat),
            models=models,
            system=self.chat.system or "",
            parameters=parameters_of(self.chat),
            totals=totals_of(self.chat),
            paused=why_paused,
            hint=hint_of(turns) if running is None else "",
            notices=notices,
            deleted=self._deleted and self.chat.can_undelete,
            untrusted=untrusted_of(self.chat),
            suggestions=self._suggestions,
            context=summaries(self._context, self._namespace),
            exports=EXPORTS,
        )
