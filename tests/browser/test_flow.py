"""Whatever happens to messages, tabs and views mid-stream, every view shows all of the answer."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator

    from nbstream.demo import DemoServer
    from tests.real_jupyter import Notebook, OpenNotebook

PATIENCE_MS = 120_000

# Loses some messages between kernel and page, as a server does that limits their rate.
LOSE_MESSAGES = """
from nbstream.display.live_view import LiveView
send, resyncs = LiveView.send, []
def lossy(view, content, *rest):
    if content["type"] == "snapshot":
        resyncs.append(content["number"])
    elif content["type"] == "patch" and content["number"] in {4, 9, 10, 11}:
        return
    send(view, content, *rest)
LiveView.send = lossy
"""

# Notes the text of the view at each change.
OBSERVE = """(number) => {
  const cell = document.querySelectorAll(".jp-Notebook .jp-Cell")[number];
  window.texts_seen = [];
  const look = () => {
    const body = cell.querySelector(".nbs-body");
    if (body) window.texts_seen.push(body.textContent);
  };
  new MutationObserver(look).observe(cell, { subtree: true, childList: true, characterData: true });
}"""


# Notes how long the page has done nothing at the longest.
CLOCK = """() => {
  window.longest_sleep = 0;
  let last = Date.now();
  clearInterval(window.sleep_clock);
  window.sleep_clock = setInterval(() => {
    window.longest_sleep = Math.max(window.longest_sleep, Date.now() - last);
    last = Date.now();
  }, 20);
}"""


def stream_cell(upstream: DemoServer, prompt: str) -> str:
    return f"%%stream --base-url {upstream.base_url} -m demo\n{prompt}"


class Tab:
    """A tab whose page can be put to sleep, as a browser does with one that is hidden: none of its code runs."""

    def __init__(self, notebook: Notebook) -> None:
        notebook.page.evaluate(CLOCK)
        self._page = notebook.page
        self._session = notebook.page.context.new_cdp_session(notebook.page)
        self._session.send("Debugger.enable")

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        self._session.send("Debugger.pause")
        try:
            yield
        finally:  # others use this page, too
            self._session.send("Debugger.resume")
            self._session.send("Debugger.disable")

    @property
    def longest_sleep(self) -> float:
        """In seconds."""
        return float(self._page.evaluate("window.longest_sleep")) / 1000


def words_of(shown: Locator | str) -> list[str]:
    text = shown if isinstance(shown, str) else shown.inner_text()
    return re.findall(r"\w+", text)


def blocks_of(notebook: Notebook, cell: int) -> Locator:
    return notebook.view(cell).locator(".nbs-block")


def test_lost_messages_leave_no_hole(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    notebook = open_notebook("lab", LOSE_MESSAGES, stream_cell(upstream, "Write 200 words"), shared=True)
    notebook.run(1)
    notebook.page.evaluate(OBSERVE, 2)
    notebook.run(2)
    whole = "".join(words_of(notebook.output(2)))
    texts: list[str] = notebook.page.evaluate("window.texts_seen")
    assert len(texts) > 10
    for text in texts:
        # The last word may be cut; a mark that is still open may be shown.
        assert whole.startswith("".join(words_of(text))), "each frame is a beginning of the answer"
    assert int(notebook.value("sum(number >= 4 for number in resyncs)", 3)) >= 2


def test_a_tab_that_slept_shows_all_of_the_answer(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    notebook = open_notebook("lab", stream_cell(upstream, "Write 400 words"), shared=True)
    tab = Tab(notebook)
    notebook.start(1)
    expect(blocks_of(notebook, 1).nth(1)).to_be_visible(timeout=PATIENCE_MS)
    text = notebook.view(1).locator(".nbs-body").inner_text()

    with tab.asleep():
        notebook.page.wait_for_timeout(2_000)
        assert upstream.requests[-1].state == "open"
    expect(blocks_of(notebook, 1).nth(4)).to_be_visible(timeout=PATIENCE_MS)
    assert tab.longest_sleep > 1.5
    assert "".join(words_of(notebook.view(1).locator(".nbs-body"))).startswith("".join(words_of(text)[:-1]))
    notebook.wait_for_end(1)
    expect(notebook.output(1)).to_contain_text("3. The network carries it")


def test_an_answer_that_ends_while_the_tab_sleeps_is_there_when_it_wakes(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    notebook = open_notebook("lab", stream_cell(upstream, "Write 150 words"), shared=True)
    tab = Tab(notebook)
    notebook.start(1)
    expect(blocks_of(notebook, 1).nth(1)).to_be_visible(timeout=PATIENCE_MS)
    with tab.asleep():
        assert upstream.requests[-1].ended.wait(60)
        assert upstream.requests[-1].state == "finished"
    notebook.wait_for_end(1)
    assert tab.longest_sleep > 1.0
    expect(notebook.output(1).locator(".jp-RenderedMarkdown")).to_contain_text("A token is not a word")
    expect(notebook.view(1)).to_have_count(0)


def test_a_second_view_that_is_made_in_mid_stream_shows_the_same(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    notebook = open_notebook("lab", stream_cell(upstream, "Write 400 words"), shared=True)
    notebook.start(1)
    expect(blocks_of(notebook, 1).nth(2)).to_be_visible(timeout=PATIENCE_MS)
    notebook.view(1).click(button="right")
    notebook.page.get_by_text("Create New View for Cell Output").click()
    second = notebook.page.locator(".jp-LinkedOutputView .nbs-view")
    expect(second).to_be_visible(timeout=PATIENCE_MS)
    expect(second).to_contain_text("A scripted answer", timeout=PATIENCE_MS)
    expect(second.locator(".nbs-block").nth(4)).to_be_visible(timeout=PATIENCE_MS)

    both = notebook.page.evaluate('[...document.querySelectorAll(".nbs-body")].map((body) => body.innerHTML)')
    assert len(both) == 2
    assert both[0] == both[1]
    notebook.wait_for_end(1)
    for shown in (notebook.output(1), notebook.page.locator(".jp-LinkedOutputView")):
        expect(shown.locator(".jp-RenderedMarkdown")).to_contain_text("3. The network carries it")
    expect(notebook.page.locator(".nbs-view")).to_have_count(0)
