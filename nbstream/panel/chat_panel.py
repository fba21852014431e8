"""`ChatPanel`: a chat as a widget in the notebook. Thin: it connects a chat, a controller and the saved output."""

from __future__ import annotations

import datetime as dt
import pathlib
import threading
from typing import TYPE_CHECKING, Any

import traitlets
from ipywidgets import HTML

from nbstream.conversation.chat import Chat
from nbstream.display.choose import shows_widgets
from nbstream.display.host import Host, host_here
from nbstream.display.page import view_bundle
from nbstream.errors import UsageError
from nbstream.panel.arriving import Arriving
from nbstream.panel.bound_name import BoundName, checked_name
from nbstream.panel.controller import PanelController
from nbstream.panel.displayed import DisplayedWidgets
from nbstream.panel.hooks import Hooks
from nbstream.panel.notebook_file import newest_chat, running_notebook
from nbstream.panel.output import PanelOutputs, contains
from nbstream.panel.transcript import Transcript
from nbstream.panel.view.panel_view import PanelView
from nbstream.result import StreamResult, StreamState, Usage
from nbstream.settings.config import settings
from nbstream.settings.resolution import refuse_slips
from nbstream.settings.shell import running_shell
from nbstream.streaming.engine import engine
from nbstream.text.plain import portable_json
from nbstream.text.secret import takes_key

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    from IPython.core.interactiveshell import ExecutionResult
    from ipywidgets import Layout

    from nbstream.conversation.chat_running import RunningTurn
    from nbstream.panel.transcript import Kept

__all__ = ["ChatPanel"]

# What a panel is made with besides its chat, by name.
_OF_THE_PANEL = ("suggestions", "context", "bind")
_NEVER_KEPT = ("namespace", "on_result", "layout")


class ChatPanel(PanelView):
    """A conversation in the notebook: streaming turns, a composer, a queue, branches, export. It never blocks a cell.

    It is an ipywidget: show it as the last line of a cell, by itself or in a `VBox` or `Tab`. The cell's outputs then
    also keep the conversation in the notebook, for readers without a kernel and for `restore`.

    Args:
        chat: The conversation to show, or the name of one as `%%stream --chat NAME` has it; by default a new one.
        suggestions: Messages that an empty panel offers to send.
        context: Names of notebook variables that the model is told about with each message: type, shape, columns and
            the first rows, in a summary that the panel shows and that is never long.
        bind: Name of a notebook variable to keep the text of the last completed turn in. It is unset when a turn
            begins, and stays so if the turn fails or is stopped.
        namespace: Where those variables are; by default the notebook's. Elsewhere, as in marimo, `globals()`.
        on_result: Called with the `StreamResult` when a turn has ended, however it ended.
        layout: As for any widget, such as `{"width": "400px"}`.
        **chat_options: As for `Chat`, for a new conversation.

    Attributes:
        result: The `StreamResult` of the turn that ended last. It can be observed, and so can the other two.
        text: The text of the last completed turn, whatever has become of it in the chat since.
        usage: Its token usage.

    Raises:
        UsageError: An argument is invalid.

    Example:
        ```python
        panel = nbs.ChatPanel(model="gpt-5-mini", suggestions=["What is in df?"], context=["df"], bind="answer")
        panel
        ```
    """

    result = traitlets.Instance(StreamResult, allow_none=True, read_only=True)
    text = traitlets.Unicode(read_only=True)
    usage = traitlets.Instance(Usage, allow_none=True, read_only=True)

    @takes_key
    def __init__(
        self,
        chat: Chat | str | None = None,
        *,
        suggestions: Sequence[str] = (),
        context: Sequence[str] = (),
        bind: str | None = None,
        namespace: MutableMapping[str, Any] | None = None,
        on_result: Callable[[StreamResult], object] | None = None,
        layout: Layout | dict[str, Any] | None = None,
        **chat_options: Any,
    ) -> None:
        refuse_slips(chat_options, (*_OF_THE_PANEL, *_NEVER_KEPT))
        shell = running_shell()
        names = [checked_name(name) for name in ([context] if isinstance(context, str) else context)]
        variables = shell.user_ns if namespace is None and shell is not None else namespace
        if names and variables is None:
            raise UsageError("context=… needs a notebook, whose variables it names, or namespace=globals()")
        self._placeholder: HTML | None = None
        self.on_result = on_result
        self._chat = _chat(chat, chat_options)
        self._bound = BoundName(bind, shell, namespace)
        self._outputs = PanelOutputs()
        self._saving = threading.Lock()  # an older conversation must not replace a newer one
        self._leave = self._chat.listen(Arriving(self._save_arriving))
        self._controller = PanelController(
            self._chat,
            suggestions=[suggestions] if isinstance(suggestions, str) else suggestions,
            context=names,
            namespace={} if variables is None else variables,
            hooks=Hooks(
                began=[("bind", self._bound.begin)],
                ended=[
                    ("bind", self._end_bound),
                    ("An observer of text", lambda result: self._keep("text", result)),
                    ("An observer of usage", lambda result: self._keep("usage", result)),
                    ("An observer of result", lambda result: self.set_trait("result", result)),
                    ("on_result", lambda result: self.on_result and self.on_result(result)),
                ],
                changed=[("Keeping the conversation in the notebook", self._save)],
            ),
        )
        images = self._chat.options.get("images", "link")
        super().__init__(self._controller, images=images, **({} if layout is None else {"layout": layout}))
        self._take_up()
        self._transcript = Transcript(self.key, divided=self.comm is not None)
        self._controller.attach(self)
        made_with = {"suggestions": suggestions, "context": names, "bind": bind}
        self._made_with = {name: portable_json(value) for name, value in made_with.items() if value}
        self._shell = shell
        self._displayed = None if shell is None else DisplayedWidgets.of(shell)
        if shell is not None:
            shell.events.register("post_run_cell", self._after_cell)

    @classmethod
    @takes_key
    def restore(
        cls, path: str | pathlib.Path | None = None, *, name: str | None = None, trust: bool = False, **options: Any
    ) -> ChatPanel:
        """A panel with the conversation that a notebook has kept, as after a restart of the kernel.

        The notebook must have been saved since the last turn.

        Args:
            path: The notebook's file; by default that of the notebook that runs.
            name: Only a chat of this name; by default the one that was saved last.
            trust: Whether to use all that the chat asks for, the address of its server included. Otherwise the panel
                shows that, with a button to agree, and questions go where your settings say.
            **options: As for `ChatPanel`; what is an option of a chat is set on the restored one.

        Raises:
            UsageError: It is not known which file the notebook is, or it holds no chat.

        Example:
            ```python
            panel = nbs.ChatPanel.restore()
            panel
            ```
        """
        shell = running_shell()
        file = running_notebook({} if shell is None else shell.user_ns) if path is None else pathlib.Path(path)
        document, before = newest_chat(file, name)
        chat = Chat.from_dict(document, trust=trust)
        own = {key: options.pop(key) for key in (*_OF_THE_PANEL, *_NEVER_KEPT) if key in options}
        panel = cls(_with(chat, options), **own)
        # A file must not decide which variables are sent or set, so these are named instead of used.
        if lost := [f"{key}={before[key]!r}" for key in _OF_THE_PANEL if before.get(key) and key not in own]:
            words = f"Not restored: {', '.join(lost)}. To use them, pass them to ChatPanel.restore()."
            panel._controller.tell("restore", words[:500])
        return panel

    @property
    def chat(self) -> Chat:
        """The conversation."""
        return self._chat

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation as OpenAI messages."""
        return self._chat.messages

    def send(self, text: str) -> None:
        """Ask, as if it had been written in the composer: at once, or when the answer in flight is complete.

        Args:
            text: The message.

        Raises:
            UsageError: There is nothing to send, or no model to ask.

        Example:
            ```python
            panel.send("And in one sentence?")
            ```
        """
        self._controller.send(text)

    def stop(self) -> None:
        """Stop the answer in flight and keep what has arrived; does nothing if there is none."""
        self._controller.stop()

    def open(self) -> None:
        """Make the widget known to the front end, if a person can be watching; it would end up in the file otherwise.

        ipywidgets calls this when the widget is made.
        """
        if shows_widgets(self._chat.options.get("surface") or settings().surface):
            engine().prepare()  # the first message may be sent while a cell keeps Python busy
            super().open()

    @property
    def model_id(self) -> str:
        """What a container calls the panel; without a view, that of a widget that shows nothing.

        The conversation is then in the outputs below the container, and nowhere else.
        """
        if self.comm is not None:
            known: str = self.comm.comm_id
            return known
        if self._placeholder is None:
            self._placeholder = HTML()
        placeholder: str = self._placeholder.model_id
        return placeholder

    def close(self) -> None:
        """Take the panel off the page. Its chat stays, and a running stream continues. Queued messages are not sent."""
        if (controller := getattr(self, "_controller", None)) is not None:  # none if an argument was refused
            controller.detach()
            self._leave()
        if (shell := getattr(self, "_shell", None)) is not None:
            self._shell = None
            shell.events.unregister("post_run_cell", self._after_cell)
        if (placeholder := getattr(self, "_placeholder", None)) is not None:
            self._placeholder = None
            placeholder.close()
        super().close()

    def __repr__(self) -> str:
        # A traceback shows panels that were refused while they were made.
        return f"<ChatPanel of {getattr(self, '_chat', None)!r}>"

    def _ipython_display_(self) -> None:
        self._display(None if self.comm is None else view_bundle(self.model_id))

    def _display(self, view: dict[str, Any] | None = None) -> None:
        """Make the outputs that keep the conversation, in the cell that runs, and the one that shows the view."""
        kept = host_here() is not Host.LATE_PAGE  # else nobody saves the notebook
        if view is not None:  # whoever sees no widgets reads the conversation, if it is there
            view = {**view, "text/plain": "" if kept else repr(self)}
        with self._saving:
            self._outputs.display(self._kept() if kept else None, view)

    def _after_cell(self, cell: ExecutionResult | None) -> None:
        """Show the variables as the cell left them; keep the conversation where the cell shows it in another widget."""
        self._controller.look_at_variables()
        displayed = [] if self._displayed is None else self._displayed.widgets
        value = None if cell is None else cell.result  # none for a cell that an interrupt has cancelled
        if any(contains(each, self) for each in (value, *displayed)):
            self._display()

    def _take_up(self) -> None:
        """Begin with the answers that the conversation has."""
        answers = [turn for turn in self._chat.turns if turn.role == "assistant"]
        complete = [turn for turn in answers if turn.state is StreamState.COMPLETED]
        for turn in complete[-1:]:
            self.set_trait("text", turn.text)
            self.set_trait("usage", turn.result.usage)
        for turn in answers[-1:]:
            self.set_trait("result", turn.result)

    def _end_bound(self, result: StreamResult) -> None:
        """Set the variable, unless another question has been asked already, as in another panel of the chat."""
        if self._chat.running is None:
            self._bound.end(result)

    def _keep(self, name: str, result: StreamResult) -> None:
        if result.state is StreamState.COMPLETED:
            self.set_trait(name, getattr(result, name))

    def _kept(self, chat: Chat | None = None) -> Kept:
        return self._transcript.keep(chat or self._chat, _now(), self._made_with)

    def _save(self) -> None:
        """Put the conversation into the outputs that keep it."""
        if self._outputs:
            with self._saving:
                kept = self._kept()
                self._outputs.update(kept)
            self._controller.tell("size", kept.warning)

    def _save_arriving(self, running: RunningTurn, snapshot: StreamResult) -> None:
        """Put the conversation with what has arrived into the outputs, unless the answer has ended meanwhile."""
        with self._saving:
            if self._outputs and self._chat.running is running:
                self._outputs.update(self._kept(self._chat.with_arriving(running, snapshot)))


def _chat(chat: Chat | str | None, options: dict[str, Any]) -> Chat:
    if isinstance(chat, str):
        return _with(Chat.named(chat), options)
    if chat is None:
        return Chat(**options)
    if not isinstance(chat, Chat):
        raise UsageError(f"a panel shows an nbs.Chat, not {type(chat).__name__}")
    if options:
        raise UsageError(f"{', '.join(sorted(options))}: set these on the chat, with chat.configure(…)")
    return chat


def _with(chat: Chat, options: dict[str, Any]) -> Chat:
    """Set on a chat what a new one would have been made with."""
    for name in ("system", "history", "max_turns", "max_history_tokens"):
        if name in options:
            setattr(chat, name, options.pop(name))
    chat.configure(**options)
    return chat


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()
