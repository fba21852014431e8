"""Moderated answers in a real JupyterLab: what was not checked is on no page, in no message and in no file.

And the question about secrets in a prompt, with real clicks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.test_panel_accessibility import violations

if TYPE_CHECKING:
    import pathlib

    from playwright.sync_api import Page, WebSocket

    from nbstream.demo import DemoServer
    from tests.real_jupyter import Jupyter, OpenNotebook

UNCHECKED = "flags the word"  # of the demo's answer; in no cell, because a cell is a message, too
BEFORE = "sky over the harbour"
PREPARATION = """
import pathlib
import nbstream as nbs
from nbstream.moderation import Moderation
nbs.configure(recordings="recordings", api=API)
def unkind(text):
    return "flags the " + "word" in text
early = Moderation(unkind, piece=60, window=40)
chat = nbs.Chat(moderate=early)
"""
# Every text that is ever on the page, however shortly.
OBSERVE = """() => {
  window.shown = [];
  const look = (records) => {
    for (const { target, addedNodes } of records) {
      for (const node of [target, ...addedNodes]) window.shown.push(node.textContent.slice(0, 20_000));
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
}"""
KEY = "sk-proj-" + "Ab3dEf6hIj9kLm2nOp5q"


class Frames:
    """All that goes over the page's websockets, in both directions."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def listen(self, page: Page) -> None:
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        for event in ("framereceived", "framesent"):
            socket.on(event, self._add)

    def _add(self, payload: str | bytes) -> None:
        self.payloads.append(payload.encode() if isinstance(payload, str) else payload)

    def have(self, words: str) -> bool:
        return any(words.encode() in payload for payload in self.payloads)


def files_with(words: str, root: pathlib.Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_was_not_checked_is_nowhere(open_notebook: OpenNotebook, jupyter: Jupyter, api: str) -> None:
    frames = Frames()
    notebook = open_notebook(
        "lab",
        PREPARATION.replace("API", repr(api)),
        "%%stream --moderate early -r cell\nSay something unsafe.",
        "nbs.ChatPanel(chat)",
        "%%stream --moderate provider\nSay something unsafe.",
        "%%stream --moderate early\nhello",
        before_opening=frames.listen,
    )
    notebook.page.evaluate(OBSERVE)
    notebook.run(1)
    notebook.run(2)
    expect(notebook.output(2)).to_contain_text("Filtered")
    expect(notebook.output(2)).to_contain_text("Moderation (unkind) flagged the answer. The rest was dropped.")
    expect(notebook.output(2)).to_contain_text(BEFORE)
    notebook.run(3)
    panel = notebook.output(3).locator(".nbs-panel")
    panel.get_by_role("textbox", name="Message").fill("Say something unsafe.")
    panel.get_by_role("button", name="Send", exact=True).click()
    expect(panel).to_contain_text("Moderation (unkind) flagged the answer. The rest was dropped.")
    expect(panel).to_contain_text(BEFORE)
    notebook.run(4)
    expect(notebook.output(4)).to_contain_text("Moderation (provider) flagged the answer: violence.")
    notebook.run(5)
    expect(notebook.output(5)).to_contain_text("checked by unkind")
    notebook.save()
    shown = "\n".join(notebook.page.evaluate("() => window.shown"))
    assert BEFORE in shown, "what was checked was seen while it arrived"
    assert UNCHECKED not in shown
    assert frames.have(BEFORE)
    assert not frames.have(UNCHECKED)
    assert files_with(BEFORE, jupyter.root)
    assert files_with(UNCHECKED, jupyter.root) == []
    assert [path.name for path in (jupyter.root / "recordings").glob("hello*.jsonl")], "what passed is recorded"


def test_a_prompt_with_a_key_is_sent_when_its_reader_says_so(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    notebook = open_notebook(
        "lab",
        f"import nbstream as nbs\nkey = {KEY[:10]!r} + {KEY[10:]!r}",
        f"%%stream --base-url {upstream.base_url} -r first\nhello {{{{ key }}}}",
        f"%%stream --base-url {upstream.base_url} -r second\nhello {{{{ key }}}}",
        "first.state, second.state",
        f"nbs.ChatPanel(base_url={upstream.base_url!r})",
    )
    page = notebook.page
    notebook.run(1)
    asked = len(upstream.requests)
    notebook.start(2)
    card = notebook.view(2).locator(".nbs-question")
    expect(card).to_contain_text("Send this prompt?")
    expect(card).to_contain_text("The prompt seems to hold an OpenAI key (sk-p…Op5q). It would be sent to 127.0.0.1")
    assert violations(page, ".nbs-view") == []
    assert len(upstream.requests) == asked
    card.get_by_role("button", name="Don't send").click()
    notebook.wait_for_end(2)
    expect(notebook.output(2)).to_contain_text("Stopped")
    assert len(upstream.requests) == asked
    notebook.start(3)
    notebook.view(3).locator(".nbs-question").get_by_role("button", name="Send", exact=True).click()
    notebook.wait_for_end(3)
    assert len(upstream.requests) == asked + 1
    notebook.run(4)
    expect(notebook.output(4)).to_contain_text("('cancelled', 'completed')")
    notebook.run(5)
    panel = notebook.output(5).locator(".nbs-panel")
    panel.get_by_role("textbox", name="Message").fill(f"hello {KEY}")
    panel.get_by_role("button", name="Send", exact=True).click()
    expect(panel.locator(".nbs-question")).to_contain_text("an OpenAI key (sk-p…Op5q)")
    assert violations(page, ".nbs-panel") == []
    panel.locator(".nbs-question").get_by_role("button", name="Send", exact=True).click()
    expect(panel.locator(".nbs-question")).to_have_count(0)
    expect(panel).to_contain_text("Hello")
    assert len(upstream.requests) == asked + 2
