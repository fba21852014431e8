"""The tutorials in a real JupyterLab: a reader who runs all cells gets to the end, and the page reports no error.

Nine kernels cost more than the gate has to spare, so the suite does not collect it, and CI has a job for it. To run it:

    bash tests/run.sh tests/browser/run_tutorials.py
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.real_jupyter import Jupyter

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PACE = 'import os\nos.environ["NBSTREAM_DEMO_PACE"] = "0,400"'

# Opens a notebook, runs all of it, and says what came of it.
RUN_ALL = """async ([path, first]) => {
  const shown = await jupyterapp.commands.execute("docmanager:open", { path });
  await shown.context.ready;
  await shown.sessionContext.ready;
  await shown.sessionContext.session.kernel.requestExecute({ code: first }).done;
  await jupyterapp.commands.execute("notebook:run-all-cells");
  return [...shown.content.model.cells].filter((cell) => cell.type === "code").map((cell) => cell.toJSON());
}"""


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What the page writes to the console as an error, or raises."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    yield said
    page.goto("about:blank")


def test_all_cells_of_each_tutorial_run(page: Page, jupyter: Jupyter, complaints: list[str]) -> None:
    folder = jupyter.root / "tutorials"
    folder.mkdir()
    for path in NOTEBOOKS:
        (folder / path.name).write_text(json.dumps(without_outputs(json.loads(path.read_text("utf-8")))), "utf-8")
    page.goto(jupyter.address("lab", f"tutorials/{NOTEBOOKS[0].name}"))
    page.wait_for_function("window.jupyterapp?.restored.then(() => true)")
    assert len(NOTEBOOKS) == 9
    for path in NOTEBOOKS:
        cells: list[dict[str, Any]] = page.evaluate(RUN_ALL, [f"tutorials/{path.name}", PACE])
        failed = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
        assert failed == [], path.name
        assert [cell["source"] for cell in cells if cell["execution_count"] is None] == [], path.name
        if path.stem == "03_tools":
            deny_on_the_card(page)
        if shots := os.environ.get("TEST_SCREENSHOTS"):
            page.screenshot(path=f"{shots}/{path.stem}.png")
        assert complaints == [], path.name
    jupyter.end_kernels()


def deny_on_the_card(page: Page) -> None:
    """The last cell asks, and waits for nobody: all cells have run, and its card is there."""
    view = page.locator(".jp-Notebook:visible .jp-Cell").last.locator(".nbs-view")
    view.get_by_role("button", name="Deny").click()
    expect(page.locator(".jp-Notebook:visible .jp-Cell").last).to_contain_text("not allowed")


def without_outputs(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook as `nbstream demo` copies it."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return notebook
