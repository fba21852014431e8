"""The live table of the streams in the background: a widget that is sent all rows each time one has changed.

From the page come `hello` and `gone`, with the `view` that has come or left, and `stop`, with the key of a row or
`all`. `rows` goes to the page, with all of them, so that a message that is lost costs no more than half a second.
"""

from __future__ import annotations

import pathlib
import secrets
import threading
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from nbstream.display.page import packed_code, take_messages_at_once, view_bundle
from nbstream.many.background.jobs_table import HEADINGS, NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.many.background.jobs_table import JobRow

__all__ = ["JobsView"]

_STATIC = pathlib.Path(__file__).parent / "static"


class JobsView(anywidget.AnyWidget):
    """The table on a page.

    Args:
        stop: Ends a stream, by the key of its row, or all of them: `"all"`.
        look: Called when a page has come, to show what there is.
    """

    _esm = packed_code(_STATIC / "jobs.js", _STATIC / "jobs.css")
    key = traitlets.Unicode().tag(sync=True)
    headings = traitlets.List(traitlets.Unicode()).tag(sync=True)
    nothing = traitlets.Unicode().tag(sync=True)

    def __init__(self, stop: Callable[[str], object], look: Callable[[], object]) -> None:
        self._stop = stop
        self._look = look
        self._views: set[str] = set()
        self._lock = threading.Lock()
        self.ever_seen = False
        key = secrets.token_hex(16)
        super().__init__(model_id=key, key=key, headings=[*HEADINGS], nothing=NOTHING)
        take_messages_at_once(self.comm)
        self.on_msg(self._on_page_message)

    @property
    def on_screen(self) -> bool:
        """Whether some page shows it now."""
        return bool(self._views)

    def mime_bundle(self) -> dict[str, Any]:
        """The output data that makes a front end show it."""
        return view_bundle(self.model_id)

    def show(self, rows: Sequence[JobRow], *, over: bool) -> None:
        """Show these rows.

        Args:
            rows: All of them.
            over: Whether nothing will change any more.
        """
        self.send({"type": "rows", "rows": [row.told() for row in rows], "over": over})

    def _on_page_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        match content:
            case {"type": "hello", "view": str(view)}:
                with self._lock:
                    self._views.add(view)
                    self.ever_seen = True
                self._look()
            case {"type": "gone", "view": str(view)}:
                with self._lock:
                    self._views.discard(view)
            case {"type": "stop", "key": str(key)}:
                self._stop(key)
            case _:
                pass  # a page of another version
