"""The table of a map in JupyterLab and Notebook 7: filling, stopping, retrying, reloading, and what is saved."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from nbstream.testing import Answer, chat_body, chat_chunk, error_body

if TYPE_CHECKING:
    from nbstream.testing import FaultServer
    from tests.real_jupyter import OpenNotebook

PATIENCE_MS = 60_000


class Rows:
    """Answers each row with its prompt in capitals; row 7 and those after 30 wait for `gate`, row 3 is refused."""

    def __init__(self, server: FaultServer) -> None:
        self.gate = threading.Event()
        self.refused = {"row 3"}
        self.server = server
        server.respond(self._answer)

    def _answer(self, received: Any) -> Any:
        prompt = received.json["messages"][-1]["content"]
        if prompt in self.refused:
            return Answer(error_body("No"), status=400, headers={"content-type": "application/json"})
        waits = prompt == "row 7" or int(prompt.split()[1]) > 30
        said = chat_body(f"**{prompt.upper()}** <img src=x onerror=alert(1)>", usage=(10, 5))
        return Answer(chat_chunk("So far "), self.gate, said) if waits else said

    def cell(self, call: str = "job.result()", rows: int = 200, concurrency: int = 8) -> str:
        asked = f"[f'row {{number}}' for number in range({rows})], model='m', base_url={self.server.base_url!r}"
        return (
            f"import nbstream as nbs\njob = nbs.map({asked}, max_retries=0, concurrency={concurrency})\nvalues = {call}"
        )


def test_a_table_fills_while_its_cell_blocks_and_ends_as_a_summary(
    open_notebook: OpenNotebook, loopback: FaultServer, front_end: str
) -> None:
    rows = Rows(loopback)
    notebook = open_notebook(front_end, rows.cell(rows=40, concurrency=50))
    notebook.start(1)
    table = notebook.cells.nth(1).locator(".nbs-table")
    row = table.locator(".nbs-row")
    expect(row.nth(2)).to_contain_text("done", timeout=PATIENCE_MS)
    expect(row.nth(2)).to_contain_text("**ROW 2** <img src=x onerror=alert(1)>")
    expect(row.nth(7)).to_contain_text("running")
    expect(row.nth(7)).to_contain_text("So far")
    expect(table.get_by_role("button", name="Failed (1)")).to_be_visible()
    row.nth(0).click()
    expect(table.locator(".nbs-row-box strong")).to_have_text("ROW 0")
    rows.refused.clear()
    table.get_by_role("button", name="Retry", exact=True).click()
    expect(table.get_by_role("button", name="Retry failed")).to_be_hidden(timeout=PATIENCE_MS)
    expect(row.nth(3)).not_to_contain_text("failed")
    rows.gate.set()
    notebook.wait_for_end(1)
    static = notebook.output(1).locator(".jp-RenderedMarkdown")
    expect(static).to_contain_text("Done. 40 rows", timeout=PATIENCE_MS)
    expect(table).to_have_count(0)
    expect(static.locator("tbody tr")).to_have_count(20)
    assert static.locator("img").count() == 0
    saved = notebook.save()
    [output] = saved["cells"][1]["outputs"]
    assert set(output["data"]) == {"text/markdown", "text/plain"}
    assert output["metadata"]["nbstream"]["done"] == 40
    assert "widgets" not in saved["metadata"]
    assert notebook.value("len(values), values.count(None)", 2) == "40 0"


def test_a_page_that_is_loaded_again_has_the_table_and_its_stop_reaches_the_blocked_kernel(
    open_notebook: OpenNotebook, loopback: FaultServer
) -> None:
    rows = Rows(loopback)
    notebook = open_notebook("lab", rows.cell())
    notebook.start(1)
    table = notebook.cells.nth(1).locator(".nbs-table")
    expect(table.locator(".nbs-row").nth(9)).to_contain_text("done", timeout=PATIENCE_MS)
    notebook.save()
    notebook.load()
    expect(table.locator(".nbs-row").nth(9)).to_contain_text("done", timeout=PATIENCE_MS)
    table.get_by_role("button", name="Stop").click()
    expect(table.get_by_role("button", name="Stop")).to_be_hidden(timeout=PATIENCE_MS)
    assert notebook.value("job.state, job.progress.done > 20, len(values)", 2) == "cancelled True 200"
    rows.gate.set()


def test_a_job_in_the_background_and_a_kernel_that_ends(open_notebook: OpenNotebook, loopback: FaultServer) -> None:
    rows = Rows(loopback)
    notebook = open_notebook("lab", rows.cell("job.start()"), "print(6 * 7)", shared=True)
    notebook.run(1)
    table = notebook.cells.nth(1).locator(".nbs-table")
    expect(table.locator(".nbs-row").nth(9)).to_contain_text("done", timeout=PATIENCE_MS)
    notebook.run(2)
    expect(notebook.output(2)).to_have_text(re.compile("42"))
    rows.gate.set()
    expect(notebook.output(1).locator(".jp-RenderedMarkdown")).to_contain_text("Done. 200 rows", timeout=PATIENCE_MS)
