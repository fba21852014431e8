"""The live view of one stream: a widget that receives small ordered patches and appends them to the page.

Its text is rendered here, in the kernel; the page only places sanitised HTML. Patches are numbered, so that a view
which joins late, reloads or misses one asks for the whole. It must not know transport, sessions or display ids.
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

from nbstream.display.marks import mark_of
from nbstream.markdown import IncrementalRenderer, Patch
from nbstream.result import StreamState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbstream.markdown import Images
    from nbstream.result import Retry, StreamResult

__all__ = ["LiveView"]

_STATIC = pathlib.Path(__file__).parent / "static"


class LiveView(anywidget.AnyWidget):
    """One stream's view.

    Args:
        model: The model that is asked, for the waiting line.
        stop: Called when the reader presses Stop; from any thread, as often as one likes.
        images: Whether images of other servers are links or loaded.
        now: Monotonic time, for what is left of a pause when a view joins late.
    """

    _esm = _STATIC / "live_view.js"
    _css = _STATIC / "live_view.css"
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
        self._tails: dict[int, tuple[int, str]] = {}
        self._number = 0
        self._state = StreamState.PENDING
        self._mark: dict[str, str] | None = None
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
        patches = self._restart(snapshot.body)
        if new := snapshot.body[len(self._rendered) :]:
            patches = (*patches, *self._renderer.append(new))
        self._rendered = snapshot.body
        if snapshot.state.terminal:
            patches = (*patches, *self._renderer.finish())
        with self._lock:
            self._state = snapshot.state
            self._show_retry(None if snapshot.state.terminal else snapshot.retry)
            changes = self._changes(patches)
            if changes:
                # Text is the sign that the answer has begun, unless it is that of an answer that is gone on with.
                waiting = {"state": str(self._state)} if self._state is StreamState.PENDING else {}
                self._send_next({"type": "patch", "blocks": changes, **waiting})

    def end(self, result: StreamResult) -> None:
        """Tell the views that the stream has ended, and how."""
        with self._lock:
            mark = mark_of(result)
            self._mark = mark and {"word": mark.word, "sentence": mark.sentence}
            self._state = result.state
            self._retry = None
            self._send_next({"type": "end", "state": str(self._state), "mark": self._mark})

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

    def _changes(self, patches: Iterable[Patch]) -> list[list[Any]]:
        """`[block, depth, commit, keep, tail]` for each patch: keep so many UTF-16 units of the tail before it."""
        changes = []
        for patch in patches:
            # The slot itself is replaced as a whole, so all that is in it can be kept.
            commit, tail = (patch.commit, patch.tail) if patch.depth else ("", patch.commit + patch.tail)
            depth, old = self._tails.get(patch.block, (0, ""))
            keep = _common_prefix(old, tail) if depth == patch.depth and not commit else 0
            if patch.settled:
                self._tails.pop(patch.block, None)
                if depth == patch.depth and old == tail:
                    continue
            else:
                self._tails[patch.block] = (patch.depth, tail)
            changes.append([patch.block, patch.depth, commit, _utf16_length(old[:keep]), tail[keep:]])
        return changes

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
        self._tails.clear()
        self.send(
            {
                "type": "snapshot",
                "number": self._number,
                "blocks": self._renderer.snapshot(),
                "state": str(self._state),
                "mark": self._mark,
                "retry": self._retry_facts(),
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


def _common_prefix(one: str, other: str) -> int:
    """How many characters two strings share at their beginning, by halving: comparing slices is done in C."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _utf16_length(text: str) -> int:
    """The length of a string as JavaScript counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
