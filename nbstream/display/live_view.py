"""The live view of one stream: a widget that receives small ordered messages and appends to the page.

The answer is rendered here, in the kernel; the page only places sanitised HTML. It must not know transport, sessions or
display ids.

The protocol, all by custom messages. To the page, each with the next `number`:

    patch      blocks: a list of [block, depth, commit, keep, tail], where the tail is its first `keep` UTF-16 units
               before and then `tail`; see `nbstream.markdown.Patch` for the rest. `state` only while it is pending.
    reasoning  keep, text: the reasoning is its first `keep` UTF-16 units before and then `text`, which is no HTML.
               seconds: how long the model has thought; over: whether that is final.
    retry      retry: the pause that begins, {reason, left, attempt, attempts}, or null when it is over.
    end        state; mark: {word, sentence} or null; facts: the parts of the footer.
    snapshot   everything, under the number of the message before it: blocks (the HTML of each), reasoning {text,
               seconds, over} or null, state, mark, facts, retry, elapsed (seconds since the stream began).

From the page: `hello` and `gone`, with the `view` that has come or left; `resync`, when a number is missing; `stop`. A
page that misses a message asks for the whole, once; `hello` and `resync` are answered by a snapshot.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from nbstream.display.deltas import BlockDeltas, TextDeltas
from nbstream.display.marks import footer_of, mark_of
from nbstream.markdown import IncrementalRenderer, Patch
from nbstream.result import StreamState

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.markdown import Images
    from nbstream.result import Retry, StreamResult

__all__ = ["LiveView"]

_STATIC = pathlib.Path(__file__).parent / "static"
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)


def _page_code(*names: str) -> str:
    """The files as one text, without what is for their readers only, for it travels with each stream."""
    text = "\n".join((_STATIC / name).read_text("utf-8") for name in names)
    return "\n".join(line.strip() for line in _COMMENT.sub("", text).split("\n") if line.strip())


class LiveView(anywidget.AnyWidget):
    """One stream's view.

    Args:
        model: The model that is asked, for the waiting line.
        stop: Called when the reader presses Stop; from any thread, as often as one likes.
        images: Whether images of other servers are links or loaded.
        now: Monotonic time, for what has passed and what is left of a pause when a view joins late.
    """

    # One module of several files, for anywidget takes one and there is no bundler.
    _esm = _page_code("elements.js", "live_document.js", "live_view.js")
    _css = _page_code("live_view.css")
    label = traitlets.Unicode().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    _kept: ClassVar[deque[LiveView]] = deque(maxlen=20)

    def __init__(
        self,
        model: str,
        stop: Callable[[], None],
        *,
        images: Images = "link",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = stop
        self._now = now
        self._images = images
        self._renderer = IncrementalRenderer(images=images)
        self._rendered = ""
        self._blocks = BlockDeltas()
        self._reasoning = TextDeltas()
        self._thinking_since: float | None = None
        self._thought_for: float | None = None
        self._number = 0
        self._started_at = now()
        self._state = StreamState.PENDING
        self._mark: dict[str, str] | None = None
        self._facts: list[str] = []
        self._retry: Retry | None = None
        self._retry_at = 0.0
        self._views: set[str] = set()
        self._departed: set[str] = set()
        self._ever_seen = False
        # Frames come from a worker thread, messages of the page from the kernel's.
        self._lock = threading.RLock()
        super().__init__(label=model, key=secrets.token_hex(8))
        _take_messages_at_once(self.comm)
        self.on_msg(self._on_page_message)

    @property
    def on_screen(self) -> bool:
        """Whether some page has reported that it shows this view."""
        return self._ever_seen

    def mime_bundle(self) -> dict[str, Any]:
        """The output data that makes a front end show this view."""
        return {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            }
        }

    def draw(self, snapshot: StreamResult) -> None:
        """Send the patches for what is new in the snapshot."""
        with self._lock:
            patches = self._restart(snapshot.body)
            if new := snapshot.body[len(self._rendered) :]:
                patches = (*patches, *self._renderer.append(new))
            self._rendered = snapshot.body
            if snapshot.state.terminal:
                patches = (*patches, *self._renderer.finish())
            self._state = snapshot.state
            self._show_retry(None if snapshot.state.terminal else snapshot.retry)
            self._show_reasoning(snapshot)
            if changes := self._blocks.take(patches):
                # Text is the sign that the answer has begun, unless it is that of an answer that is gone on with.
                waiting = {"state": str(self._state)} if self._state is StreamState.PENDING else {}
                self._send_next({"type": "patch", "blocks": changes, **waiting})

    def end(self, result: StreamResult) -> None:
        """Tell the views that the stream has ended, and how."""
        with self._lock:
            mark = mark_of(result)
            self._mark = mark and {"word": mark.word, "sentence": mark.sentence}
            self._facts = footer_of(result)
            self._state = result.state
            self._retry = None
            self._send_next({"type": "end", "state": str(self._state), "mark": self._mark, "facts": self._facts})

    def close_unless_seen(self) -> None:
        """Close the widget, unless some view of it may still be on a page.

        A view that was replaced by the static answer says goodbye, and the last goodbye closes the widget. A view on a
        page that was reloaded in mid stream is not replaced, for Jupyter no longer routes updates to it; it must keep
        the finished answer, so its widget stays. A page that was closed says no goodbye either, so only the latest few
        stay.
        """
        with self._lock:
            if not self._views:
                self.close()
                return
        if len(self._kept) == self._kept.maxlen:
            self._kept[0].close()
        self._kept.append(self)

    def _restart(self, body: str) -> tuple[Patch, ...]:
        """Begin anew if what was shown is no beginning of `body`: an answer after a refusal."""
        if body.startswith(self._rendered):
            return ()
        shown = len(self._renderer.snapshot())
        self._renderer, self._rendered = IncrementalRenderer(images=self._images), ""
        return tuple(Patch(block, 0, "", "", settled=False) for block in range(shown))

    def _show_reasoning(self, snapshot: StreamResult) -> None:
        """Send what is new of the reasoning, and that it is over: when the answer or the end has come."""
        thinking = self._thinking_since is not None and self._thought_for is None
        if not snapshot.reasoning and not thinking:
            return
        if self._thinking_since is None:
            self._thinking_since = self._now()
        over = self._thought_for is None and (bool(snapshot.body) or snapshot.state.terminal)
        if over:
            self._thought_for = self._now() - self._thinking_since
        grown = snapshot.reasoning != self._reasoning.text
        if grown or over:
            keep, text = self._reasoning.take(snapshot.reasoning)
            self._send_next({"type": "reasoning", "keep": keep, "text": text, **self._thinking_time()})

    def _thinking_time(self) -> dict[str, Any]:
        if self._thought_for is not None:
            return {"seconds": self._thought_for, "over": True}
        return {"seconds": self._now() - (self._thinking_since or 0.0), "over": False}

    def _show_retry(self, retry: Retry | None) -> None:
        """Tell the views of a pause, or that it is over; they count down by themselves."""
        if retry != self._retry:
            self._retry, self._retry_at = retry, self._now() + (0.0 if retry is None else retry.delay)
            self._send_next({"type": "retry", "retry": self._retry_facts()})

    def _retry_facts(self) -> dict[str, Any] | None:
        """The pause as it is now; the page knows no clock of ours, so what is left is a duration."""
        if self._retry is None:
            return None
        return {
            "reason": self._retry.reason,
            "left": max(0.0, self._retry_at - self._now()),
            "attempt": self._retry.attempt,
            "attempts": self._retry.attempts,
        }

    def _on_page_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        match content:
            case {"type": "stop"}:
                self._stop()
            case {"type": "hello", "view": str(view)}:
                # A view greets until it is answered, and a busy kernel may find an old greeting after the goodbye.
                with self._lock:
                    if view in self._departed:
                        return
                    self._views.add(view)
                    self._ever_seen = True
                    self._send_snapshot()
            case {"type": "resync"}:
                with self._lock:
                    self._send_snapshot()
            case {"type": "gone", "view": str(view)}:
                with self._lock:
                    self._departed.add(view)
                    self._views.discard(view)
                    if self._state.terminal and not self._views:
                        self.close()
                        with contextlib.suppress(ValueError):
                            self._kept.remove(self)
            case _:
                pass  # a page of another version

    def _send_next(self, message: dict[str, Any]) -> None:
        self._number += 1
        self.send({**message, "number": self._number})

    def _send_snapshot(self) -> None:
        self._blocks.forget()
        reasoning = {"text": self._reasoning.text, **self._thinking_time()} if self._reasoning.text else None
        self.send(
            {
                "type": "snapshot",
                "number": self._number,
                "blocks": self._renderer.snapshot(),
                "reasoning": reasoning,
                "state": str(self._state),
                "mark": self._mark,
                "facts": self._facts,
                "retry": self._retry_facts(),
                "elapsed": self._now() - self._started_at,
            }
        )


def _take_messages_at_once(comm: Any) -> None:
    """Let the page's messages reach a kernel that is busy with a cell, so that Stop works.

    Front ends send widget messages to a subshell of the kernel, whose thread is free. Since 7.4, ipykernel redirects
    them to whichever shell the widget was last drawn from, which for a blocking cell is the busy one. The redirection
    helps code that awaits an answer there; this view awaits none and is safe on any thread.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, asked: asked  # noqa: SLF001  there is no public way
