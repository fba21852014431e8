"""The table and the charts of what requests took, and a plan, as a reader sees them in JupyterLab, light and dark."""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real_jupyter import Jupyter, OpenNotebook

ASK = """\
import os
import nbstream as nbs
os.environ["NBSTREAM_DEMO_PACE"] = "instant"
nbs.configure(model="demo", api="responses")
nbs.price("demo", input=2, output=8)
for question in ("hello", "markdown", "Count to 20", "streaming"):
    nbs.stream(question, display=False)
try:
    nbs.stream("Tell a long story", display=False, demo={"fault": "cut"}, max_retries=0)
except nbs.StreamError:
    pass
print(nbs.ledger[0].cell_id)"""
PLAN = "%%stream --plan --max-tokens 500 -s 'You are a patient tutor.'\nExplain server-sent events."
CONTEXT = "%%stream --context -s 'You are a patient tutor.'\nhello"

# What the marks are painted with, what they stand on, and what the text beside them is written in.
READ = """output => {
    const svg = output.querySelector("figure svg"), text = getComputedStyle(output.querySelector("figcaption")).color;
    return {drawn: getComputedStyle(svg).color, text, labels: [...output.querySelectorAll("figure svg")].map(
        each => each.getAttribute("role") + ": " + each.getAttribute("aria-label")),
        formulas: document.querySelectorAll("mjx-container").length, wide: output.scrollWidth - output.clientWidth};
}"""


@pytest.fixture(params=["light", "dark"])
def shade(request: pytest.FixtureRequest, jupyter: Jupyter) -> Iterator[str]:
    settings = jupyter.root.parent / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    before = settings.read_text() if settings.exists() else None
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"theme": f"JupyterLab {request.param.title()}"}))
    yield request.param
    if before is None:
        settings.unlink()
    else:
        settings.write_text(before)


def test_usage_and_plans_are_read_in_any_theme(open_notebook: OpenNotebook, shade: str) -> None:
    notebook = open_notebook("lab", ASK, "%stream_usage", PLAN, CONTEXT)
    for number in range(1, 5):
        notebook.run(number)
        notebook.wait_for_end(number)
    expect(notebook.output(1)).to_have_text(re.compile(r"^[\w-]{8,}\s*$"))  # what the page calls the cell
    usage = notebook.output(2)
    expect(usage.locator("figure svg")).to_have_count(2)
    seen = usage.evaluate(READ)
    assert seen["drawn"] == seen["text"]
    assert seen["formulas"] == 0
    assert seen["wide"] <= 0
    assert all(label.startswith("img: ") for label in seen["labels"])
    expect(usage).to_contain_text("Besides, at least")
    expect(notebook.output(3)).to_contain_text("counted by 127.0.0.1")
    expect(notebook.output(4).locator("summary")).to_contain_text("What was sent: 2 parts")
    if look := os.environ.get("NBS_LOOK"):
        usage.locator("summary").click()
        notebook.output(4).locator("summary").click()
        for number in (2, 3, 4):
            notebook.output(number).screenshot(path=pathlib.Path(look) / f"usage-{shade}-{number}.png")
