"""A chat panel's view in JupyterLab and Notebook 7: shortcuts, outputs that are redrawn, composition, a busy kernel.

What it shows is made up in the kernel, because only the view is tested here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.real_jupyter import Notebook, OpenNotebook

PATIENCE_MS = 120_000

# Answers with the question, word by word, until it is stopped; then the output is updated, as for a saved notebook.
ECHO = """
import threading, time
from dataclasses import replace
import ipywidgets
from IPython.display import display
from nbstream.panel.view.panel_state import PanelState, TurnView
from nbstream.panel.view.panel_view import PanelView
from nbstream.request import Endpoint, StreamRequest
from nbstream.result import StreamResult, StreamState

class Echo:
    def __init__(self):
        self.state, self.stopped, self.output, self.done = PanelState(model="echo"), threading.Event(), None, []
        self.view = PanelView(self)
        self.view.show(self.state)
    def show(self, **changes):
        self.state = replace(self.state, **changes)
        self.view.show(self.state)
    def display(self):
        self.output = display(self.bundle(), raw=True, display_id=True)
    def bundle(self):
        model = {"version_major": 2, "version_minor": 0, "model_id": self.view.model_id}
        kept = "\\n\\n".join(turn.text for turn in self.state.turns)
        return {"application/vnd.jupyter.widget-view+json": model, "text/markdown": kept, "text/plain": kept}
    def send(self, text, attachments):
        self.stopped.clear()
        asked = TurnView(f"u{len(self.state.turns)}", "user", text, can_edit=True)
        said = TurnView(f"a{len(self.state.turns)}", "assistant", state="pending")
        surface = self.view.surface(said.id)
        surface.open(StreamRequest(messages=(), model="echo", api="chat", endpoint=Endpoint("")), self.stop)
        self.show(turns=(*self.state.turns, asked, said), running=said.id)
        threading.Thread(target=self.answer, args=(surface, text, said)).start()
    def answer(self, surface, text, said):
        words = ""
        for word in text.split():
            if self.stopped.wait(0.05):
                break
            words += word + "\\n\\n"
            surface.draw(StreamResult(words, StreamState.STREAMING))
        state = "cancelled" if self.stopped.is_set() else "completed"
        surface.close(StreamResult(words, StreamState(state), "stop"))
        self.show(turns=(*self.state.turns[:-1], replace(said, text=words, state=state)), running=None)
        if self.output is not None:
            self.output.update(self.bundle(), raw=True)
            self.done.append("updated")
    def stop(self, turn_id=None):
        self.done.append("stop")
        self.stopped.set()
    def __getattr__(self, name):
        return lambda *arguments: self.done.append((name, *arguments))

echo = Echo()
"""


def composer(panel: Locator) -> Locator:
    return panel.get_by_role("textbox", name="Message", exact=True)


def panel_of(notebook: Notebook, cell: int) -> Locator:
    return notebook.cells.nth(cell).locator(".nbs-panel")


def wait_for_state(panel: Locator, state: str) -> None:
    expect(panel.locator("article").last).to_have_attribute("data-state", state, timeout=PATIENCE_MS)


@pytest.fixture
def notebook(open_notebook: OpenNotebook, front_end: str) -> Notebook:
    notebook = open_notebook(front_end, ECHO, "echo.display()", "x = 1\n" * 30, "pass", again=True)
    notebook.run(1)
    notebook.run(2)
    expect(composer(panel_of(notebook, 2))).to_be_visible(timeout=PATIENCE_MS)
    return notebook


def test_keys_reach_the_composer_and_not_the_notebook(notebook: Notebook) -> None:
    panel, keyboard, cells = panel_of(notebook, 2), notebook.page.keyboard, notebook.cells.count()
    composer(panel).click()
    keyboard.type("dd a b x m y 00")
    keyboard.press("Shift+Enter")
    keyboard.type("second")
    keyboard.press("ArrowUp")
    keyboard.press("Escape")
    expect(composer(panel)).to_be_focused()
    expect(composer(panel)).to_have_value("dd a b x m y 00\nsecond")
    keyboard.press("Enter")
    wait_for_state(panel, "completed")
    expect(panel.locator("article").first).to_contain_text("dd a b x m y 00")
    keyboard.type("s")
    assert notebook.save(), "only saving is the notebook's"
    expect(composer(panel)).to_have_value("s")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("d")
    keyboard.press("d")
    assert notebook.cells.count() == cells
    assert notebook.prompt(3).inner_text().strip() == "[ ]:", "nothing was run"


@pytest.mark.parametrize("front_end", ["lab"])
def test_an_output_that_is_updated_loses_nothing(notebook: Notebook) -> None:
    panel = panel_of(notebook, 2)
    composer(panel).fill(" ".join(f"word{number}" for number in range(40)))
    composer(panel).press("Enter")
    wait_for_state(panel, "completed")
    panel.locator("article").first.evaluate("article => { article.marked = true }")
    notebook.page.evaluate(
        """() => {
          window.redrawn = 0;
          const panel = document.querySelector(".nbs-panel");
          const look = (records) => records.forEach(({ removedNodes }) => {
            for (const node of removedNodes) if (node.contains(panel)) redrawn += 1;
          });
          new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    composer(panel).fill("and now")
    composer(panel).press("Enter")
    composer(panel).press_sequentially("typed meanwhile", delay=15)
    wait_for_state(panel, "completed")
    notebook.page.wait_for_function("redrawn > 0")
    expect(panel).to_have_count(1)
    expect(composer(panel)).to_be_focused()
    expect(composer(panel)).to_have_value("typed meanwhile")
    assert panel.locator("article").first.evaluate("article => article.marked"), "settled turns are not made again"
    expect(panel.locator("article")).to_have_count(4)


@pytest.mark.parametrize("front_end", ["notebook"])
def test_it_composes_with_other_widgets_and_with_itself(notebook: Notebook) -> None:
    notebook.cells.nth(4).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Control+a")
    notebook.page.keyboard.type(
        "ipywidgets.Tab([ipywidgets.VBox([ipywidgets.Label('above'), echo.view]), ipywidgets.Label('x')])"
    )
    notebook.run(4)
    first, second = panel_of(notebook, 2), panel_of(notebook, 4)
    expect(composer(second)).to_be_visible(timeout=PATIENCE_MS)
    composer(second).fill("one two three")
    expect(composer(first)).to_have_value("one two three")
    composer(second).press("Enter")
    for panel in (first, second):
        wait_for_state(panel, "completed")
        expect(panel.locator("article").last.locator(".nbs-body")).to_have_text("onetwothree")
    tabs = notebook.output(4).get_by_role("tab")
    tabs.nth(1).click()
    expect(second).to_be_hidden()
    tabs.nth(0).click()
    expect(second.locator("article")).to_have_count(2)


def test_it_streams_and_stops_while_a_cell_runs(notebook: Notebook) -> None:
    notebook.cells.nth(4).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Control+a")
    notebook.page.keyboard.type("time.sleep(600)")
    notebook.start(4)
    expect(notebook.prompt(4)).to_have_text("[*]:")
    panel = panel_of(notebook, 2)
    composer(panel).fill("word " * 500)
    composer(panel).press("Enter")
    wait_for_state(panel, "streaming")
    composer(panel).press("Escape")
    wait_for_state(panel, "cancelled")
    expect(notebook.prompt(4)).to_have_text("[*]:")
    expect(panel.get_by_role("button", name="Send")).to_be_visible()
