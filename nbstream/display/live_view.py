"""The live view of one stream: a widget that hands the messages of an `AnswerFeed` to the page.

From the page come `hello` and `gone`, with the `view` that has come or left; `resync`, when a message is missing;
`stop`; `answer` to a question, and `revoke` with a `tool`, see `answer_feed.py`. A `gone` with `rerun` comes from a
cell that is to run again, or that has cleared its output. `hello` and `resync` are answered by a snapshot.
"""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from nbstream.display.answer_feed import AnswerFeed
from nbstream.display.deltas import difference, utf16_length
from nbstream.display.marks import footer_of
from nbstream.display.page import packed_code, take_messages_at_once, view_bundle
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.markdown import Images
    from nbstream.result import StreamResult
    from nbstream.tools.approval import Allowance, Question

__all__ = ["LiveView"]

_STATIC = pathlib.Path(__file__).parent / "static"


_PATIENCE_SECONDS = 1.0


class LiveView(anywidget.AnyWidget):
    """One stream's view.

    Args:
        model: The model that is asked, for the waiting line.
        stop: Called when the reader presses Stop; from any thread, any number of times.
        images: Whether images from other servers are links or loaded.
        place: Where the answer is read.
        no_notebook: Whether the page shows the outputs of a notebook that nobody will save.
        facts: What to say below an answer that has ended.
        bring_into_view: Whether a page brings an answer that begins low into view, once.
        now: Monotonic time, to tell a late view how much time has passed and how much of a pause is left.
    """

    _esm = packed_code(_STATIC / "live_view.js", _STATIC / "live_view.css")
    label = traitlets.Unicode().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    no_notebook = traitlets.Bool(default_value=False).tag(sync=True)
    bring_into_view = traitlets.Bool(default_value=False).tag(sync=True)
    _kept: ClassVar[deque[LiveView]] = deque(maxlen=20)

    def __init__(
        self,
        model: str,
        stop: Callable[[], None],
        *,
        images: Images = "link",
        place: Place = Place.CELL,
        no_notebook: bool = False,
        facts: Callable[[StreamResult], list[str]] = footer_of,
        bring_into_view: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = stop
        self._feed = AnswerFeed(self._tell, images=images, place=place, facts=facts, now=now)
        self._views: dict[str, None] = {}  # in the order of their first greetings
        self._departed: set[str] = set()
        self._ever_seen = False
        self._now = now
        self._patience = _PATIENCE_SECONDS
        self._again_at = now() + self._patience
        self._saved = ("", "")  # what is in the saved notebook, and by which view
        self.waited_for = False  # whether the cell waits for the end of the stream, and does nothing else
        self._lock = threading.RLock()
        key = secrets.token_hex(16)  # the page finds the widget by it, and what it has of the widget
        super().__init__(model_id=key, label=model, key=key, no_notebook=no_notebook, bring_into_view=bring_into_view)
        take_messages_at_once(self.comm)
        self.on_msg(self._on_page_message)

    @property
    def on_screen(self) -> bool:
        """Whether some page has reported that it shows this view."""
        return self._ever_seen

    def mime_bundle(self) -> dict[str, Any]:
        """The output data that makes a front end show this view."""
        return view_bundle(self.model_id)

    def draw(self, snapshot: StreamResult) -> None:
        """Send the patches for what is new in the snapshot.

        A page that got ready too late for some of them asks for all, unless its messages wait behind the cell, as with
        ipykernel 6. So all is sent now and then, more and more rarely, until a page is heard.
        """
        self._feed.draw(snapshot)
        if not self._ever_seen and self._now() >= self._again_at:
            self._patience *= 2
            self._again_at = self._now() + self._patience
            self._feed.send_snapshot(unasked=True)

    def end(self, result: StreamResult, *, raised: bool = False) -> None:
        """Tell the views that the stream has ended, and how; `raised`: whether its error is shown below."""
        self._feed.end(result, raised=raised)

    def ask(self, question: Question) -> None:
        """Show whether a call may run, until that is withdrawn."""
        self._feed.ask(question)

    def withdraw(self, question: Question) -> None:
        """Show a question no longer."""
        self._feed.withdraw(question)

    def allowed(self, allowance: Allowance) -> None:
        """Show that calls of a tool run without a question."""
        self._feed.allow(allowance)

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
                self._feed.send_snapshot()
            case {"type": "answer", "call": str()}:
                self._feed.answer(content)
            case {"type": "revoke", "tool": str(tool)}:
                self._feed.revoke(tool)
            case {"type": "resync"}:
                self._saved = ("", "")
                self._feed.send_snapshot()
            case {"type": "gone", "view": str(view), **others}:
                if others.get("rerun") and self.waited_for:  # such a cell clears nothing itself
                    self._stop()
                with self._lock:
                    self._departed.add(view)
                    self._views.pop(view, None)
                    # What was allowed can be revoked below the static answer.
                    if self._feed.ended and not self._views and not self._feed.allowances:
                        self.close()
                        with contextlib.suppress(ValueError):
                            self._kept.remove(self)
            case _:
                pass  # a page of another version
