"""A chat panel's view in an empty page: its own kernel's half, the real page's half, and nothing of Jupyter between."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from nbstream.display.marks import Mark
from nbstream.panel.view.panel_actions import Download
from nbstream.panel.view.panel_state import PanelState, QueueItem, TurnView
from nbstream.panel.view.panel_view import PanelView
from nbstream.request import Endpoint, StreamRequest
from nbstream.result import StreamResult, StreamState
from tests import comms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from nbstream.display.surface import Surface
    from nbstream.panel.view.panel_state import Attachment

__all__ = ["ADDRESS", "LOST", "REQUEST", "PanelPage", "Reader", "exchange", "panel_page", "queued"]

# A model as anywidget hands it over. What the kernel says to a message comes back as that call's value.
STAND_IN = """
import(URL.createObjectURL(new Blob([ESM], { type: "text/javascript" }))).then(async ({ default: widget }) => {
  const hearers = new Set();
  window.sent = [];
  window.deaf = false;
  window.ended = false;
  window.tell = (messages) => messages.forEach((message) => hearers.forEach((hear) => hear(message)));
  const model = {
    get: (name) => ({ key: "k" })[name],
    widget_manager: window.lent,
    on: (event, hearer) => event === "msg:custom" && hearers.add(hearer),
    off: (_, hearer) => hearers.delete(hearer),
    send: (message) => {
      if (window.ended) throw new Error("Cannot send");
      window.sent.push(message);
      if (!window.deaf) window.hear(message).then(window.tell);
    },
  };
  widget.initialize({ model });
  window.show = (el) => widget.render({ model, el });
  window.leave = await window.show(document.getElementById("here"));
});
"""
REQUEST = StreamRequest(messages=({"role": "user", "content": "?"},), model="m", api="chat", endpoint=Endpoint(""))
LOST = Mark("Connection lost", "The connection broke off.")
ADDRESS = "http://localhost/panel"  # where a page has a clipboard and a storage
PAGE = "<!doctype html><html lang=en><title>Panel</title><style>STYLE</style><body><div id=here></div></body></html>"


class Reader:
    """Notes what the reader of a panel has done, and raises what it is told to."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    def send(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        self._note("send", text, attachments)

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self._note(name, *arguments)

    def export(self, kind: str) -> Download:
        self._note("export", kind)
        return Download(f"chat.{kind}", "text/plain", "All of it.")

    def _note(self, *action: Any) -> None:
        self.done.append(action)
        if self.error is not None:
            raise self.error


def exchange(number: int, answer: str = "An **answer**.", **facts: Any) -> tuple[TurnView, TurnView]:
    """A question and its answer."""
    asked = TurnView(f"u{number}", "user", f"Question {number}", can_edit=True)
    said = TurnView(f"a{number}", "assistant", answer, facts=("m", "12 tokens"), can_regenerate=True)
    return asked, replace(said, **facts)


class PanelPage:
    """The page and the hands of the kernel.

    Attributes:
        state: What was shown last.
        reader: What the page's reader has done.
        errors: What went wrong in the page's code.
    """

    def __init__(self, page: Page, ends: comms.Page) -> None:
        self.page = page
        self.take = ends.take
        self._ends = ends
        self.reader = Reader()
        self.state = PanelState(model="m")
        self.view = PanelView(self.reader)
        self.errors: list[str] = []
        self.view.show(self.state)
        page.expose_function("hear", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        html = PAGE.replace("STYLE", self.view.get_state()["_css"])
        page.route(ADDRESS, lambda route: route.fulfill(body=html, content_type="text/html"))
        self.load()

    def load(self) -> None:
        """Open the page, perhaps again."""
        self.page.goto(ADDRESS)
        self.page.evaluate(STAND_IN.replace("ESM", json.dumps(self.view.get_state()["_esm"])))
        self.root.wait_for()

    @property
    def root(self) -> Locator:
        return self.page.locator(".nbs-panel").first

    @property
    def composer(self) -> Locator:
        return self.root.get_by_role("textbox", name="Message", exact=True)

    @property
    def turns(self) -> Locator:
        return self.root.locator("article")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def show(self, **changes: Any) -> None:
        """Show the state with these changes."""
        self.state = replace(self.state, **changes)
        self.view.show(self.state)
        self.deliver()

    def ask(self, number: int = 1) -> Surface:
        """Show a question, and begin its answer, as turn `a<number>`."""
        asked, said = exchange(number, "")
        surface = self.view.surface(said.id)
        surface.open(REQUEST, lambda: None)
        live = replace(said, state="pending", facts=(), can_regenerate=False)
        self.show(turns=(*self.state.turns, asked, live), running=said.id)
        return surface

    def draw(self, surface: Surface, text: str, **more: Any) -> None:
        surface.draw(StreamResult(text, StreamState.STREAMING, **more))
        self.deliver()

    def end(self, surface: Surface, text: str, **facts: Any) -> None:
        """End the answer that streams; the kernel then says what became of the turn."""
        state = StreamState(facts.get("state", "completed"))
        surface.close(StreamResult(text, state, "stop" if state is StreamState.COMPLETED else None))
        *before, live = self.state.turns
        settled = {"state": str(state), "text": text, "facts": ("m", "12 tokens"), "can_regenerate": True, **facts}
        self.show(turns=(*before, replace(live, **settled)), running=None)

    def wait_for(self, action: str) -> Any:
        """What the reader's last deed of this name was, as soon as it is done."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for done in reversed(self.reader.done):
                if done[0] == action:
                    return done[1:]
            self.page.evaluate("() => new Promise(requestAnimationFrame)")
        raise AssertionError(f"no {action} but {self.reader.done}")

    def deliver(self) -> None:
        """Tell the page what the kernel has said by itself."""
        self.page.evaluate("(messages) => tell(messages)", self.take())

    def settle(self) -> None:
        """Wait until the page has drawn what it was told."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def _hear(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        self._ends.says(message)
        return self.take()


@pytest.fixture
def panel_page(page: Page, monkeypatch: pytest.MonkeyPatch) -> Iterator[PanelPage]:
    panel = PanelPage(page, comms.Page(monkeypatch))
    yield panel
    panel.view.close()
    assert panel.errors == []


def queued(*texts: str) -> tuple[QueueItem, ...]:
    return tuple(QueueItem(f"q{number}", text) for number, text in enumerate(texts))
