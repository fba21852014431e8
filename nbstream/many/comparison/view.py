"""The live view of a comparison: a widget with an `AnswerFeed` for each column.

What a feed sends goes to the page as `column`, with its number, the `message`, and in `first` the seconds to the first
token once they are known. What a page says of one column comes the same way: `stop`, `answer`, `revoke`, `resync`. A
page that is hidden says `away`, and `hello` when it is seen again; while nobody sees the view, nothing is rendered.
"""

from __future__ import annotations

import pathlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets

from nbstream.display.answer_feed import AnswerFeed
from nbstream.display.marks import facts_of
from nbstream.display.page import packed_code
from nbstream.display.view_widget import ViewWidget
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbstream.markdown import Images
    from nbstream.result import StreamResult

__all__ = ["ComparisonView"]

_STATIC = pathlib.Path(__file__).parent / "static"


class ComparisonView(ViewWidget):
    """One comparison's view.

    Args:
        names: What the columns are called.
        stop: Stops all streams; from any thread, any number of times.
        stops: Stop one each.
        images: Whether images from other servers are links or loaded.
        place: Where the answers are read.
        no_notebook: Whether the page shows the outputs of a notebook that nobody will save.
        bring_into_view: Whether a page brings a comparison that begins low into view, once.
        now: Monotonic time.
    """

    _esm = packed_code(_STATIC / "comparison.js", _STATIC / "comparison.css")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self,
        names: Sequence[str],
        stop: Callable[[], None],
        stops: Sequence[Callable[[], None]],
        *,
        images: Images = "link",
        place: Place = Place.COMPARISON,
        no_notebook: bool = False,
        bring_into_view: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stops = list(stops)
        self._away: set[str] = set()
        self.columns = [
            _Column(partial(self._tell_of, number), images=images, place=place, now=now) for number in range(len(names))
        ]
        about: dict[str, Any] = {"no_notebook": no_notebook, "bring_into_view": bring_into_view, "now": now}
        super().__init__("", stop, **about, names=list(names))

    def draw(self, number: int, snapshot: StreamResult) -> None:
        """Send the patches for what is new in an answer, or only remember it while nobody sees them."""
        column = self.columns[number]
        column.latest = snapshot
        if self._watched():
            column.catch_up()
        self._send_all_if_unheard()

    def end(self, number: int, result: StreamResult) -> None:
        """Tell the views that an answer has ended, and how."""
        column = self.columns[number]
        column.latest = result
        column.catch_up()
        column.feed.end(result)

    def _watched(self) -> bool:
        """Whether somebody sees it, or may: no page has been heard yet."""
        return not self._ever_seen or any(view not in self._away for view in tuple(self._views))

    def _tell_of(self, number: int, message: dict[str, Any]) -> None:
        column = self.columns[number]
        first = column.first_to_tell(again=message["type"] == "snapshot")
        self._tell(
            {"type": "column", "column": number, "message": message, **({} if first is None else {"first": first})}
        )

    def _over(self) -> bool:
        return all(column.feed.ended and not column.feed.allowances for column in self.columns)

    def _send_all(self, *, unasked: bool = False) -> None:
        for column in self.columns:
            column.catch_up()
            column.feed.send_snapshot(unasked=unasked)

    def _hear(self, content: Any) -> None:
        match content:
            case {"type": "away", "view": str(view)}:
                self._away.add(view)
            case {"type": "back", "view": str(view)}:
                self._away.discard(view)
                self._send_all()
            case {"type": "column", "column": int(number), "message": {"type": str()} as message}:
                if 0 <= number < len(self.columns):
                    self._hear_of(number, message)
            case _:
                pass  # a page of another version

    def _hear_of(self, number: int, message: dict[str, Any]) -> None:
        feed = self.columns[number].feed
        match message:
            case {"type": "stop"}:
                self._stops[number]()
                self._tell_of(number, {"type": "stopping"})
            case {"type": "resync"}:
                self.columns[number].catch_up()
                feed.send_snapshot()
            case {"type": "answer", "call": str()}:
                feed.answer(message)
            case {"type": "revoke", "tool": str(tool)}:
                feed.revoke(tool)
            case _:
                pass


class _Column:
    """What is known of one answer, and what of it the pages have been told."""

    def __init__(self, send: Callable[[dict[str, Any]], None], **about: Any) -> None:
        self.feed = AnswerFeed(send, facts=lambda result: facts_of(result)[1 if result.model else 0 :], **about)
        self.latest: StreamResult | None = None
        self._told = False

    def catch_up(self) -> None:
        """Draw what was only remembered."""
        if self.latest is not None and not self.feed.ended:
            self.feed.draw(self.latest)

    def first_to_tell(self, *, again: bool) -> float | None:
        """The seconds to the first token, if a page may not know them."""
        first = None if self.latest is None else self.latest.timing.ttft
        if first is None or (self._told and not again):
            return None
        self._told = True
        return round(first, 4)
