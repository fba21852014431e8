"""The table and the charts of what requests took, and a plan, as a reader sees them in JupyterLab, light and dark."""

from __future__ import annotations

import os
import pathlib
import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.real_jupyter import Notebook, OpenNotebook

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


def test_usage_and_plans_are_read_in_any_theme(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("lab", ASK, "%stream_usage", PLAN, CONTEXT, shared=True)
    for number in range(1, 5):
        notebook.run(number)
        notebook.wait_for_end(number)
    expect(notebook.output(1)).to_have_text(re.compile(r"^[\w-]{8,}\s*$"))  # what the page calls the cell
    usage = notebook.output(2)
    expect(usage.locator("figure svg")).to_have_count(2)
    texts = set()
    for shade in notebook.shades():
        seen = usage.evaluate(READ)
        assert seen["drawn"] == seen["text"], shade
        assert seen["formulas"] == 0
        assert seen["wide"] <= 0
        assert all(label.startswith("img: ") for label in seen["labels"])
        texts.add(seen["text"])
        look(notebook, shade)
    assert len(texts) == 2, "the theme was another one"
    expect(usage).to_contain_text("Besides, at least")
    expect(notebook.output(3)).to_contain_text("counted by nbstream-demo")
    expect(notebook.output(4).locator("summary")).to_contain_text("What was sent: 2 parts")


def look(notebook: Notebook, shade: str) -> None:
    if pictures := os.environ.get("NBS_LOOK"):
        for number in (2, 4):
            notebook.output(number).locator("details").evaluate("fold => { fold.open = true }")
        for number in (2, 3, 4):
            notebook.output(number).screenshot(path=pathlib.Path(pictures) / f"usage-{shade}-{number}.png")
