"""A widget that pages show while something arrives: which of them do, what they are sent, and when it is closed.

From the page come `hello` and `gone`, with the `view` that has come or left; `resync`, when a message is missing; and
`stop`. A `gone` with `rerun` comes from a cell that is to run again, or that has cleared its output. `hello` and
`resync` are answered by a snapshot. `deleted` comes from a page whose notebook has lost the cell; `missing` then asks
all pages, and one that has it says `here`. It knows nothing of what is shown.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from nbstream.display.deltas import difference, utf16_length
from nbstream.display.missing_cell import MissingCell
from nbstream.display.page import take_messages_at_once, view_bundle
from nbstream.display.rerun import running_cell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ViewWidget"]

_PATIENCE_SECONDS = 1.0


class ViewWidget(anywidget.AnyWidget):
    """What every such widget has. What it shows is stopped if the cell that runs now is deleted.

    Args:
        label: What is waited for, in a word.
        stop: Called when the reader presses Stop; from any thread, any number of times.
        no_notebook: Whether the page shows the outputs of a notebook that nobody will save.
        bring_into_view: Whether a page brings what begins low into view, once.
        now: Monotonic time.
        **state: The values of a subclass's traits: a page may draw the widget as soon as it hears of it, so all of them
            are in the message that opens it.
    """

    label = traitlets.Unicode().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    no_notebook = traitlets.Bool(default_value=False).tag(sync=True)
    bring_into_view = traitlets.Bool(default_value=False).tag(sync=True)
    cell = traitlets.Unicode().tag(sync=True)
    _kept: ClassVar[deque[ViewWidget]] = deque(maxlen=20)

    def __init__(
        self,
        label: str,
        stop: Callable[[], None],
        *,
        no_notebook: bool = False,
        bring_into_view: bool = False,
        now: Callable[[], float] = time.monotonic,
        **state: Any,
    ) -> None:
        self._stop = stop
        self._views: dict[str, None] = {}  # in the order of their first greetings
        self._departed: set[str] = set()
        self._ever_seen = False
        self._now = now
        self._patience = _PATIENCE_SECONDS
        self._again_at = now() + self._patience
        self._missing = MissingCell(lambda: self._tell({"type": "missing"}), stop)
        self._saved = ("", "")  # what is in the saved notebook, and by which view
        self.waited_for = False  # whether the cell waits for the end of it, and does nothing else
        self._lock = threading.RLock()
        key = secrets.token_hex(16)  # the page finds the widget by it, and what it has of the widget
        options = {"no_notebook": no_notebook, "bring_into_view": bring_into_view, "cell": running_cell()}
        super().__init__(model_id=key, label=label, key=key, **options, **state)
        take_messages_at_once(self.comm)
        self.on_msg(self._on_page_message)

    @property
    def on_screen(self) -> bool:
        """Whether some page has reported that it shows this view."""
        return self._ever_seen

    def mime_bundle(self) -> dict[str, Any]:
        """The output data that makes a front end show this view."""
        return view_bundle(self.model_id)

    def keep(self, markdown: str) -> None:
        """Let a page put Markdown into the saved notebook, where it can, without drawing it.

        Only one, because pages may share the notebook, and what two of them replace at once would be there twice.
        """
        with self._lock:
            view = next(reversed(self._views), None)
            if view is None:
                return
            before, by = self._saved
            before = before if by == view else ""
            kept, added = difference(before, markdown)
            self._saved = markdown, view
        change = {"before": utf16_length(before), "kept": kept, "markdown": added}
        self._tell({"type": "keep", "view": view, "id": self.model_id, **change})

    def close_unless_seen(self) -> None:
        """Close the widget, unless some view of it may be on a page, or will be on one that is opened later.

        A view that was replaced by the static answer says goodbye, and the last goodbye closes the widget. A view on a
        page that was reloaded mid-stream is not replaced, because Jupyter no longer routes updates to it. It must keep
        the finished answer, so its widget stays. A page that was closed says no goodbye either, so only the latest few
        stay.
        """
        with self._lock:
            if not self._views and not self.no_notebook:
                self.close()
                return
        if len(self._kept) == self._kept.maxlen:
            self._kept[0].close()
        self._kept.append(self)

    # --- what a subclass says -----------------------------------------------------------------------------------------

    def _over(self) -> bool:
        """Whether nothing more is drawn or can be done in a view."""
        raise NotImplementedError

    def _send_all(self, *, unasked: bool = False) -> None:
        """Send a snapshot of everything; `unasked`: although no page has asked, or none has been heard."""
        raise NotImplementedError

    def _hear(self, content: Any) -> None:
        """Take what else a page says; a page of another version may say anything."""

    # ------------------------------------------------------------------------------------------------------------------

    def _send_all_if_unheard(self) -> None:
        """Send all now and then, more and more rarely, until a page is heard.

        A page that got ready too late for some messages asks for all, unless its own wait behind the cell, as with
        ipykernel 6.
        """
        if not self._ever_seen and self._now() >= self._again_at:
            self._patience *= 2
            self._again_at = self._now() + self._patience
            self._send_all(unasked=True)

    def _tell(self, message: dict[str, Any]) -> None:
        self.send(message)

    def _on_page_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        match content:
            case {"type": "stop"}:
                self._stop()
                self._tell({"type": "stopping"})
            case {"type": "hello", "view": str(view)}:
                # A view greets until it is answered, and a busy kernel may find an old greeting after the goodbye.
                with self._lock:
                    if view in self._departed:
                        return
                    self._views[view] = None
                    self._ever_seen = True
                self._send_all()
            case {"type": "deleted"}:
                self._missing.report()
            case {"type": "here"}:
                self._missing.found()
            case {"type": "resync"}:
                self._saved = ("", "")
                self._send_all()
            case {"type": "gone", "view": str(view), **others}:
                if others.get("rerun") and self.waited_for:  # such a cell clears nothing itself
                    self._stop()
                self._forget(view)
            case _:
                self._hear(content)

    def _forget(self, view: str) -> None:
        with self._lock:
            self._departed.add(view)
            self._views.pop(view, None)
            if self._over() and not self._views:
                self.close()
                with contextlib.suppress(ValueError):
                    self._kept.remove(self)
