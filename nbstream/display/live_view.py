"""The live view of one stream: a widget that hands the messages of an `AnswerFeed` to the page.

From the page come also `answer` to a question, and `revoke` with a `tool`, see `answer_feed.py`.
"""

from __future__ import annotations

import pathlib
import time
from typing import TYPE_CHECKING, Any

from nbstream.display.answer_feed import AnswerFeed
from nbstream.display.marks import footer_of
from nbstream.display.page import packed_code
from nbstream.display.view_widget import ViewWidget
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.markdown import Images
    from nbstream.result import StreamResult
    from nbstream.tools.approval import Allowance, Question

__all__ = ["LiveView"]

_STATIC = pathlib.Path(__file__).parent / "static"


class LiveView(ViewWidget):
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
        self._feed = AnswerFeed(self._tell, images=images, place=place, facts=facts, now=now)
        super().__init__(model, stop, no_notebook=no_notebook, bring_into_view=bring_into_view, now=now)

    def refresh_by(self, touch: Callable[[], None]) -> None:
        """Take what has the same snapshot drawn again when there is more to see of it."""
        self._feed.refresh_by(touch)

    def draw(self, snapshot: StreamResult) -> None:
        """Send the patches for what is new in the snapshot."""
        self._feed.draw(snapshot)
        self._send_all_if_unheard()

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

    def _over(self) -> bool:
        # What was allowed can be revoked below the static answer.
        return self._feed.ended and not self._feed.allowances

    def _send_all(self, *, unasked: bool = False) -> None:
        self._feed.send_snapshot(unasked=unasked)

    def _hear(self, content: Any) -> None:
        match content:
            case {"type": "answer", "call": str()}:
                self._feed.answer(content)
            case {"type": "revoke", "tool": str(tool)}:
                self._feed.revoke(tool)
            case _:
                pass  # a page of another version
