"""What people see of a comparison in JupyterLab: columns that grow, one that is stopped, the document at the end."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from nbstream.demo import DemoServer
    from tests.real_jupyter import Notebook, OpenNotebook

PATIENCE_MS = 20_000
PICTURES = os.environ.get("COMPARISON_PICTURES")


def picture(notebook: Notebook, name: str) -> None:
    if PICTURES:
        notebook.page.screenshot(path=str(pathlib.Path(PICTURES) / f"{name}.png"))


def test_x(open_notebook: OpenNotebook, upstream: DemoServer) -> None:
    names = ["demo-mini", "demo-large", "local"]
    setup = "import nbstream as nbs\n" + "\n".join(
        f"nbs.endpoint({name!r}, base_url={upstream.base_url!r}, model='demo')" for name in names
    )
    cell = "%%stream --on demo-mini --on demo-large --on local -o answers\nWrite a long text"
    blind = "%%stream --on demo-mini --on local --blind --diff\nWhat is 2 + 2?"
    notebook = open_notebook("lab", cell, blind, setup)
    notebook.run(3)
    notebook.start(1)
    view = notebook.view(1)
    try:
        expect(view.locator(".nbs-column").nth(2).locator(".nbs-block").nth(2)).to_be_visible(timeout=PATIENCE_MS)
        notebook.page.wait_for_timeout(1500)
    finally:
        picture(notebook, "live-wide")
    view.get_by_role("button", name="Stop demo-mini").click()
    notebook.page.wait_for_timeout(1500)
    picture(notebook, "live-stopped")
    notebook.page.set_viewport_size({"width": 760, "height": 900})
    notebook.page.wait_for_timeout(500)
    picture(notebook, "live-760")
    notebook.page.keyboard.press("Control+b")
    notebook.page.set_viewport_size({"width": 320, "height": 900})
    notebook.page.wait_for_timeout(500)
    picture(notebook, "live-320")
    notebook.page.set_viewport_size({"width": 1200, "height": 900})
    view.get_by_role("button", name="Stop all").click()
    notebook.wait_for_end(1)
    notebook.page.wait_for_timeout(1000)
    picture(notebook, "static")
    print(notebook.value("stream_results, answers", 4))
    notebook.run(2)
    notebook.page.wait_for_timeout(2000)
    picture(notebook, "blind")
    notebook.cells.nth(2).get_by_role("button", name="Choose B").click()
    notebook.page.wait_for_timeout(1000)
    picture(notebook, "chosen")
    print(notebook.value("stream_results, stream_results.choice, stream_choice", 4))
