"""Streams in the background in JupyterLab: other cells, interrupts, running again, deletion, and the table of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from nbstream.testing import chat_chunk

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from nbstream.demo import DemoServer
    from nbstream.testing import FaultServer
    from tests.real_jupyter import Notebook, OpenNotebook

PATIENCE = 60.0
PATIENCE_MS = 1_000 * PATIENCE
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def background_cell(upstream: DemoServer, options: str = "", prompt: str = "Write a long text") -> str:
    return f"%%stream --background --base-url {upstream.base_url} -m demo {options}\n{prompt}"


def growing(view: Locator) -> None:
    """Wait until more of an answer has come."""
    blocks = view.locator(".nbs-block")
    expect(blocks.first).to_be_visible(timeout=PATIENCE_MS)
    before = view.inner_text()
    expect(view).not_to_have_text(before, timeout=PATIENCE_MS)


def delete(notebook: Notebook, number: int) -> None:
    count = notebook.cells.count()
    notebook.cells.nth(number).locator(".jp-InputPrompt").first.click()
    notebook.page.evaluate("jupyterapp.commands.execute('notebook:delete-cell')")
    expect(notebook.cells).to_have_count(count - 1)


def test_it_fills_while_another_cell_runs_and_is_interrupted_and_ends_when_its_own_runs_again(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    sleep = "import time\nfor _ in range(600):\n    time.sleep(0.1)"
    notebook = open_notebook("lab", background_cell(upstream, "-o answer"), sleep, shared=True)
    notebook.run(1)
    growing(notebook.view(1))
    first = upstream.requests[-1]
    notebook.start(2)
    growing(notebook.view(1))
    notebook.interrupt()
    notebook.wait_for_end(2)
    expect(notebook.output(2)).to_contain_text("KeyboardInterrupt")
    growing(notebook.view(1))
    assert not first.ended.is_set()
    assert notebook.value("answer.state", 3) == "streaming"
    notebook.run(1)
    assert first.ended.wait(PATIENCE)
    assert first.state == "client_closed"
    growing(notebook.view(1))
    assert notebook.output(1).locator(".jp-OutputArea-output").count() == 1
    notebook.view(1).get_by_role("button", name="Stop").click()
    expect(notebook.output(1)).to_contain_text("You stopped the answer after", timeout=PATIENCE_MS)
    assert notebook.output(1).locator(".jp-OutputArea-output").count() == 1
    assert notebook.value("answer.result().state", 3) == "cancelled"


def test_a_stream_ends_with_its_cell_and_not_with_what_looks_like_it(
    open_notebook: OpenNotebook, upstream: DemoServer
) -> None:
    slowly = {"tokens_per_second": 10}
    to = f"base_url={upstream.base_url!r}, model='demo', demo={slowly}"
    call = f"h = __import__('nbstream').start('Write a long text', {to})"
    options = f"-o answer --param demo='{json.dumps(slowly)}'"
    notebook = open_notebook("lab", background_cell(upstream, options), call, shared=True)
    page = notebook.page
    notebook.run(1)
    growing(notebook.view(1))
    moved = upstream.requests[-1]
    notebook.run(2)
    growing(notebook.view(2))
    deleted = upstream.requests[-1]
    notebook.cells.nth(1).locator(".jp-InputPrompt").first.click()
    page.keyboard.press("Escape")
    page.evaluate("jupyterapp.commands.execute('notebook:move-cell-down')")
    expect(notebook.view(2)).to_be_visible(timeout=PATIENCE_MS)
    page.evaluate("jupyterapp.commands.execute('notebook:hide-cell-outputs')")
    delete(notebook, 1)
    page.wait_for_timeout(1_000)
    page.evaluate("jupyterapp.commands.execute('notebook:undo-cell-action')")
    expect(notebook.view(1)).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(8_000)  # longer than a page and the kernel wait for a cell to come back
    assert (moved.state, deleted.state) == ("open", "open")
    delete(notebook, 1)
    assert deleted.ended.wait(PATIENCE)
    assert deleted.state == "client_closed"
    assert moved.state == "open"
    assert notebook.value("h.result().state, answer.state", 2) == "cancelled streaming"


def test_the_table_of_jobs_is_live_stops_them_and_gives_way(
    open_notebook: OpenNotebook, upstream: DemoServer, loopback: FaultServer
) -> None:
    held = f"%%stream --background --base-url {loopback.base_url} -m held -o held --max-retries 0\nHold <b>it</b>"
    loopback.send(chat_chunk("Held `text`"), then="hold")
    cells = [background_cell(upstream, f"-o {name}") for name in ("one", "two")]
    notebook = open_notebook("lab", *cells, held, "%stream_jobs", shared=True)
    for cell in (1, 2, 3, 4):
        notebook.run(cell)
    table = notebook.output(4).locator(".nbs-jobs")
    row = table.locator("tbody tr")
    expect(row).to_have_count(3, timeout=PATIENCE_MS)
    expect(row.nth(2)).to_contain_text("Hold <b>it</b>")
    expect(row.nth(2)).to_contain_text("Held `text`", timeout=PATIENCE_MS)
    before = row.nth(0).inner_text()
    expect(row.nth(0)).not_to_have_text(before, timeout=PATIENCE_MS)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        notebook.page.wait_for_timeout(500)
        found = Axe().run(notebook.page, context=".nbs-jobs", options={"runOnly": RULES}).response["violations"]
        assert found == [], json.dumps(found, indent=1)
    row.nth(1).get_by_role("button", name="Stop two").click()
    expect(row.nth(1)).to_contain_text("stopped", timeout=PATIENCE_MS)
    expect(notebook.output(2)).to_contain_text("You stopped the answer after", timeout=PATIENCE_MS)
    table.get_by_role("button", name="Stop all").click()
    static = notebook.output(4).locator(".nbs-jobs-static")
    expect(static).to_be_visible(timeout=PATIENCE_MS)
    expect(table).to_have_count(0)
    expect(static.locator("tbody tr")).to_have_count(3)
    saved: dict[str, Any] = notebook.save()
    [output] = saved["cells"][4]["outputs"]
    assert set(output["data"]) == {"text/html", "text/markdown", "text/plain"}
    assert "".join(output["data"]["text/plain"]).count("stopped") == 3
    notebook.page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")


def test_a_call_is_allowed_in_the_output_of_its_own_cell(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    tool = "def population(city: str) -> int:\n    print('asked for', city)\n    return 709_000"
    cell = background_cell(upstream, "-t population -o answer", "Call population(city='Oslo')")
    sleep = "import time\nfor _ in range(600):\n    if answer.done():\n        break\n    time.sleep(0.1)"
    notebook = open_notebook("lab", tool, cell, sleep, shared=True)
    notebook.run(1)
    notebook.run(2)
    notebook.start(3)
    card = notebook.view(2).get_by_role("button", name="Allow").first
    card.click(timeout=PATIENCE_MS)
    notebook.wait_for_end(3)
    expect(notebook.output(2)).to_contain_text("population", timeout=PATIENCE_MS)
    assert "709000" in notebook.value("str(answer.result().parts)", 4)
