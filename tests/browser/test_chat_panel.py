"""The chat panel in a real notebook: it never blocks, is saved with the notebook, and comes back."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from nbstream.demo import DemoServer
    from tests.real_jupyter import Jupyter, Notebook, OpenNotebook

DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs="
PATIENCE = 60.0
PATIENCE_MS = 1_000 * PATIENCE
BUSY = "import pathlib\nwhile not pathlib.Path('go.txt').exists(): sum(range(1000))"


def panel_cell(upstream: DemoServer, options: str = "", name: str = "panel", last: str | None = None) -> str:
    made = f'{name} = nbs.ChatPanel(model="demo", base_url="{upstream.base_url}"{options})'
    return f"import nbstream as nbs\n{made}\n{last or name}"


class Panel:
    """A panel on a page, and what its reader does."""

    def __init__(self, notebook: Notebook, cell: int, root: Locator | None = None) -> None:
        self.root = root or notebook.cells.nth(cell).locator(".nbs-panel")
        self.page = notebook.page
        expect(self.composer).to_be_visible(timeout=PATIENCE_MS)

    @property
    def composer(self) -> Locator:
        return self.root.get_by_role("textbox", name="Message", exact=True)

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def turn(self, number: int) -> Locator:
        return self.root.locator("article").nth(number)

    def send(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def wait_for_text(self, number: int, words: str) -> None:
        expect(self.turn(number)).to_contain_text(words, timeout=PATIENCE_MS)

    def wait_for_end(self, number: int, state: str = "completed") -> None:
        expect(self.turn(number)).to_have_attribute("data-state", state, timeout=PATIENCE_MS)


def open_panel(open_notebook: OpenNotebook, front_end: str, *cells: str, again: bool = True) -> tuple[Notebook, Panel]:
    """A notebook with these cells, of which the first shows a panel."""
    notebook = open_notebook(front_end, *cells, shared=True, again=again)
    notebook.run(1)
    return notebook, Panel(notebook, 1)


def saved(notebook: Notebook, words: str, cell: int = 1) -> dict[str, Any]:
    """The file, saved when the transcript has these words: it reaches the page after the turn's end does."""
    expect(notebook.output(cell).locator(".nbs-transcript").last).to_contain_text(words, timeout=PATIENCE_MS)
    notebook.prompt(0).click()  # in the composer, Escape is a key of its own
    return notebook.save()


def outputs_of(file: dict[str, Any], cell: int) -> list[dict[str, Any]]:
    return list(file["cells"][cell]["outputs"])


# --- a conversation ---------------------------------------------------------------------------------------------------


def test_a_message_streams_an_answer_that_the_notebook_has_and_keeps(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    notebook, panel = open_panel(open_notebook, front_end, panel_cell(upstream, ', bind="reply"'))
    panel.send("hello")
    expect(panel.turn(1)).to_have_attribute("data-state", "streaming", timeout=PATIENCE_MS)
    expect(panel.button("Stop")).to_be_visible()
    panel.wait_for_end(1)
    expect(panel.button("Send")).to_be_visible()
    expect(panel.composer).to_be_focused()
    expect(panel.turn(1)).to_contain_text("297 tokens")
    values = "len(reply) == len(panel.text) > 500, panel.usage.output_tokens, len(panel.messages)"
    assert notebook.value(values, 2) == "True 297 2"

    view, _, transcript = outputs_of(saved(notebook, "Hello"), 1)
    assert "## Hello" in "".join(transcript["data"]["text/markdown"])
    assert len(transcript["metadata"]["nbstream"]["chat"]["turns"]) == 2
    assert "application/vnd.jupyter.widget-view+json" in view["data"]
    # The transcript is there for readers without a kernel; it is not shown beside the panel.
    for each in notebook.output(1).locator(".nbs-transcript").all():
        expect(each).to_be_hidden()


def test_formulas_and_diagrams_are_drawn_once_their_answer_has_ended(
    open_notebook: OpenNotebook, upstream: DemoServer, front_end: str
) -> None:
    cost = {"role": "user", "content": "$5 and $6, or $x^2$?"}
    hostile = {"role": "assistant", "content": r"$\href{javascript:alert(1)}{y}$ and $\style{color:lime}{z}$"}
    code = 'flowchart LR\n  A[Read the file] --> B["<b onclick=alert(1)>Plot"]\n  click A "https://example.com"'
    drawn = {
        "role": "assistant",
        "content": f"{hostile['content']}\n\n```mermaid\n{code}\n```\n\n```mermaid\nno such\n```",
    }
    show = f"panel.chat.messages = {[cost, drawn]!r}\npanel"
    made = panel_cell(upstream, ', demo={"tokens_per_second": 300}', last=show)
    _, panel = open_panel(open_notebook, front_end, made)
    formulas = panel.root.locator("mjx-container")
    expect(formulas).to_have_count(3, timeout=PATIENCE_MS)
    expect(panel.turn(0)).to_contain_text("$5 and $6, or")
    expect(panel.turn(1).locator("mjx-container").locator("a, [style*=lime]")).to_have_count(0)
    diagram = panel.turn(1).locator(".nbs-diagram")
    expect(diagram.locator("img[src^='data:image/svg+xml,']")).to_be_visible(timeout=PATIENCE_MS)
    expect(diagram).to_have_count(1)  # what cannot be drawn stays code
    expect(panel.turn(1).locator("pre", has_text="no such")).to_be_visible()
    if failures := os.environ.get("TEST_SCREENSHOTS"):
        panel.page.screenshot(path=f"{failures}/diagram-{front_end}.png")
    diagram.locator("summary").click()
    expect(diagram.locator("pre")).to_have_text(code)
    panel.send("Show me Markdown with math")
    panel.wait_for_end(3)
    expect(panel.turn(3).locator("mjx-container")).to_have_count(2, timeout=PATIENCE_MS)
    assert panel.turn(3).get_by_role("link").count() == 1, "the one in the text"


def test_messages_queue_and_follow_and_a_stop_holds_them(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    _, panel = open_panel(open_notebook, "lab", panel_cell(upstream))
    panel.send("Count to 300")
    panel.wait_for_text(1, "1, 2, 3")
    panel.send("Count to 3")
    panel.send("Count to 4")
    expect(panel.root.locator(".nbs-queue")).to_contain_text("Count to 4")
    panel.wait_for_end(5)
    panel.wait_for_text(3, "1, 2, 3")
    panel.wait_for_text(5, "1, 2, 3, 4")

    panel.send("Count to 300")
    panel.wait_for_text(7, "1, 2, 3")
    panel.send("Count to 5")
    panel.composer.press("Escape")
    panel.wait_for_end(7, "cancelled")
    expect(panel.root.locator(".nbs-notice")).to_contain_text("Queue paused")
    expect(panel.root.locator("article")).to_have_count(8)
    panel.turn(7).get_by_role("button", name="Continue", exact=True).click()
    panel.wait_for_end(7)
    panel.wait_for_end(9)
    panel.wait_for_text(9, "1, 2, 3, 4, 5")


def test_a_cell_and_the_panel_share_a_chat(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    cells = [panel_cell(upstream, ', name="talk"'), "%%stream --chat panel\nCount to 7", "panel.send('Count to 8')"]
    notebook, panel = open_panel(open_notebook, "lab", *cells)
    notebook.run(2)
    panel.wait_for_end(1)
    panel.wait_for_text(0, "Count to 7")
    expect(notebook.output(2)).to_contain_text("5, 6, 7")
    notebook.run(3)
    panel.wait_for_end(3)
    panel.wait_for_text(3, "1, 2, 3, 4, 5, 6, 7, 8")


def test_errors_of_callbacks_are_shown_in_the_panel(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    _, panel = open_panel(open_notebook, "lab", panel_cell(upstream, ", on_result=lambda result: 1 / 0"))
    panel.send("Count to 3")
    panel.wait_for_end(1)
    expect(panel.root.locator(".nbs-notice")).to_contain_text("on_result failed: ZeroDivisionError: division by zero")


# --- it never blocks --------------------------------------------------------------------------------------------------


def test_stop_reaches_the_server_while_the_kernel_is_idle(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    _, panel = open_panel(open_notebook, "lab", panel_cell(upstream))
    panel.send("Write 4000 words")
    panel.wait_for_text(1, "A token is")
    record = upstream.requests[-1]
    panel.button("Stop").click()
    assert record.ended.wait(PATIENCE)
    assert record.state == "client_closed"
    panel.wait_for_end(1, "cancelled")


def test_send_and_stop_work_while_a_cell_runs(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    notebook, panel = open_panel(open_notebook, "lab", panel_cell(upstream), BUSY)
    panel.send("Count to 3")  # the first message of a kernel imports what it needs
    panel.wait_for_end(1)
    notebook.start(2)
    expect(notebook.prompt(2)).to_have_text("[*]:")
    panel.send("Write 4000 words")
    panel.wait_for_text(3, "A token is")
    record = upstream.requests[-1]
    panel.button("Stop").click()
    assert record.ended.wait(PATIENCE)
    assert record.state == "client_closed"
    panel.wait_for_end(3, "cancelled")
    expect(notebook.prompt(2)).to_have_text("[*]:")
    notebook.path.with_name("go.txt").touch()
    notebook.wait_for_end(2)


def test_cells_run_while_the_panel_streams(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    notebook, panel = open_panel(open_notebook, "lab", panel_cell(upstream))
    panel.send("Write 4000 words")
    panel.wait_for_text(1, "A token is")
    assert notebook.value("6 * 7, panel.chat.running is not None", 2) == "42 True"
    expect(panel.turn(1)).to_have_attribute("data-state", "streaming")
    panel.button("Stop").click()
    panel.wait_for_end(1, "cancelled")


def test_two_panels_stream_at_once_and_nothing_is_mixed(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    notebook, one = open_panel(open_notebook, "lab", panel_cell(upstream, name="one"), panel_cell(upstream, name="two"))
    notebook.run(2)
    two = Panel(notebook, 2)
    one.send("Count to 120")
    two.send("Write 120 words")
    one.wait_for_text(1, "1, 2, 3")
    two.wait_for_text(1, "journey of one token")
    expect(one.turn(1)).to_have_attribute("data-state", "streaming")
    one.wait_for_end(1)
    two.wait_for_end(1)
    for panel, name, own, foreign in ((one, "one", "119, 120", "journey"), (two, "two", "journey", "119, 120")):
        expect(panel.turn(1)).to_contain_text(own)
        expect(panel.turn(1)).not_to_contain_text(foreign)
        expect(panel.root.locator("article")).to_have_count(2)
        assert notebook.value(f"{own!r} in {name}.text, {foreign!r} in {name}.text", 3) == "True False"


@pytest.mark.parametrize("container", ["w.VBox([panel])", "display(w.Tab([panel, w.HTML('x')]))"])
def test_a_panel_is_a_widget_among_others_and_is_kept(
    open_notebook: OpenNotebook, upstream: DemoServer, container: str
) -> None:
    cell = panel_cell(upstream, last=f"import ipywidgets as w\n{container}")
    notebook, panel = open_panel(open_notebook, "lab", cell)
    panel.send("Count to 9")
    panel.wait_for_end(1)
    panel.wait_for_text(1, "7, 8, 9")
    for each in notebook.output(1).locator(".nbs-transcript").all():
        expect(each).to_be_hidden()
    _, _, transcript = outputs_of(saved(notebook, "7, 8, 9"), 1)
    assert "7, 8, 9" in "".join(transcript["data"]["text/markdown"])
    assert len(transcript["metadata"]["nbstream"]["chat"]["turns"]) == 2


def test_a_panel_in_an_output_widget_says_that_it_is_not_kept(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    show = "import ipywidgets\nout = ipywidgets.Output()\nout.append_stdout('Here:')\nout"
    notebook = open_notebook("lab", show, panel_cell(upstream, last="with out: display(panel)"), again=True)
    notebook.run(1)
    expect(notebook.output(1)).to_contain_text("Here:", timeout=PATIENCE_MS)
    notebook.run(2)
    panel = Panel(notebook, 1)
    panel.send("Count to 9")
    panel.wait_for_end(1)
    panel.wait_for_text(1, "7, 8, 9")
    expect(panel.root.locator(".nbs-notice")).to_contain_text("in an Output widget", timeout=PATIENCE_MS)


# --- it is saved, and comes back --------------------------------------------------------------------------------------


def test_a_saved_notebook_shows_the_conversation_without_a_kernel(
    open_notebook: OpenNotebook, upstream: DemoServer, jupyter: Jupyter, front_end: str
) -> None:
    picture = {"type": "image_url", "image_url": {"url": DOT}}
    text = "| city | °C |\n|---|--:|\n| Oslo | 4.5 |\n\n```python\nimport os  # why\n```"
    before = [{"role": "user", "content": [picture]}, {"role": "assistant", "content": text}]
    show = f"panel.chat.messages = {before!r}\npanel"
    notebook, panel = open_panel(open_notebook, front_end, panel_cell(upstream, last=show))
    panel.send("Count to 9")
    panel.wait_for_end(3)
    saved(notebook, "7, 8, 9")
    notebook.page.goto("about:blank")
    jupyter.end_kernel(notebook.path.name)
    notebook.load()
    transcript = notebook.output(1).locator(".nbs-transcript").last
    expect(transcript).to_be_visible(timeout=PATIENCE_MS)
    expect(transcript).to_contain_text("Count to 9")
    expect(transcript).to_contain_text("1, 2, 3, 4, 5, 6, 7, 8, 9")
    expect(notebook.output(1).locator(".nbs-panel")).to_have_count(0)
    expect(transcript).to_contain_text("To continue this conversation, run nbs.ChatPanel.restore().")
    expect(transcript.locator("td").first).to_have_css("text-align", "left")
    expect(transcript.locator("td").last).to_have_css("text-align", "right")
    assert transcript.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    colour = "node => getComputedStyle(node).color"
    keyword = transcript.locator("pre span", has_text="import").evaluate(colour)
    assert keyword != transcript.locator("pre").evaluate(colour)
    if pictures := os.environ.get("TEST_SCREENSHOTS"):
        notebook.page.screenshot(path=f"{pictures}/transcript-{front_end}.png")


def test_a_conversation_is_restored_after_a_restart_of_the_kernel(
    open_notebook: OpenNotebook, upstream: DemoServer, jupyter: Jupyter
) -> None:
    restoring = "import nbstream as nbs\npanel = nbs.ChatPanel.restore()\npanel"
    notebook, panel = open_panel(open_notebook, "lab", panel_cell(upstream), restoring, again=False)
    panel.send("Count to 9")
    panel.wait_for_end(1)
    saved(notebook, "7, 8, 9")
    page = notebook.page
    notebook.prompt(0).click()
    page.keyboard.press("0")
    page.keyboard.press("0")
    page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    until = time.monotonic() + PATIENCE_MS / 1000
    while not jupyter.kernel_is_ready(notebook.path.name) and time.monotonic() < until:
        page.wait_for_timeout(100)
    notebook.run(2)
    restored = Panel(notebook, 2)
    restored.wait_for_text(1, "1, 2, 3, 4, 5, 6, 7, 8, 9")
    restored.send("Count to 4")
    restored.wait_for_end(3)
    assert notebook.value("len(panel.messages), panel.messages[0]['content']", 3) == "4 Count to 9"


def test_nothing_that_the_reader_does_is_lost_at_the_end_of_a_turn(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    _, panel = open_panel(open_notebook, "lab", panel_cell(upstream))
    panel.send("Count to 60")
    panel.wait_for_text(1, "1, 2, 3")
    panel.composer.press_sequentially("half a sen")
    view = panel.root.element_handle()
    panel.wait_for_end(1)
    panel.composer.press_sequentially("tence")
    expect(panel.composer).to_have_value("half a sentence")
    assert panel.root.element_handle() is not None
    assert panel.page.evaluate("([one, other]) => one === other", [view, panel.root.element_handle()])
