"""A chat panel in a page that was reloaded, and one whose kernel has ended: nothing is lost without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.test_chat_panel import Panel, open_panel, panel_cell, saved
from tests.browser.test_live_view import IMPATIENT

if TYPE_CHECKING:
    from nbstream.demo import DemoServer
    from tests.real_jupyter import Jupyter, Notebook, OpenNotebook

PATIENCE_MS = 120_000
KEPT_MS = 3_000  # after the end of a turn, the page looks whether the notebook has kept it


@pytest.mark.parametrize("front_end", ["lab"])
def test_a_reloaded_page_says_that_its_notebook_keeps_nothing_until_the_panel_is_shown_again(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    notebook, panel = open_panel(open_notebook, front_end, panel_cell(upstream), "panel")
    panel.send("Count to 4")
    panel.wait_for_end(1)
    panel.page.wait_for_timeout(KEPT_MS + 1000)  # nothing tells that nothing is said
    expect(panel.root.locator(".nbs-notice")).to_be_hidden()
    saved(notebook, "1, 2, 3, 4")

    notebook.load()
    panel = Panel(notebook, 1)
    panel.wait_for_text(1, "1, 2, 3, 4")
    panel.send("Count to 5")
    panel.wait_for_end(3)
    expect(panel.root.locator(".nbs-notice")).to_contain_text("show the panel in any cell", timeout=PATIENCE_MS)

    notebook.run(2)
    again = Panel(notebook, 2)
    again.send("Count to 6")
    again.wait_for_end(5)
    again.page.wait_for_timeout(KEPT_MS + 1000)
    expect(again.root.locator(".nbs-notice")).to_be_hidden()
    outputs = saved(notebook, "1, 2, 3, 4, 5, 6", 2)["cells"][2]["outputs"]
    chats = [output["metadata"]["nbstream"]["chat"] for output in outputs if "nbstream" in output["metadata"]]
    assert [len(chat["turns"]) for chat in chats] == [6]


def test_a_panel_works_on_a_page_that_was_too_busy_to_load_it_in_time(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    def open_impatiently(front_end: str, *cells: str, shared: bool, again: bool) -> Notebook:
        del shared, again  # it has a page of its own
        return open_notebook(front_end, *cells, before_opening=lambda page: page.add_init_script(IMPATIENT))

    _, panel = open_panel(open_impatiently, "lab", panel_cell(upstream))
    panel.send("Count to 4")
    panel.wait_for_text(1, "1, 2, 3, 4")
    assert panel.page.evaluate("window.gaveUp"), "anywidget has"


def test_what_is_sent_to_a_kernel_that_was_restarted_comes_back(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    notebook, panel = open_panel(open_notebook, "lab", panel_cell(upstream), again=False)
    page = notebook.page
    panel.send("Count to 300")
    panel.wait_for_text(1, "1, 2, 3")
    panel.composer.fill("precious")
    notebook.prompt(0).click()
    page.keyboard.press("0")
    page.keyboard.press("0")
    with page.expect_response(lambda answer: answer.url.partition("?")[0].endswith("/restart")):
        page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    expect(panel.root.locator(".nbs-notice")).to_contain_text("kernel has stopped", timeout=PATIENCE_MS)
    expect(panel.turn(1)).to_contain_text("Kernel stopped")
    expect(panel.turn(1)).to_contain_text("1, 2, 3")
    expect(panel.button("Stop")).to_have_count(0)
    panel.turn(1).hover()
    expect(panel.turn(1).get_by_role("button", name="Copy", exact=True)).to_be_visible()
    panel.composer.press("Enter")
    expect(panel.composer).to_have_value("precious")


def test_a_restart_by_another_client_is_noticed_at_once(
    open_notebook: OpenNotebook, upstream: DemoServer, jupyter: Jupyter
) -> None:
    notebook, panel = open_panel(open_notebook, "lab", panel_cell(upstream), again=False)
    panel.send("Count to 300")
    panel.wait_for_text(1, "1, 2, 3")
    jupyter.restart_kernel(notebook.path.name)
    expect(panel.root.locator(".nbs-notice")).to_contain_text("kernel has stopped", timeout=PATIENCE_MS)
    expect(panel.turn(1)).to_contain_text("Kernel stopped")
    expect(panel.button("Stop")).to_have_count(0)
