"""The displays in small, for tests of what they do with a text: saved output, terminal, page of a live view.

A text is drawn growing, because that is how it arrives.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import cmarkgfm
from cmarkgfm.cmark import Options

from nbstream.display.bundle import answer_bundle
from nbstream.display.live_view import LiveView
from nbstream.display.terminal import TerminalSurface
from nbstream.result import StreamResult, StreamState
from tests.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["COMPLETED", "STOPPED", "STREAMING", "Page", "frames", "outside", "printed", "saved"]

COMPLETED, STREAMING, STOPPED = StreamState.COMPLETED, StreamState.STREAMING, StreamState.CANCELLED


def frames(text: str, parts: int | None = None, state: StreamState = COMPLETED) -> Iterator[StreamResult]:
    """The answer growing, a character a frame unless told otherwise; the last frame is final."""
    step = 1 if parts is None else max(1, len(text) // parts)
    for end in range(step, len(text), step):
        yield StreamResult(text[:end], STREAMING)
    yield StreamResult(text, state, "stop" if state is COMPLETED else None)


class Page:
    """The page's half of a live view in small: applies messages as `live_view.js` does, in UTF-16 units."""

    def __init__(self) -> None:
        self.slots = Slots()
        self._tails: dict[int, bytes] = {}
        self.mark: dict[str, str] | None = None
        self.state = "pending"
        self.messages = 0
        self.received = 0  # characters of HTML
        self._view = LiveView("m", lambda: None)
        self._view.send = self._receive

    def draw(self, results: Iterable[StreamResult]) -> str:
        """What is shown after these frames; the last one ends the view if it is final."""
        for result in results:
            self._view.draw(result)
            if result.state.terminal:
                self._view.end(result)
                self._view.close()
        return self.html

    @property
    def html(self) -> str:
        """What is shown; fails if a patch has torn a character apart."""
        return self.slots.text

    def _receive(self, message: dict[str, Any], *_: Any) -> None:
        self.messages += 1
        assert message["number"] == self.messages
        for block, depth, commit, keep, tail in message.get("blocks", ()):
            self.received += len(commit) + len(tail)
            self._tails[block] = self._tails.get(block, b"")[: 2 * keep] + tail.encode("utf-16-le")
            self.slots.place(block, depth, commit, self._tails[block].decode("utf-16-le"))
        self.mark = message.get("mark")
        self.state = message.get("state", "streaming")


def printed(results: Iterable[StreamResult]) -> str:
    """What a terminal is sent."""
    out = io.StringIO()
    surface = TerminalSurface(out)
    for result in results:
        (surface.close if result.state.terminal else surface.draw)(result)
    return out.getvalue()


def saved(result: StreamResult) -> tuple[str, str]:
    """The Markdown and the plain text of the notebook's output."""
    data, _ = answer_bundle(result)
    assert set(data) == {"text/markdown", "text/plain"}, "no HTML of ours is ever saved"
    return data["text/markdown"], data["text/plain"]


def outside(markdown: str) -> str:
    """The HTML that another parser makes of saved Markdown."""
    return str(cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))
